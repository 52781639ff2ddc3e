/** The items of a set, in memory. */

import { idOf } from './answers.js';
import { asPath, keyOf } from './ids.js';

/** The name of the method that tells whether all is here that updates keep. */
export const holds = Symbol('holds');
/** The name of the method that applies the updates of a set. */
export const update = Symbol('update');

export class Items {
  #entries = new Map(); // key -> [id, item]; changed last, last
  #copy; // the pages that are applied ...
  #rest = new Set(); // ... and the keys from before that none has listed

  get size() { return this.#entries.size; }
  has(id) { return this.#entries.has(keyOf(id)); }
  get(id) { return this.#entries.get(keyOf(id))?.[1]; }
  entries() { return this.#entries.values(); }
  [Symbol.iterator]() { return this.entries(); }
  * keys() { for (const [id] of this) { yield id; } }
  * values() { for (const [, item] of this) { yield item; } }

  at(path) {
    return asPath(path).reduce((items, id) =>
      items instanceof Items ? items.get(id) : undefined, this);
  }

  [holds]({contents, adds = [], keep = []}) {
    return keep.every(id => this.has(id)) && (contents ?? adds).every(
      entry => Array.isArray(entry) || subsetOf(this.get(entry.id))[holds](entry));
  }

  // What no page of the contents lists or keeps goes with the last page.
  // `copy` identifies the pages; undefined for a whole answer.  With `isReset`,
  // nothing stays; old items only serve to find the changes.
  [update]({contents, removals = [], adds = [], keep = []}, path, changes,
    {copy, isReset} = {}) {
    const isWhole = contents !== undefined || isReset;
    const listed = contents ?? adds;
    if (copy ? this.#copy !== copy : isWhole) {
      this.#copy = copy;
      this.#rest = new Set(this.#entries.keys());
    }
    [...listed.map(idOf), ...keep].forEach(id => this.#rest.delete(keyOf(id)));
    (isWhole ? this.#rest : removals.map(keyOf)).forEach(
      key => this.#remove(key, path, changes));
    for (const entry of listed) {
      const id = idOf(entry);
      this.#put(id, entry, path, changes)?.[update](
        entry, [...path, id], changes, {copy, isReset});
    }
  }

  #remove(key, path, changes) {
    const [id, item] = this.#entries.get(key) ?? [];
    if (this.#entries.delete(key)) {
      changes.push({kind: 'removed', path: [...path, id], item});
    }
  }

  #put(id, entry, path, changes) {
    const key = keyOf(id);
    const isSubset = !Array.isArray(entry);
    let old = this.#entries.get(key)?.[1];
    if (old instanceof Items !== isSubset) {
      this.#remove(key, path, changes);
      old = undefined;
    }
    const made = isSubset ? old ?? new Items() : entry[1];
    const item = isSame(old, made) ? old : made; // who compares sees no change
    if (old !== item) {
      const kind = old === undefined ? 'added' : 'changed';
      changes.push({kind, path: [...path, id], item});
    }
    this.#entries.delete(key);
    this.#entries.set(key, [id, item]);
    return isSubset ? item : undefined;
  }
}

const subsetOf = item => item instanceof Items ? item : new Items();

/** Tells whether two values are equal; those too deep to compare aren't. */
export function isSame(one, other) {
  try {
    return isEqual(one, other);
  } catch {
    return false;
  }
}

const isEqual = (one, other) => one === other ||
  typeof one === 'object' && typeof other === 'object' && one && other &&
  Array.isArray(one) === Array.isArray(other) &&
  Object.keys(one).length === Object.keys(other).length &&
  Object.keys(one).every(name =>
    Object.hasOwn(other, name) && isEqual(one[name], other[name]));

/** Returns the changes that make these items from nothing. */
export const additions = (items, path = []) => [...items].flatMap(
  ([id, item]) => [
    {kind: 'added', path: [...path, id], item},
    ...item instanceof Items ? additions(item, [...path, id]) : []]);
