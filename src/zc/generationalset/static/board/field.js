/** Fields at the end of a list, for what is to be added to it. */

import { grow } from './elements.js';

/**
 * Lets a form with one field take texts, one after the other.
 *
 * form     with a textarea.
 * add      called with the text; returns whether it went well: then the field
 *          is empty again, unless somebody went on typing.
 * cleared  called when that is so.
 */
export function takeText(form, add, cleared = () => {}) {
  const field = form.querySelector('textarea');
  let isBusy = false;
  field.addEventListener('input', () => {
    grow(field);
    if (!field.value) cleared();
  });
  field.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    } else if (event.key === 'Escape') {
      field.blur();
    }
  });
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const typed = field.value;
    if (isBusy || !typed.trim()) return;
    isBusy = true;
    try {
      if (await add(typed.trim()) && field.value === typed) {
        field.value = '';
        grow(field);
        cleared();
      }
    } finally {
      isBusy = false;
    }
  });
}
