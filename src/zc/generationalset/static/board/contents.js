/** What is on a board at one moment. */

import { Items } from '../gset.js';
import { person } from './names.js';
import { sort } from './ranks.js';

const ORDERS = {
  columns: sort, cards: sort, messages: byTime, here: byName };
/** The set without order: where cards and columns are. */
const PLACES = 'places';

/** The sets that make a board. */
export const SETS = [...Object.keys(ORDERS), PLACES];

/**
 * The sets of a board, with the changes that are on their way.
 *
 *     const contents = new Contents().replace({ cards: new Map(…) });
 *     contents.after([{ op: 'remove', path: ['cards', id] }]).cards(column)
 *
 * A Contents never changes.  Items are shown as {id, item}.  The place of a
 * card or a column is an item of its own, in `places`.  So a user who moves a
 * card doesn't write its text, which another user may be writing.  A card may
 * have no place, if one user removed the card while another saved it; then the
 * card itself has its column and rank.
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
    for (const set of withPlaced(Object.keys(sets))) delete lists[set];
    return new Contents({ ...this.#sets, ...sets }, lists);
  }

  /** Returns the contents after changes, as Client.batch takes them. */
  after(changes) {
    const sets = {};
    for (const { op, path: [set, id], item } of changes) {
      sets[set] ??= new Map(this.#sets[set]);
      if (op === 'remove') sets[set].delete(id);
      else sets[set].set(id, item);
    }
    return this.replace(sets);
  }

  get columns() {
    return this.#list('columns').inOrder;
  }

  /** The cards in a column; the first column has those without one, too. */
  cards(column) {
    this.#byColumn ??= Map.groupBy(
      this.#list('cards').inOrder, ({ item }) => (
        this.find('columns', item.column) ? item.column
          : this.columns[0]?.id));
    return this.#byColumn.get(column) ?? [];
  }

  get messages() {
    return this.#list('messages').inOrder;
  }

  get people() {
    return this.#list('here').inOrder;
  }

  /** An item as it is shown: a card or column with its place. */
  find(set, id) {
    return Object.hasOwn(ORDERS, set)
      ? this.#list(set).byId.get(id) : undefined;
  }

  /** An item as it is stored. */
  stored(set, id) {
    return this.#sets[set]?.get(id);
  }

  #list(set) {
    this.#lists[set] ??= this.#order(set);
    return this.#lists[set];
  }

  #order(set) {
    const found = [...this.#sets[set] ?? []].map(([id, item]) => {
      const place = this.stored(...placePath(set, id));
      return { id, item: place ? placed(item, place) : item };
    });
    return {
      inOrder: ORDERS[set](found),
      byId: new Map(found.map(({ id, item }) => [id, item])),
    };
  }
}

/** Returns what a client has in a set, without items that can't be shown. */
export function read(items, set) {
  const found = items.get(set);
  return new Map([...found instanceof Items ? found : []].filter(
    ([id, item]) => typeof id === 'string' && isPlain(item)));
}

/** Returns the path of the place of a card or a column. */
export function placePath(set, id) {
  return [PLACES, keyOf([set, id])];
}

/** Returns a text for a path; a place has the text of its card or column. */
export function keyOf([set, id]) {
  return set === PLACES ? id : `${set}/${id}`;
}

/** Returns the path of what people see; for a place, its card or column. */
export function subjectOf(path) {
  const [, set, id] = /^([^/]*)\/?(.*)$/s.exec(keyOf(path));
  return [set, id];
}

/** Adds the sets whose items look different if these sets change. */
export function withPlaced(sets) {
  const all = new Set(sets);
  return all.has(PLACES) ? all.add('columns').add('cards') : all;
}

const made = new WeakMap(); // an item that didn't change stays the same object

function placed(item, place) {
  const known = made.get(item);
  if (known?.place === place) return known.result;
  const { by, at } = place;
  const isLater = at > (Number.isFinite(item.at) ? item.at : 0);
  const where = ['column', 'rank'].filter((name) => name in place);
  const result = {
    ...item, ...isLater && { by, at },
    ...Object.fromEntries(where.map((name) => [name, place[name]])) };
  made.set(item, { place, result });
  return result;
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
