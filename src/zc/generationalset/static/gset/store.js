/**
 * The replica as a browser stores it: a list of answers.
 *
 * When all answers together are twice as long as the first, one answer
 * replaces them all.  So a change writes little, and a start reads a few large
 * texts.
 *
 * A browser may lose the connection to its database, have no room, or never
 * answer.  Then the whole replica is stored later.
 */

import { advanced, covers, fits } from './answers.js';
import { isPage, turned } from './pages.js';
import { whole } from './replica.js';
import { within } from './waiting.js';

// Times are in seconds.
const READING = 5;
const WRITING = 30;
const AGAIN = 0.1; // delay after the first failure; each next is four times ...
const LONGEST = 60; // ... as long, up to this

export class Store {
  isLoaded = false; // something stored was applied
  #name;
  #replica;
  #client;
  #opening; // the promise of the database
  #later; // a timer, after a failure
  #failures = 0;
  #isClosed = false;

  /** Tells `client` once `failed(error)`, and `deleted()` by another tab. */
  constructor(name, replica, client) {
    this.#name = name;
    this.#replica = replica;
    this.#client = client;
  }

  /** Applies the stored answers to the replica. */
  async load() {
    try {
      const records = recordsOf(await this.#open());
      const texts = await within(
        READING, result(records.getAll()), 'what is stored');
      await this.#apply(texts.slice(0, -1));
    } catch (error) {
      this.#fail(error);
    }
  }

  async #apply(texts) {
    if (this.#replica.generation || this.#replica.cursor) {
      return;
    }
    try {
      for (const text of texts) {
        this.#replica.apply(JSON.parse(text));
        this.isLoaded = true;
      }
    } catch (error) { // the store is damaged
      recordsOf(await this.#open()).clear();
      throw error;
    }
  }

  /** Stores an answer that was applied to the replica. */
  async save(answer, text) {
    if (this.#later || this.#isClosed) {
      return;
    }
    try {
      const records = recordsOf(await this.#open());
      await within(WRITING, write(records, this.#replica, answer, text),
        'that it is stored');
      this.#failures = 0;
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error) {
    this.#disconnect();
    if (this.#later || this.#isClosed) {
      return;
    }
    const delay = Math.min(LONGEST, AGAIN * 4 ** this.#failures);
    this.#later = setTimeout(() => {
      this.#later = undefined;
      if (this.#replica.generation) {
        this.save();
      }
    }, delay * 1000);
    if (this.#failures++ === 0) {
      this.#client.failed(error);
    }
  }

  #open() {
    return this.#opening ??=
      open(this.#name).then(database => this.#watch(database));
  }

  #watch(database) {
    database.onclose = () => this.#disconnect();
    database.onversionchange = ({newVersion}) => {
      this.#disconnect();
      if (newVersion === null) {
        this.#client.deleted();
      }
    };
    if (this.#isClosed) {
      database.close();
    }
    return database;
  }

  #disconnect() {
    this.#opening?.then(database => database.close(), () => {});
    this.#opening = undefined;
  }

  close() {
    this.#isClosed = true;
    clearTimeout(this.#later);
    this.#disconnect();
  }

  /** Deletes what is stored; rejects if other tabs don't let go of it. */
  async delete() {
    this.close();
    await within(READING, result(indexedDB.deleteDatabase(this.#name)),
      'that other tabs let go of the store');
  }
}

/** Opens the database of a client. */
export async function open(name) {
  const request = indexedDB.open(name, 2);
  request.onupgradeneeded = ({oldVersion}) =>
    ['answers', 'writes'].slice(oldVersion).forEach(store =>
      request.result.createObjectStore(store, {autoIncrement: true}));
  const opened = result(request);
  try {
    return await within(READING, opened, 'an open database');
  } catch (error) {
    opened.then(database => database.close(), () => {});
    throw error;
  }
}

const recordsOf = database => database.transaction(
  'answers', 'readwrite', {durability: 'relaxed'}).objectStore('answers');

/** Resolves when a request has a result, or a transaction has ended. */
export const result = request => new Promise((resolve, reject) => {
  request.onsuccess = request.oncomplete = () => resolve(request.result);
  request.onerror = request.onabort = ({target}) =>
    reject(target.error ?? new Error('the transaction was aborted'));
});

// Writes all or nothing.
async function write(records, ...what) {
  try {
    await add(records, ...what);
    await result(records.transaction);
  } catch (error) {
    abort(records.transaction);
    throw error;
  }
}

/** Has a transaction change nothing, unless it has ended. */
export function abort(transaction) {
  try {
    transaction.abort();
  } catch {
    // the transaction has ended
  }
}

// Stores a page if it is the next one.  If not, the whole replica is stored
// when no page is missing.
async function addPage(records, answer, text) {
  const nothing = {epoch: null, generation: 0, room: 65536};
  const isNew = answer.cursor === undefined &&
    (answer.since === 0 || answer.reset !== undefined);
  const last = !isNew && await result(records.get('last')) || nothing;
  const page = isNew ? {
    ...answer, since: 0, reset: undefined, since_epoch: undefined} : answer;
  const copy = turned(page, last, last.copy);
  if (!copy) {
    return;
  }
  if (isNew) {
    records.clear();
  }
  const {cursor, epoch, generation} = copy;
  const room = last.room + (page.since ? -text.length : text.length);
  records.add(isNew ? JSON.stringify(page) : text);
  records.put(
    cursor ? {...last, copy, room} : {epoch, generation, room}, 'last');
}

// Stores the whole replica if there is no answer, or if it doesn't fit.
async function add(records, replica, answer, text) {
  if (answer && isPage(answer)) {
    return addPage(records, answer, text);
  }
  const put = (answer, before, text, room) => {
    records.add(text);
    records.put({...advanced(answer, before), room}, 'last');
  };
  const replace = (answer, text = JSON.stringify(answer)) => {
    records.clear();
    put(answer, {generation: 0}, text, text.length + 65536);
  };
  const last = answer?.reset !== undefined ? {} :
    await result(records.get('last')) ?? {};
  const isJoining = answer?.since === 0 && answer.parts && last.parts;
  if (!isJoining && covers(last, answer ?? replica)) {
    return; // another tab stored it
  }
  if (answer?.since === 0 && !isJoining) {
    replace(answer, text);
  } else if (answer && last.room > text.length && fits(answer, last)) {
    put(answer, last, text, last.room - text.length);
  } else {
    replace(whole(replica));
  }
}
