/** A column on the page. */

import { nameOf } from './contents.js';
import { Editor } from './editor.js';
import { addCard, removeColumn, renameColumn } from './edits.js';
import { arrange, clone, heir, quote } from './elements.js';
import { takeText } from './field.js';

/**
 * Shows a column with its cards, and takes new cards.
 *
 * id     the id of the column.
 * board  the Board.
 * page   has `notices`, and `render`.
 */
export class ColumnView {
  editor = null;

  constructor(id, board, page) {
    this.id = id;
    this.board = board;
    this.page = page;
    this.element = clone('column');
    this.element.dataset.id = id;
    this.list = this.element.querySelector('.cards');
    this.button = this.element.querySelector('.open');
    this.form = this.element.querySelector('.add');
    this.field = this.form.querySelector('textarea');
    this.#listen();
  }

  get name() {
    return nameOf(this.item);
  }

  /** Whether the user is typing something that must not disappear. */
  get isBusy() {
    return this.editor !== null || this.field.value !== ''
      || this.form.querySelector('.refused') !== null
      || this.list.querySelector('.editing') !== null;
  }

  /** Shows an item of the board; undefined if the item is gone. */
  show(item) {
    this.element.querySelector('.gone').hidden = Boolean(item);
    this.element.classList.toggle(
      'pending', this.board.isPending('columns', this.id));
    if (!item) {
      this.editor?.tell(null);
      return;
    }
    if (item === this.item) return;
    this.item = item;
    this.editor?.tell(this.name);
    this.button.textContent = this.name;
    this.element.ariaLabel = this.name;
    this.list.ariaLabel = `Cards in ${this.name}`;
    this.field.ariaLabel = `Add a card to ${this.name}`;
  }

  /** Shows cards in their order. */
  fill(cards) {
    this.element.querySelector('.count').textContent = cards.length;
    arrange(this.list, this.#withOpen(cards.map(({ element }) => element)));
    // Tab goes to one card of each list; arrow keys go on from there.
    if (!this.list.querySelector('.open[tabindex="0"]')) {
      const first = this.list.querySelector('.open');
      if (first) first.tabIndex = 0;
    }
  }

  /** Adds cards that are gone but open, after their former neighbours. */
  #withOpen(elements) {
    const wanted = new Set(elements);
    const result = [...elements];
    for (const child of this.list.querySelectorAll(':scope > .editing')) {
      if (wanted.has(child)) continue;
      const before = result.indexOf(child.previousElementSibling);
      result.splice(before + 1, 0, child);
    }
    return result;
  }

  /**
   * Opens the form, with `typed` if the server refused that before; `known` is
   * the column as the user saw it then.
   */
  edit(typed, known = this.item) {
    if (this.editor) return;
    this.editor = new Editor({
      text: nameOf(known),
      label: 'Name of the column',
      save: (name) => this.#save(name),
      remove: () => this.remove(),
      close: () => this.#close(),
    });
    this.element.classList.add('renaming');
    this.element.querySelector('.handle').after(this.editor.element);
    this.editor.open(typed);
    this.editor.tell(this.name);
  }

  remove() {
    this.page.notices.submit('Not removed', removeColumn(this.id),
      `Removed ${quote(this.name)} with its cards.`);
  }

  async #save(name) {
    const { id, item } = this;
    const edit = renameColumn({ id, item }, name);
    if (await this.page.notices.submit('Not saved', edit)) return;
    this.edit(name, item);
  }

  #close() {
    this.editor = null;
    this.element.classList.remove('renaming');
    const next = heir(this.element);
    this.button.focus();
    this.page.render();
    if (!this.element.isConnected) next?.focus();
  }

  #listen() {
    this.button.addEventListener('click', () => this.edit());
    this.giveBack = takeText(this.form, (text) => {
      const { id, item } = this;
      const added = this.page.notices.submit(
        'Not added', addCard({ id, item }, text));
      this.list.scrollTop = this.list.scrollHeight;
      return added;
    }, () => this.page.render());
  }
}
