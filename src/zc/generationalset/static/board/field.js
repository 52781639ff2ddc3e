/** Fields at the end of a list, for adding to it. */

import { clone, grow } from './elements.js';

/**
 * Lets a form with one field take texts, one after the other.
 *
 * The field is emptied at once, so that the user can type the next text while
 * this one is on its way.  A text that the server refuses comes back above the
 * field, where it doesn't disturb what the user types.
 *
 * Returns a function that gives back a text in this way.
 *
 * form     has a textarea.
 * add      called with the text; returns a promise of whether it went well.
 * changed  called when the field is empty, and when a refused text is gone.
 */
export function takeText(form, add, changed = () => {}) {
  const field = form.querySelector('textarea');
  const giveBack = (text) => field.before(refused(text, send, changed));
  const send = async (text) => {
    if (!await add(text)) giveBack(text);
  };
  field.addEventListener('input', () => {
    grow(field);
    if (!field.value) changed();
  });
  field.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    } else if (event.key === 'Escape') {
      field.blur();
    }
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const text = field.value.trim();
    if (!text) return;
    field.value = '';
    grow(field);
    send(text);
    changed();
  });
  return giveBack;
}

/** Returns a text with buttons to try again, or to forget it. */
function refused(text, send, changed) {
  const element = clone('refused');
  element.querySelector('.text').textContent = text;
  const end = () => {
    element.remove();
    changed();
  };
  element.querySelector('.again').addEventListener('click', () => {
    send(text);
    end();
  });
  element.querySelector('.forget').addEventListener('click', end);
  return element;
}
