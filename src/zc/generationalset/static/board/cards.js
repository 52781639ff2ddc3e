/** A card on the page. */

import { nameOf, textOf } from './data.js';
import { Editor } from './editor.js';
import { clone, heir, quote } from './elements.js';
import { person } from './names.js';
import { showTime } from './times.js';

/** How long the number of a change is on a card. */
const MARKED = 6000;

/**
 * Shows a card, or its editor.
 *
 * id     the card's.
 * board  the Board.
 * page   has `notices`, and `render`.
 */
export class CardView {
  editor = null;
  #timer = 0;

  constructor(id, board, page) {
    this.id = id;
    this.board = board;
    this.page = page;
    this.element = clone('card');
    this.element.dataset.id = id;
    this.button = this.element.querySelector('.open');
    this.button.addEventListener('click', () => this.edit());
  }

  get isOpen() {
    return this.editor !== null;
  }

  get name() {
    return quote(textOf(this.item) || 'an empty card');
  }

  /** Shows an item of the board, undefined if it isn't there any more. */
  show(item) {
    if (item === this.item) return;
    if (!item) {
      this.editor?.tell(null);
      return;
    }
    this.item = item;
    this.editor?.tell(textOf(item), person(item.by).name);
    const { name, color } = person(item.by);
    this.element.dataset.color = color;
    this.element.querySelector('.text').textContent = textOf(item);
    this.element.querySelector('.by').textContent = name;
    showTime(this.element.querySelector('time'), item.at);
  }

  /** Shows for a while the number of the generation that brought it. */
  mark(generation, isOwn) {
    const mark = this.element.querySelector('.mark');
    mark.textContent = generation;
    this.element.classList.remove('marked', 'remote');
    void this.element.offsetWidth; // so that the animation begins anew
    this.element.classList.add('marked', ...isOwn ? [] : ['remote']);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.element.classList.remove('marked', 'remote');
    }, MARKED);
  }

  edit() {
    if (this.isOpen) return;
    const { columns } = this.board;
    this.editor = new Editor({
      text: textOf(this.item),
      label: 'Text of the card',
      save: (text) => this.#save(text),
      remove: () => this.remove(),
      close: () => this.#close(),
    });
    this.editor.offer(
      columns.map(({ id, item }) => ({ id, name: nameOf(item) })),
      this.#column(columns).id);
    this.known = columns;
    this.element.classList.add('editing');
    this.element.append(this.editor.element);
    this.editor.open();
  }

  remove() {
    return this.page.notices.remove(
      this.name, () => this.board.removeCard(this.id));
  }

  #column(columns, chosen = this.item.column) {
    return columns.find(({ id }) => id === chosen) ?? columns[0];
  }

  #save(text) {
    // A column that is gone now is put back, with what was known of it.
    const known = [...this.board.columns, ...this.known];
    const column = this.#column(known, this.editor.choice);
    return this.page.notices.attempt(
      'Not saved', () => this.board.saveCard(this, text, column));
  }

  #close() {
    this.editor = null;
    this.element.classList.remove('editing');
    const next = heir(this.element);
    this.button.focus();
    this.page.render();
    if (!this.element.isConnected) next?.focus();
  }
}
