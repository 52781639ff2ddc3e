/** A form that edits one text in place: of a card, or a column's name. */

import { clone, grow, quote } from './elements.js';

/**
 * An open form.
 *
 * The form stays until the user saves, cancels or removes.  What others do
 * meanwhile doesn't change the typed text; the form only says what they did.
 *
 * text     the text to begin with.
 * label    the label of the field.
 * save     called with the text, when the form is gone.
 * remove   called by the button, when the form is gone.
 * close    called when the form is gone.
 */
export class Editor {
  constructor({ text, label, save, remove, close }) {
    this.element = clone('editor');
    this.field = this.element.querySelector('textarea');
    this.place = this.element.querySelector('.place');
    this.notice = this.element.querySelector('.notice');
    this.text = text;
    this.element.querySelector('.what').textContent = label;
    this.remove = remove;
    this.save = save;
    this.closed = close;
    this.#listen();
  }

  close() {
    removeEventListener('resize', this.#reveal);
    this.element.remove();
    this.closed();
  }

  /** Lets the user choose one of a list of {id, name}, too. */
  offer(choices, chosen) {
    this.offered = chosen;
    this.place.hidden = false;
    const select = this.place.querySelector('select');
    select.replaceChildren(...choices.map(({ id, name }) => {
      const option = document.createElement('option');
      option.value = id;
      option.textContent = name;
      option.selected = id === chosen;
      return option;
    }));
  }

  /** What the user chose; undefined if that is what it was before. */
  get choice() {
    const { value } = this.place.querySelector('select');
    return value === this.offered ? undefined : value;
  }

  /**
   * Call this when the form is in the page.
   *
   * A text that was refused comes back without being asked for, so it isn't
   * selected, and takes the focus from no other field.
   */
  open(typed) {
    this.field.value = typed ?? this.text;
    grow(this.field);
    const types = document.activeElement.matches('input, textarea');
    if (typed === undefined || !types) this.field.focus();
    if (typed === undefined) this.field.select();
    this.#reveal();
    addEventListener('resize', this.#reveal);
  }

  /** Says that another user changed the text; null if it was removed. */
  tell(text, who) {
    if (text === this.text) return;
    this.text = text;
    const somebody = who || 'Somebody';
    this.notice.hidden = false;
    this.notice.textContent = text === null
      ? 'Somebody removed it meanwhile. Save puts it back.'
      : `${somebody} changed it to ${quote(text)}. Save replaces that.`;
  }

  /** Scrolls to all of the form; a phone's keyboard may leave it little room. */
  #reveal = () => {
    if (!this.element.contains(document.activeElement)) return;
    for (const each of [this.element, this.field]) {
      each.scrollIntoView({ block: 'nearest' });
    }
  };

  #listen() {
    const { element, field } = this;
    field.addEventListener('input', () => grow(field));
    field.addEventListener('keydown', (event) => {
      if (event.isComposing) return;
      if (event.key === 'Enter' && !event.shiftKey) {
        event.preventDefault();
        element.requestSubmit();
      }
    });
    element.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.close();
    });
    element.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#end(this.save);
    });
    element.querySelector('.cancel').addEventListener(
      'click', () => this.close());
    element.querySelector('.remove').addEventListener(
      'click', () => this.#end(this.remove));
  }

  #end(action) {
    action(this.field.value.trim());
    this.close();
  }
}
