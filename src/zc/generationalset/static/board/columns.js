/** A column on the page. */

import { nameOf } from './contents.js';
import { Editor } from './editor.js';
import { addCard, removeColumn, renameColumn } from './edits.js';
import { arrange, clone, heir, quote } from './elements.js';
import { takeText } from './field.js';

/**
 * Shows a column with its cards, and takes new ones.
 *
 * id     the column's.
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

  /** Whether something is being typed that must not disappear. */
  get isBusy() {
    return this.editor !== null || this.field.value !== ''
      || this.form.querySelector('.refused') !== null
      || this.list.querySelector('.editing') !== null;
  }

  /** Shows an item of the board, undefined if it isn't there any more. */
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
    // One of them is where Tab goes to; arrow keys go on from there.
    if (!this.list.querySelector('.open[tabindex="0"]')) {
      const first = this.list.querySelector('.open');
      if (first) first.tabIndex = 0;
    }
  }

  /** Adds cards that are gone but open, after what they were after. */
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

  /** Opens the form; `typed` is what was refused before. */
  edit(typed) {
    if (this.editor) return;
    this.editor = new Editor({
      text: this.name,
      label: 'Name of the column',
      mayEnd: () => this.page.notices.mayTry('Not saved'),
      save: (name) => this.#save(name),
      remove: () => this.remove(),
      close: () => this.#close(),
    });
    this.element.classList.add('renaming');
    this.element.querySelector('.handle').after(this.editor.element);
    this.editor.open(typed);
  }

  remove() {
    return this.page.notices.remove(
      `${quote(this.name)} with its cards`, removeColumn(this.id));
  }

  async #save(name) {
    const { id, item } = this;
    const edit = renameColumn({ id, item }, name);
    if (!await this.page.notices.submit('Not saved', edit)) this.edit(name);
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
    takeText(this.form, this.page.notices, 'Not added', (text) => {
      const { id, item } = this;
      const added = this.page.notices.submit(
        'Not added', addCard({ id, item }, text));
      this.list.scrollTop = this.list.scrollHeight;
      return added;
    }, () => this.page.render());
  }
}
