/** The keys of the board: they go from card to card, move, and remove. */

import { nameOf } from './contents.js';
import { moveCard, moveColumn } from './edits.js';
import { heir } from './elements.js';

const STEPS = {
  ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0],
};

/**
 * Listens to keys on the cards and the names of columns.
 *
 * Arrow keys go; with Shift, they move.  Delete removes.  Enter, which is a
 * click, edits. n goes to the field for a new card.
 *
 * page   the Page.
 * moved  called with words that say where a card or column is now.
 */
export class Keys {
  constructor(page, moved) {
    this.page = page;
    this.board = page.board;
    this.moved = moved;
    page.element.addEventListener('keydown', (event) => this.#key(event));
    page.element.addEventListener('focusin', ({ target }) => {
      if (target.matches('.card > .open')) makeCurrent(target);
    });
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const card = event.target.closest('.card');
    const column = event.target.closest('.column');
    const view = card ? this.page.cards.get(card.dataset.id)
      : this.page.columns.get(column?.dataset.id);
    if (!view || !event.target.matches('.open')) return;
    if (this.#act(event, view, column)) event.preventDefault();
  }

  #act({ key, shiftKey }, view, column) {
    const isCard = view.element.matches('.card');
    const step = STEPS[key];
    if (step && !shiftKey) {
      return isCard ? goCard(view.element, ...step)
        : goColumn(column, ...step);
    }
    if (step) {
      if (isCard) this.#moveCard(view, ...step);
      else this.#moveColumn(view, step[0]);
      return true;
    }
    if (key === 'Delete' || key === 'Backspace') {
      this.#remove(view);
      return true;
    }
    if (key === 'n') column.querySelector('.add textarea').focus();
    return key === 'n';
  }

  #moveCard(view, across, down) {
    const { columns } = this.board;
    const column = view.element.closest('.column')?.dataset.id;
    const cards = this.board.cards(column);
    const index = cards.findIndex(({ id }) => id === view.id);
    const target = columns[columns.findIndex(({ id }) => id === column)
      + across];
    if (index < 0 || !target || (down && !cards[index + down])) return;
    const others = across ? this.board.cards(target.id)
      : cards.filter(({ id }) => id !== view.id);
    const before = others[index + down]?.id;
    this.page.notices.submit(
      'Not moved', moveCard(view.id, target.id, before));
    view.element.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    const now = this.board.cards(target.id);
    const place = now.findIndex(({ id }) => id === view.id) + 1;
    this.moved(`${view.name} is now in ${nameOf(target.item)}, `
      + `${place} of ${now.length}.`);
  }

  #moveColumn(view, across) {
    const { columns } = this.board;
    const index = columns.findIndex(({ id }) => id === view.id);
    if (!across || index < 0 || !columns[index + across]) return;
    const before = columns[index + (across > 0 ? 2 : -1)]?.id;
    this.page.notices.submit('Not moved', moveColumn(view.id, before));
    this.moved(`${view.name} is now column ${index + across + 1} of `
      + `${columns.length}.`);
  }

  #remove(view) {
    const next = heir(view.element);
    view.remove();
    if (document.activeElement === document.body) next?.focus();
  }
}

/** Lets Tab go to this card of its column, which had the focus last. */
function makeCurrent(button) {
  const list = button.closest('.cards');
  for (const other of list.querySelectorAll('.open[tabindex="0"]')) {
    other.tabIndex = -1;
  }
  button.tabIndex = 0;
}

function goCard(card, across, down) {
  const column = card.closest('.column');
  if (down) {
    const other = down > 0 ? card.nextElementSibling
      : card.previousElementSibling;
    (other ?? column).querySelector('.open').focus();
    return true;
  }
  const index = [...card.parentElement.children].indexOf(card);
  const beside = sibling(column, across);
  if (!beside) return true;
  const cards = beside.querySelectorAll('.card > .open');
  const target = cards[Math.min(index, cards.length - 1)];
  (target ?? beside.querySelector('.handle .open')).focus();
  return true;
}

function goColumn(column, across, down) {
  const target = across ? sibling(column, across)?.querySelector('.open')
    : down > 0 && column.querySelector('.card > .open');
  if (target) target.focus();
  return Boolean(target);
}

function sibling(column, across) {
  return across > 0 ? column.nextElementSibling
    : column.previousElementSibling;
}
