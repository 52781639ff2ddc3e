/** The board: what the server has, and what this window is writing. */

import { Contents, keyOf, read, SETS } from './contents.js';
import { person } from './names.js';

/** How many messages are kept. */
export const MOST_MESSAGES = 200;
/** How often an edit is tried if other users get in its way. */
const TRIES = 3;
/** How many waiting edits are written in one transaction. */
const TOGETHER = 20;

/**
 * The board: a set with the subsets of contents.js.
 *
 *     const board = new Board(client, me);
 *     board.addEventListener('change', ({ detail: { changes } }) => {});
 *     await board.submit(addCard(column, 'Buy milk'));
 *
 * The board shows an edit at once, and writes it in its turn, so nobody waits
 * for the network.  It no longer shows an edit that the server refused.
 *
 * There is a `change` event after each of the client's updates, and when an
 * edit is submitted, written or refused.  It has `generation`, `size`, the
 * `sets` that look different, and `isNews`, which is false for the first
 * event.  Its `changes`, from the server, are objects with `set`, `id`, `kind`
 * ('added', 'changed', 'removed'), `item`, `old`, and `isOwn` if this window
 * wrote the change.
 *
 * There is an `access` event when `mayWrite` is known.  It is false if the
 * server doesn't let this user change anything.
 *
 * client  a Client of gset.js.
 * me      the user who writes; see names.js.
 */
export class Board extends EventTarget {
  #stored = new Contents();
  #shown = new Contents();
  #queue = []; // edits on their way, the oldest first
  #pending = new Set(); // keys of the items that these edits change
  #isRunning = false;
  #isFilled = false;
  /** False until the server says that this user may write. */
  mayWrite = false;

  constructor(client, me) {
    super();
    this.client = client;
    this.me = me;
    client.addEventListener(
      'updates', ({ detail }) => this.#update(detail));
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

  /** Whether any edit is on its way. */
  get isBusy() {
    return this.#queue.length > 0;
  }

  // What the server sends.

  #update({ changes, generation, size }) {
    const before = this.#stored;
    const sets = new Set(changes.map(({ path: [set] }) => set).filter(
      (set) => SETS.includes(set)));
    this.#stored = before.replace(Object.fromEntries(
      [...sets].map((set) => [set, read(this.client.items, set)])));
    const told = this.#compare(before, changes);
    // Items that were there before this window are no news.
    const isNews = this.#isFilled;
    this.#isFilled = true;
    this.#show(sets, { changes: told, generation, size, isNews });
    this.#prepare();
  }

  /** Returns what changed, as people see it: one change for each item. */
  #compare(before, changes) {
    const own = new Set(this.#queue.flatMap(
      ({ changes }) => (changes ?? []).map(({ path }) => keyOf(path))));
    const paths = new Map(changes
      .filter(({ path }) => path.length === 2 && SETS.includes(path[0]))
      .map(({ path }) => [keyOf(path), path]));
    return [...paths].map(([key, [set, id]]) => {
      const [old, item] = [before, this.#stored].map(
        (contents) => contents.find(set, id));
      const kind = !old ? 'added' : item ? 'changed' : 'removed';
      return { set, id, kind, item, old, isOwn: own.has(key) };
    }).filter(({ item, old }) => item ?? old);
  }

  #show(sets, detail) {
    this.#pending.clear();
    this.#shown = this.#queue.reduce((contents, each) => {
      // A removal sees what others have written before it is sent.
      const wanted = attempt(each, contents);
      const changes = each.changes ?? wanted.changes;
      for (const { path } of changes) this.#pending.add(keyOf(path));
      return contents.after(changes);
    }, this.#stored);
    this.dispatchEvent(new CustomEvent(
      'change', { detail: { ...detail, sets } }));
  }

  // Writing.

  /**
   * Shows an edit of edits.js at once, and writes it in its turn.
   *
   * Returns the changes that were made.  Throws the client's errors; then
   * nothing was written.
   */
  async submit(edit) {
    const signature = { by: person(this.me), at: Date.now() };
    edit(this.#shown, signature); // throws Gone
    const each = {
      edit, signature, changes: null, error: null,
      done: Promise.withResolvers() };
    this.#queue.push(each);
    this.#showQueue();
    this.#run();
    return each.done.promise;
  }

  #showQueue() {
    this.#show(new Set(SETS), {
      changes: [], generation: this.client.generation, size: 0,
      isNews: this.#isFilled });
  }

  /** Writes the edits that wait, many at a time, until none waits. */
  async #run() {
    if (this.#isRunning) return;
    this.#isRunning = true;
    let most = TOGETHER;
    while (this.#queue.length) {
      const group = this.#queue.slice(0, most);
      const error = await this.#send(group).then(() => null, (each) => each);
      if (error && error.status !== 0 && group.length > 1) {
        most = 1; // to find the edit that is to blame
        for (const each of group) each.changes = null;
      } else {
        // Without a server, the other edits would fail, too.
        this.#settle(error?.status === 0 ? [...this.#queue] : group, error);
      }
    }
    this.#isRunning = false;
  }

  #settle(group, error) {
    this.#queue.splice(0, group.length);
    this.#showQueue();
    for (const { done, changes, error: own } of group) {
      if (error ?? own) done.reject(error ?? own);
      else done.resolve(changes);
    }
  }

  /** Sends edits; tries again without those that another user made void. */
  async #send(group) {
    for (let tries = 1; ; tries++) {
      const changes = this.#plan(group);
      try {
        if (changes.length) await this.write(changes);
        return;
      } catch (error) {
        if (!isOutdated(error) || tries === TRIES) throw error;
        await this.client.sync();
      }
    }
  }

  /** Returns the changes of a group of edits, one after the other. */
  #plan(group) {
    group.reduce((contents, each) => {
      Object.assign(each, attempt(each, contents));
      return contents.after(each.changes);
    }, this.#stored);
    return group.flatMap(({ changes }) => changes);
  }

  /**
   * Makes changes now, in one transaction, as Client.batch does.
   *
   * The server refuses those with `isUnseen` if somebody has written there
   * since what this window has.
   */
  async write(changes) {
    const { position } = this.client;
    try {
      await this.client.batch(changes.map(({ isUnseen, ...change }) => ({
        ...change, ...isUnseen && { unchangedSince: position } })));
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

/** Tells whether a write failed for what this window hasn't seen yet. */
function isOutdated({ status }) {
  return status === 404 || status === 412;
}

/** Returns the changes of an edit, or none and the reason. */
function attempt({ edit, signature }, contents) {
  try {
    return { changes: edit(contents, signature), error: null };
  } catch (error) {
    return { changes: [], error };
  }
}
