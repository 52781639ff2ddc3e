/** The board: what the server has, and what this browser is writing. */

import { Contents, keyOf, read, SETS } from './contents.js';
import { person } from './names.js';

/** How many messages are kept. */
export const MOST_MESSAGES = 200;

/**
 * The board: a set with the subsets of contents.js.
 *
 *     const board = new Board(client, outbox, me);
 *     board.addEventListener('change', ({ detail: { changes } }) => {});
 *     await board.submit(addCard(column, 'Buy milk'));
 *
 * The board shows an edit at once, and the outbox writes it in its turn, so
 * nobody waits for the network.  The board no longer shows an edit that the
 * server refused.
 *
 * There is a `change` event after each of the client's updates, and when an
 * edit is submitted, written or refused, here or in another tab.  It has
 * `generation`, `size`, the `sets` that look different, and `isNews`, which is
 * false for the first event.  Its `changes`, from the server, are objects with
 * `set`, `id`, `kind` ('added', 'changed', 'removed'), `item`, `old`, and
 * `isOwn` if this window wrote the change.  `others` are {set, id} of all that
 * changes here because of other windows.
 *
 * There is a `refused` event, with `path`, `item` and `error`, for what a
 * window has written that may be gone.
 *
 * There is an `access` event when `mayWrite` is known.  It is false if the
 * server doesn't let this user change anything.
 *
 * client  a Client of gset.js.
 * outbox  an Outbox for this client.
 * me      the user who writes; see names.js.
 */
export class Board extends EventTarget {
  #stored = new Contents();
  #shown = new Contents();
  #pending = new Set(); // keys of the items that the server hasn't confirmed
  #own = []; // keys of what this window is writing
  #isFilled = false;
  /** False until the server says that this user may write. */
  mayWrite = false;

  constructor(client, outbox, me) {
    super();
    this.client = client;
    this.outbox = outbox;
    this.me = me;
    client.addEventListener(
      'updates', ({ detail }) => this.#update(detail));
    outbox.addEventListener('waiting', ({ detail: { paths } }) => {
      if (this.#isFilled) this.#showWaiting(paths);
    });
    outbox.addEventListener('refused', ({ detail }) => {
      if (!detail.isOwn) {
        this.dispatchEvent(new CustomEvent('refused', { detail }));
      }
    });
  }

  // What is shown; see Contents.

  get columns() {
    return this.#shown.columns;
  }

  cards(column) {
    return this.#shown.cards(column);
  }

  get messages() {
    return this.#shown.messages;
  }

  get people() {
    return this.#shown.people;
  }

  find(set, id) {
    return this.#shown.find(set, id);
  }

  /** Whether the server hasn't confirmed yet what is shown of an item. */
  isPending(set, id) {
    return this.#pending.has(keyOf([set, id]));
  }

  /** How many things the server hasn't confirmed yet. */
  get pending() {
    return this.#pending.size;
  }

  // What changes.

  #update({ changes, generation, size }) {
    const before = this.#stored;
    const sets = setsOf(changes.map(({ path }) => path));
    this.#stored = refreshed(before, sets, this.client);
    const told = this.#compare(before, changes);
    // Items that were there before this window are no news.
    const isNews = this.#isFilled;
    this.#isFilled = true;
    this.#show(isNews ? sets : new Set(SETS), {
      changes: told, others: told.filter(({ isOwn }) => !isOwn),
      generation, size, isNews });
    this.#prepare();
  }

  /** Returns what changed, as people see it: one change for each item. */
  #compare(before, changes) {
    const paths = new Map(changes
      .filter(({ path }) => path.length === 2 && SETS.includes(path[0]))
      .map(({ path }) => [keyOf(path), path]));
    return [...paths].map(([key, [set, id]]) => {
      const [old, item] = [before, this.#stored].map(
        (contents) => contents.find(set, id));
      const kind = !old ? 'added' : item ? 'changed' : 'removed';
      return { set, id, kind, item, old, isOwn: this.#own.includes(key) };
    }).filter(({ item, old }) => item ?? old);
  }

  #showWaiting(paths) {
    this.#show(setsOf(paths), {
      changes: [], generation: this.client.generation, size: 0, isNews: true,
      others: paths.filter((path) => !this.#own.includes(keyOf(path)))
        .map(([set, id]) => ({ set, id })) });
  }

  #show(sets, detail) {
    this.#pending = new Set(this.outbox.waitingPaths.map(keyOf));
    this.#shown = refreshed(this.#shown, sets, this.outbox);
    this.dispatchEvent(new CustomEvent(
      'change', { detail: { ...detail, sets } }));
  }

  // Writing.

  /**
   * Shows an edit of edits.js at once, and writes it in its turn.
   *
   * Throws the errors of the outbox; then nothing was written.
   */
  async submit(edit) {
    const signature = { by: person(this.me), at: Date.now() };
    let changes = edit(this.#shown, signature); // throws Gone
    while (!await this.#try(changes)) {
      // What was there is gone, or the other way round.
      const others = edit(this.#shown, signature);
      if (isAlike(changes, others)) throw new Changed();
      changes = others;
    }
  }

  /** Returns whether changes were made, false if others were there first. */
  async #try(changes) {
    const keys = changes.map(({ path }) => keyOf(path));
    this.#own.push(...keys);
    try {
      await this.outbox.batch(changes);
      if (keys.length) this.tellAccess(true);
      return true;
    } catch (error) {
      if (error.status === 403) this.tellAccess(false);
      if (error.status === 412) return false;
      throw error;
    } finally {
      keys.forEach((key) => this.#own.splice(this.#own.indexOf(key), 1));
    }
  }

  /** Takes back what this window has written last. */
  async undo() {
    try {
      await this.outbox.undo();
    } catch (error) {
      throw error.status === 412 ? new Changed() : error;
    }
  }

  /** Makes changes now, in one transaction, and shows them then. */
  async write(changes) {
    try {
      await this.client.batch(changes);
      this.tellAccess(true);
    } catch (error) {
      if (error.status === 403) this.tellAccess(false);
      throw error;
    }
  }

  tellAccess(mayWrite) {
    this.mayWrite = mayWrite;
    this.dispatchEvent(new Event('access'));
    this.#prepare();
  }

  /** Makes the subsets that aren't there. */
  async #prepare() {
    const { items, online } = this.client;
    const missing = SETS.filter((set) => !items.has(set));
    if (!online || !this.mayWrite || !missing.length) return;
    try {
      await this.write(missing.map((set) => ({ op: 'set', path: [set] })));
    } catch {
      // The next update tries again.
    }
  }

  /** Removes the oldest messages if there are too many. */
  async removeOldMessages() {
    const old = this.#stored.messages.slice(0, -MOST_MESSAGES);
    if (!old.length) return;
    try {
      await this.write(old.map(
        ({ id }) => ({ op: 'remove', path: ['messages', id] })));
    } catch {
      // Another user removes them, or whoever writes the next message.
    }
  }
}

/** Somebody else has changed what was to be changed. */
class Changed extends Error {
  status = 412;
}

function setsOf(paths) {
  return new Set(paths.map(([set]) => set).filter(
    (set) => SETS.includes(set)));
}

/** Returns contents with some sets as a client, or an outbox, has them. */
function refreshed(contents, sets, { items }) {
  return contents.replace(Object.fromEntries(
    [...sets].map((set) => [set, read(items, set)])));
}

/** Tells whether changes do the same to the same items. */
function isAlike(changes, others) {
  const [one, other] = [changes, others].map((list) => (
    list.map(({ op, path }) => `${op} ${keyOf(path)}`).join('\n')));
  return one === other;
}
