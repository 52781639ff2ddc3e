import { isSet } from './census.js';
import { keyOf } from './json.js';

/**
 * The answer with which something came.
 *
 * @typedef {object} Arrival
 * @property {number} since  The generation that it was the answer to.
 * @property {number} generation  The one to which it led.
 * @property {Date} date
 */

/** With which answer each item came. */
export class Arrivals {
  #first = null; // of all that isn't in here
  #later = new Map();

  /** Forgets everything, as a client does that has to start over. */
  clear() {
    this.#first = null;
    this.#later.clear();
  }

  /**
   * Notes what came with an answer.
   *
   * @param {Arrival} arrival
   * @param {{kind: string, path: Array, item: *}[]} changes
   * @returns {Set<string>}  The keys of the paths of what is new.
   */
  note(arrival, changes) {
    const keys = new Set();
    if (this.#first === null) {
      this.#first = arrival;
      return keys;
    }
    for (const { kind, path, item } of changes) {
      const key = keyOf(path);
      if (kind === 'removed') {
        this.#forget(path, item);
      } else {
        this.#later.set(key, arrival);
        keys.add(key);
      }
    }
    return keys;
  }

  #forget(path, item) {
    this.#later.delete(keyOf(path));
    if (isSet(item)) {
      for (const [id, each] of item) {
        this.#forget([...path, id], each);
      }
    }
  }

  /** Returns the answer with which an item came. */
  of(path) {
    return this.#later.get(keyOf(path)) ?? this.#first;
  }
}
