/** The items of a set, in memory. */

import { idOf } from './answers.js';
import { asPath, keyOf } from './ids.js';

/** The name of the method that applies the updates of a set. */
export const update = Symbol('update');
/** The name of the method that applies a page of them. */
export const turn = Symbol('turn');

export class Items {
  #entries = new Map(); // key -> [id, item]; changed last, last
  #start; // identifies the pages that are applied ...
  #rest; // ... and the keys that were here before, and that none has listed

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

  // With `isReset`, nothing stays; old items only serve to find the changes.
  [update]({contents, removals = [], adds}, path, isReset, changes) {
    const listed = contents ?? adds ?? [];
    let gone = removals.map(keyOf);
    if ((contents || isReset) && this.size) {
      const stay = new Set(listed.map(entry => keyOf(idOf(entry))));
      gone = [...this.#entries.keys()].filter(key => !stay.has(key));
    }
    gone.forEach(key => this.#remove(key, path, changes));
    const stale = new Set(isReset ? this.#entries.keys() : []);
    for (const entry of listed) {
      const id = idOf(entry);
      const subset = this.#put(id, entry, path, changes);
      subset?.[update](
        entry, [...path, id], stale.delete(keyOf(id)), changes);
    }
  }

  // What no page lists goes with the last page of the contents.
  [turn]({contents, removals = [], adds = []}, path, start, changes) {
    if (this.#start !== start) {
      this.#start = start;
      this.#rest = new Set(this.#entries.keys());
    }
    removals.forEach(id => this.#remove(keyOf(id), path, changes));
    for (const entry of contents ?? adds) {
      const id = idOf(entry);
      this.#rest.delete(keyOf(id));
      const subset = this.#put(id, entry, path, changes);
      subset?.[turn](entry, [...path, id], start, changes);
    }
    if (contents) {
      this.#rest.forEach(key => this.#remove(key, path, changes));
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
    const item = isSubset ? old ?? new Items() : entry[1];
    if (!isSame(old, item)) {
      const kind = old === undefined ? 'added' : 'changed';
      changes.push({kind, path: [...path, id], item});
    }
    this.#entries.delete(key);
    this.#entries.set(key, [id, item]);
    return isSubset ? item : undefined;
  }
}

/** Tells whether two values are equal; those too deep to compare aren't. */
function isSame(one, other) {
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
