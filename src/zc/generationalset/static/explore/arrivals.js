import { isSet } from './census.js';
import { keyOf } from './json.js';

/**
 * The answer that brought something.
 *
 * @typedef {object} Arrival
 * @property {number} since  The generation that the client presented.
 * @property {number} generation  The generation that it led to.
 * @property {Date} date
 */

/** Remembers which answer brought each item. */
export class Arrivals {
  #first = null; // the answer of all items that aren't in #later
  #later = new Map();

  /** Forgets everything, when the client starts over. */
  clear() {
    this.#first = null;
    this.#later.clear();
  }

  /**
   * Notes what an answer brought.
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

  /** Returns the answer that brought an item. */
  of(path) {
    return this.#later.get(keyOf(path)) ?? this.#first;
  }
}
