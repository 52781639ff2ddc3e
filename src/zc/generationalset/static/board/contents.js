/** What is on a board at one moment. */

import { Items } from '../gset.js';
import { person } from './names.js';
import { sort } from './ranks.js';

const ORDERS = {
  columns: sort, cards: sort, messages: byTime, here: byName };

/** The sets that make a board. */
export const SETS = Object.keys(ORDERS);

/**
 * The sets of a board.
 *
 *     const contents = new Contents().replace({ cards: new Map(…) });
 *     contents.cards(column)
 *
 * A Contents never changes.  Items are shown as {id, item}.
 */
export class Contents {
  #sets; // name -> Map of id -> item
  #lists;
  #byColumn = null;

  constructor(sets = {}, lists = {}) {
    this.#sets = sets;
    this.#lists = lists;
  }

  /** Returns a copy with other items in some sets. */
  replace(sets) {
    const lists = { ...this.#lists };
    for (const set of Object.keys(sets)) delete lists[set];
    return new Contents({ ...this.#sets, ...sets }, lists);
  }

  get columns() {
    return this.#list('columns');
  }

  /** The cards in a column; the first column has those without one, too. */
  cards(column) {
    this.#byColumn ??= Map.groupBy(
      this.#list('cards'), ({ item }) => (
        this.find('columns', item.column) ? item.column
          : this.columns[0]?.id));
    return this.#byColumn.get(column) ?? [];
  }

  get messages() {
    return this.#list('messages');
  }

  get people() {
    return this.#list('here');
  }

  find(set, id) {
    return this.#sets[set]?.get(id);
  }

  #list(set) {
    this.#lists[set] ??= ORDERS[set](
      [...this.#sets[set] ?? []].map(([id, item]) => ({ id, item })));
    return this.#lists[set];
  }
}

/** Returns what is in a set of items, without those that can't be shown. */
export function read(items, set) {
  const found = items.get(set);
  return new Map([...found instanceof Items ? found : []].filter(
    ([id, item]) => typeof id === 'string' && isPlain(item)));
}

/** Returns a text for a path. */
export function keyOf([set, id]) {
  return `${set}/${id}`;
}

function byTime(list) {
  return list.sort((one, other) => timeOf(one.item) - timeOf(other.item)
    || (one.id < other.id ? -1 : 1));
}

function timeOf({ at }) {
  return Number.isFinite(at) ? at : 0;
}

function byName(list) {
  return list.sort((one, other) => (
    person(one.item).name.localeCompare(person(other.item).name)
    || (one.id < other.id ? -1 : 1)));
}

/** Tells whether an item is an object, and not a subset, list or value. */
function isPlain(item) {
  return typeof item === 'object' && item !== null
    && Object.getPrototypeOf(item) === Object.prototype;
}

/** Returns the text of a card or a message, whatever the item has. */
export function textOf({ text }) {
  return typeof text === 'string' ? text : '';
}

/** Returns the name of a column. */
export function nameOf({ name }) {
  return typeof name === 'string' && name.trim() ? name : 'Without a name';
}
