/** The database of a client, as a browser has it. */

import { within } from './waiting.js';

// Times are in seconds.
const OPENING = 5;
const STORING = 30; // browsers may be busy

export class Database {
  isClosed = false;
  #name;
  #store;
  #deleted;
  #opening; // the promise of the connection

  /**
   * `store` is the object store with the records.  Calls `deleted()` when
   * another tab has deleted the database.
   */
  constructor(name, store, deleted) {
    this.#name = name;
    this.#store = store;
    this.#deleted = deleted;
  }

  /**
   * Calls `work` with the records: all is stored, or nothing.
   *
   * Resolves to what `work` returns, when it is stored.
   */
  async transact(work, seconds = STORING) {
    try {
      const transaction = (await this.#open()).transaction(
        this.#store, 'readwrite', {durability: 'relaxed'});
      return await finish(transaction, seconds,
        () => work(transaction.objectStore(this.#store)));
    } catch (error) { // browsers may lose a connection without an event
      this.#disconnect();
      throw error;
    }
  }

  async #open() {
    if (this.isClosed) {
      throw new Error('the database is closed');
    }
    return this.#opening ??=
      open(this.#name).then(database => this.#watch(database));
  }

  #watch(database) {
    database.onclose = () => this.#disconnect();
    database.onversionchange = ({newVersion}) => {
      this.#disconnect();
      if (newVersion === null) {
        this.#deleted();
      }
    };
    return database;
  }

  #disconnect() {
    this.#opening?.then(database => database.close(), () => {});
    this.#opening = undefined;
  }

  close() {
    this.isClosed = true;
    this.#disconnect();
  }

  /** Deletes what is stored; rejects if other tabs don't let go of it. */
  async destroy() {
    this.close();
    await within(OPENING, result(indexedDB.deleteDatabase(this.#name)),
      'that other tabs let go of the store');
  }
}

/** Opens a database. */
export async function open(name) {
  const request = indexedDB.open(name, 2);
  request.onupgradeneeded = ({oldVersion}) =>
    ['answers', 'writes'].slice(oldVersion).forEach(store =>
      request.result.createObjectStore(store, {autoIncrement: true}));
  const opened = result(request);
  try {
    return await within(OPENING, opened, 'an open database');
  } catch (error) {
    opened.then(database => database.close(), () => {});
    throw error;
  }
}

async function finish(transaction, seconds, work) {
  const finished = async () => {
    const done = await work();
    await result(transaction);
    return done;
  };
  try {
    return await within(seconds, finished(), 'the end of a transaction');
  } catch (error) {
    try {
      transaction.abort(); // it may still wait for others
    } catch {
      // it has ended
    }
    throw error;
  }
}

/** Resolves when a request has a result, or a transaction has ended. */
export const result = request => new Promise((resolve, reject) => {
  request.onsuccess = request.oncomplete = () => resolve(request.result);
  request.onerror = request.onabort = ({target}) =>
    reject(target.error ?? new Error('the transaction was aborted'));
});
