/** What is on the board: what is in a client's set, in order. */

import { Items } from '../gset.js';
import { person } from './names.js';
import { ranksAt, sort } from './ranks.js';

/** So many messages are kept. */
export const MOST_MESSAGES = 200;
/** How often something is tried that somebody else gets in the way of. */
const TRIES = 3;

/**
 * The board: a set with the subsets `columns`, `cards`, `messages` and `here`.
 *
 *     const board = new Board(client, me);
 *     board.addEventListener('change', ({ detail: { changes } }) => {});
 *     await board.addCard(column, 'Buy milk');
 *
 * Items are shown as {id, item}.  All that writes is done by the server, and
 * is here when it returns; it raises the client's errors, and then nothing
 * was written.
 *
 * A `change` comes after each of the client's updates, with `generation`,
 * `size`, the `sets` that it is about, and `isNews` unless it is the first.
 * Its `changes` are objects with `set`, `id`, `kind` ('added', 'changed',
 * 'removed'), `item`, `old`, and `isOwn` if this window wrote it.
 *
 * client  a Client of gset.js.
 * me      who writes; see names.js.
 */
export class Board extends EventTarget {
  #lists = new Map();
  #byColumn = null;
  #writing = new Set();
  #isFilled = false;

  constructor(client, me) {
    super();
    this.client = client;
    this.me = me;
    client.addEventListener(
      'updates', ({ detail }) => this.#update(detail));
    client.addEventListener('online', () => this.#prepare());
  }

  // What is there

  get columns() {
    return this.#list('columns').inOrder;
  }

  /** The cards in a column; in the first one also those without a column. */
  cards(column) {
    return this.#cardsByColumn().get(column) ?? [];
  }

  get messages() {
    return this.#list('messages').inOrder;
  }

  get people() {
    return this.#list('here').inOrder;
  }

  find(set, id) {
    return this.#list(set).byId.get(id);
  }

  #list(set) {
    if (!this.#lists.has(set)) {
      const items = this.client.items.get(set);
      const found = [...items instanceof Items ? items : []]
        .filter(([id, item]) => typeof id === 'string' && isPlain(item))
        .map(([id, item]) => ({ id, item }));
      this.#lists.set(set, {
        inOrder: ORDERS[set](found),
        byId: new Map(found.map((each) => [each.id, each.item])),
      });
    }
    return this.#lists.get(set);
  }

  #cardsByColumn() {
    if (!this.#byColumn) {
      const { inOrder, byId } = this.#list('columns');
      this.#byColumn = Map.groupBy(this.#list('cards').inOrder, ({ item }) => (
        byId.has(item.column) ? item.column : inOrder[0]?.id));
    }
    return this.#byColumn;
  }

  #update({ changes, generation, size }) {
    const sets = new Set(changes.map(({ path }) => path[0]));
    const before = new Map(this.#lists);
    for (const set of sets) this.#lists.delete(set);
    this.#byColumn = null;
    const told = changes
      .filter(({ path }) => path.length === 2)
      .map(({ kind, path: [set, id], item }) => ({
        set, id, kind, item: kind === 'removed' ? undefined : item,
        old: before.get(set)?.byId.get(id),
        isOwn: this.#writing.has(key([set, id])),
      }));
    // What was there before this window was is no news.
    const isNews = this.#isFilled;
    this.#isFilled = true;
    this.dispatchEvent(new CustomEvent('change', {
      detail: { changes: told, sets, generation, size, isNews } }));
    this.#prepare();
  }

  // Writing

  /** Makes the subsets, if somebody removed them or they never were. */
  async #prepare() {
    const { items, online } = this.client;
    const missing = Object.keys(ORDERS).filter((set) => !items.has(set));
    if (!online || !missing.length) return;
    try {
      await this.write(missing.map((set) => ({ op: 'set', path: [set] })));
    } catch {
      // The next update tries again.
    }
  }

  /** Makes changes, as Client.batch, in one transaction. */
  async write(changes) {
    const keys = changes.map(({ path }) => key(path));
    for (const each of keys) this.#writing.add(each);
    try {
      await this.client.batch(changes);
    } finally {
      for (const each of keys) this.#writing.delete(each);
    }
  }

  #signed(item) {
    return { ...item, by: person(this.me), at: Date.now() };
  }

  async addCard(column, text) {
    const id = newId();
    const cards = this.cards(column.id);
    const [rank] = ranksAt(cards, cards.length);
    const item = this.#signed({ text, column: column.id, rank });
    await this.write([...this.#revive(column), put('cards', id, item)]);
    return id;
  }

  /** Writes a card's text, and puts it into a column, if it isn't there. */
  async saveCard({ id, item }, text, column) {
    const now = this.find('cards', id) ?? item;
    const changed = { ...now, text };
    if (column.id !== now.column) {
      const cards = this.cards(column.id);
      [changed.rank] = ranksAt(cards, cards.length);
      changed.column = column.id;
    }
    await this.write([
      ...this.#revive(column), put('cards', id, this.#signed(changed))]);
  }

  /** Moves a card before another one, or to the end of a column. */
  async moveCard(id, column, before = null) {
    const item = this.#expect('cards', id);
    this.#expect('columns', column);
    const others = this.cards(column).filter((card) => card.id !== id);
    await this.#insert('cards', others, before, {
      id, item: this.#signed({ ...item, column }) });
  }

  async addColumn(name) {
    const { columns } = this;
    const [rank] = ranksAt(columns, columns.length);
    const id = newId();
    await this.write([put('columns', id, { name, rank })]);
    return id;
  }

  async renameColumn({ id, item }, name) {
    const now = this.find('columns', id) ?? item;
    await this.write([put('columns', id, { ...now, name })]);
  }

  async moveColumn(id, before = null) {
    const item = this.#expect('columns', id);
    const others = this.columns.filter((column) => column.id !== id);
    await this.#insert('columns', others, before, { id, item });
  }

  async #insert(set, others, before, { id, item }) {
    const found = others.findIndex((other) => other.id === before);
    const index = found < 0 ? others.length : found;
    const [rank, ...ranks] = ranksAt(others, index);
    await this.write([
      put(set, id, { ...item, rank }),
      ...ranks.map((each, step) => {
        const other = others[index + step];
        return put(set, other.id, { ...other.item, rank: each });
      }),
    ]);
  }

  /** Removes a card; returns a function that puts it back. */
  removeCard(id) {
    return this.#remove(() => {
      const item = this.find('cards', id);
      return item ? [put('cards', id, item)] : [];
    });
  }

  /** Removes a column and its cards; returns what puts them back. */
  removeColumn(id) {
    return this.#remove(() => {
      const item = this.find('columns', id);
      if (!item) return [];
      const cards = this.cards(id);
      return [put('columns', id, item), ...cards.map(
        (card) => put('cards', card.id, card.item))];
    });
  }

  /**
   * Removes what can be put back by changes.
   *
   * If somebody else removed some of it meanwhile, the transaction as a whole
   * is refused, so it is tried again with what is left.
   */
  async #remove(describe) {
    const puts = describe();
    for (let rest = puts, tries = 1; rest.length; tries++) {
      try {
        await this.write(rest.map(({ path }) => ({ op: 'remove', path })));
        break;
      } catch (error) {
        if (error.status !== 404 || tries === TRIES) throw error;
        await this.client.sync();
        rest = describe();
      }
    }
    return () => this.write(puts);
  }

  /** Adds a message, and removes the oldest if there are too many. */
  async say(text) {
    // After all that this window has seen, whatever the clock says.
    const last = this.messages.at(-1)?.item.at ?? 0;
    const at = Math.max(Date.now(), last + 1);
    await this.write([
      put('messages', newId(), {
        text, by: person(this.me), at })]);
    await this.#removeOldMessages();
  }

  async #removeOldMessages() {
    const old = this.messages.slice(0, -MOST_MESSAGES);
    if (!old.length) return;
    try {
      await this.write(old.map(
        ({ id }) => ({ op: 'remove', path: ['messages', id] })));
    } catch {
      // Somebody else did, or else the next message's writer does.
    }
  }

  #expect(set, id) {
    const item = this.find(set, id);
    if (!item) throw new Gone(`${set}: ${id} is gone`);
    return item;
  }

  /** Returns what puts a column back, if somebody removed it. */
  #revive({ id, item }) {
    return this.find('columns', id) ? [] : [put('columns', id, item)];
  }
}

/** Somebody has removed what was to be changed. */
export class Gone extends Error {
  status = 404;
}

function put(set, id, item) {
  return { op: 'put', path: [set, id], item };
}

/** Returns a random id; crypto.randomUUID is for secure pages only. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(9));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-').replaceAll('/', '_');
}

const ORDERS = {
  columns: sort, cards: sort, messages: byTime, here: byName };

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

/** Returns the text of a card or a message, whatever that is. */
export function textOf({ text }) {
  return typeof text === 'string' ? text : '';
}

/** Returns the name of a column. */
export function nameOf({ name }) {
  return typeof name === 'string' && name.trim() ? name : 'Without a name';
}

/** Tells an item that is an object from subsets, lists and values. */
function isPlain(item) {
  return typeof item === 'object' && item !== null
    && Object.getPrototypeOf(item) === Object.prototype;
}

function key(path) {
  return JSON.stringify(path);
}
