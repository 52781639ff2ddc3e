/** A card on the page. */

import { nameOf, textOf } from './contents.js';
import { Editor } from './editor.js';
import { removeCard, saveCard } from './edits.js';
import { clone, heir, quote } from './elements.js';
import { person } from './names.js';
import { showTime } from './times.js';

/** How long the number of a change is on a card. */
const MARKED = 6000;

/**
 * Shows a card, or its editor.
 *
 * id     the id of the card.
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

  /** Shows an item of the board; undefined if the item is gone. */
  show(item) {
    this.element.classList.toggle(
      'pending', this.board.isPending('cards', this.id));
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

  /** Shows, for a while, the generation that brought the card. */
  mark(generation, isOwn) {
    const mark = this.element.querySelector('.mark');
    mark.textContent = generation;
    this.element.classList.remove('marked', 'remote');
    void this.element.offsetWidth; // restarts the animation
    this.element.classList.add('marked', ...isOwn ? [] : ['remote']);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.element.classList.remove('marked', 'remote');
    }, MARKED);
  }

  /**
   * Opens the form, with `typed` if the server refused that before; `known` is
   * the card as the user saw it then.
   */
  edit(typed, known = this.item) {
    if (this.isOpen) return;
    const { columns } = this.board;
    this.editor = new Editor({
      text: textOf(known),
      label: 'Text of the card',
      save: (text) => this.#save(text),
      remove: () => this.remove(),
      close: () => this.#close(),
    });
    this.editor.offer(
      columns.map(({ id, item }) => ({ id, name: nameOf(item) })),
      this.board.find('columns', this.item.column) ? this.item.column
        : columns[0]?.id);
    this.known = columns;
    this.element.classList.add('editing');
    this.element.append(this.editor.element);
    this.editor.open(typed);
    this.editor.tell(textOf(this.item), person(this.item.by).name);
  }

  remove() {
    this.page.notices.submit(
      'Not removed', removeCard(this.id), `Removed ${this.name}.`);
  }

  async #save(text) {
    const { id, item, editor } = this;
    // If the column is gone by now, it is put back as it was known.
    const known = [...this.board.columns, ...this.known];
    const edit = saveCard({ id, item }, text, editor.choice, known);
    const { notices } = this.page;
    if (await notices.submit('Not saved', edit)) return;
    if (this.element.isConnected) this.edit(text, item);
    else notices.show(`Not saved, and the card is gone: ${text}`);
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
