/** Fields at the end of a list, for adding to it. */

import { clone, grow } from './elements.js';

/**
 * Lets a form with one field take texts, one after the other.
 *
 * The field is emptied at once, so that the user can type the next text while
 * this one is on its way.  A text that the server refuses comes back above the
 * field, where it doesn't disturb what the user types.
 *
 * form     has a textarea.
 * notices  tells whether something can be written now.
 * what     what to say if it fails, such as 'Not added'.
 * add      called with the text; returns a promise of whether it went well.
 * changed  called when the field is empty, and when a refused text is gone.
 */
export function takeText(form, notices, what, add, changed = () => {}) {
  const field = form.querySelector('textarea');
  const send = async (text) => {
    if (!await add(text)) field.before(giveBack(text, retry, changed));
  };
  const retry = (text) => {
    if (!notices.mayTry(what)) return false;
    send(text);
    return true;
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
    if (!text || !notices.mayTry(what)) return;
    field.value = '';
    grow(field);
    send(text);
    changed();
  });
}

/** Returns a text with buttons to try again, or to forget it. */
function giveBack(text, retry, changed) {
  const element = clone('refused');
  element.querySelector('.text').textContent = text;
  const end = () => {
    element.remove();
    changed();
  };
  element.querySelector('.again').addEventListener('click', () => {
    if (retry(text)) end();
  });
  element.querySelector('.forget').addEventListener('click', end);
  return element;
}
