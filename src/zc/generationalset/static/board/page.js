/** The columns and cards on the page, as they are on the board. */

import { CardView } from './cards.js';
import { ColumnView } from './columns.js';
import { moveCard, moveColumn } from './edits.js';
import { arrange, keepFocus } from './elements.js';

/** With more changes at once, none of them is marked. */
const MANY = 50;
const GLIDE = { duration: 220, easing: 'cubic-bezier(.2, .8, .2, 1)' };
const still = matchMedia('(prefers-reduced-motion: reduce)');

/**
 * Shows a board in an element, and its changes as they come.
 *
 * Elements live as long as what they show, so that changes of other users
 * don't disturb what this user does with them.
 */
export class Page {
  cards = new Map();
  columns = new Map();

  constructor(element, board, notices) {
    this.element = element;
    this.board = board;
    this.notices = notices;
    board.addEventListener('change', ({ detail }) => this.#change(detail));
  }

  #change({ changes, others, sets, generation, isNews }) {
    if (!sets.has('cards') && !sets.has('columns')) return;
    const shown = changes.filter(({ set }) => set === 'cards');
    const places = this.#places(others);
    this.render();
    if (isNews && shown.length <= MANY) {
      for (const { id, kind, isOwn } of shown) {
        if (kind !== 'removed') this.cards.get(id)?.mark(generation, isOwn);
      }
      this.#glide(places);
    }
    // The browser may have scrolled while the page filled.
    if (!isNews) this.element.parentElement.scrollLeft = 0;
  }

  /** Shows everything as it is now. */
  render() {
    keepFocus(() => this.#render());
  }

  #render() {
    const columns = this.board.columns.map(({ id, item }) => {
      const view = this.#view(this.columns, id, ColumnView);
      view.show(item);
      return view;
    });
    // Cards come first, because a card that moves is taken out of its old
    // column.
    const cards = columns.map(({ id }) => this.#cards(id));
    this.#forget(this.cards, cards.flat(), ({ isOpen }) => isOpen);
    const busy = this.#forget(this.columns, columns, ({ isBusy }) => isBusy);
    for (const view of busy) view.fill([]);
    arrange(this.element, [...columns, ...busy].map((view) => view.element));
    columns.forEach((view, index) => view.fill(cards[index]));
  }

  #cards(column) {
    return this.board.cards(column).map(({ id, item }) => {
      const view = this.#view(this.cards, id, CardView);
      view.show(item);
      return view;
    });
  }

  #view(views, id, Kind) {
    if (!views.has(id)) views.set(id, new Kind(id, this.board, this));
    return views.get(id);
  }

  /** Drops views of what is gone; returns the views that are still in use. */
  #forget(views, shown, isUsed) {
    const wanted = new Set(shown);
    const used = [];
    for (const [id, view] of views) {
      if (wanted.has(view)) continue;
      if (isUsed(view)) {
        view.show(undefined);
        used.push(view);
      } else {
        views.delete(id);
      }
    }
    return used;
  }

  /** Moves what was dragged. */
  drop({ item, column, before }) {
    const { id } = item.dataset;
    const next = before?.dataset.id;
    const [view, edit] = column
      ? [this.cards.get(id), moveCard(id, column.dataset.id, next)]
      : [this.columns.get(id), moveColumn(id, next)];
    this.notices.submit('Not moved', edit, view && `Moved ${view.name}.`);
  }

  /** Shows the text of a card that was refused, in its column if it's there. */
  giveBack(text, column) {
    const view = this.columns.get(column) ?? [...this.columns.values()][0];
    if (view) view.giveBack(text);
    else this.notices.show(`Not saved: ${text}`);
  }

  // Motion.

  /** Where the cards are that other windows move. */
  #places(others) {
    const shown = others.filter(
      ({ set, id }) => set === 'cards' && this.cards.has(id));
    if (still.matches || shown.length > MANY) return new Map();
    return new Map(shown
      .map(({ id }) => {
        const view = this.cards.get(id);
        return [view, view.element.getBoundingClientRect()];
      }));
  }

  #glide(places) {
    for (const [view, from] of places) {
      const to = view.element.getBoundingClientRect();
      const x = from.x - to.x;
      const y = from.y - to.y;
      if (view.element.isConnected && (x || y)) {
        view.element.animate(
          { translate: [`${x}px ${y}px`, '0 0'] }, GLIDE);
      }
    }
  }
}
