/** A copy of a set, in memory. */

import { fits, idOf } from './answers.js';
import { asPath, keyOf } from './values.js';

export class Misfit extends Error {
  name = 'Misfit';
}

const update = Symbol('update');

export class Items {
  #entries = new Map(); // key -> [id, item]; changed last, last

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

export const isSame = (one, other) => one === other ||
  typeof one === 'object' && typeof other === 'object' && one && other &&
  Array.isArray(one) === Array.isArray(other) &&
  Object.keys(one).length === Object.keys(other).length &&
  Object.keys(one).every(name =>
    Object.hasOwn(other, name) && isSame(one[name], other[name]));

export class Replica {
  epoch = null;
  generation = 0;
  items = new Items();

  apply(answer) {
    if (!fits(answer, this)) {
      throw new Misfit(`expected an answer for ${this.generation}, ` +
        `got one from ${answer.since} to ${answer.generation}`);
    }
    return this.#become(answer, 'reset' in answer);
  }

  /** Forgets everything. */
  clear() {
    return this.#become({epoch: null, generation: 0, contents: []}, true);
  }

  #become(answer, isReset) {
    const changes = [];
    this.items[update](answer, [], isReset, changes);
    this.epoch = answer.epoch;
    this.generation = answer.generation;
    return changes;
  }
}

/** Returns the changes that make these items from nothing. */
export const additions = (items, path = []) => [...items].flatMap(
  ([id, item]) => [
    {kind: 'added', path: [...path, id], item},
    ...item instanceof Items ? additions(item, [...path, id]) : []]);

const entriesOf = items => Array.from(items, ([id, item]) =>
  item instanceof Items ? {id, contents: entriesOf(item)} : [id, item]);

/** Returns the answer that makes this replica from nothing. */
export const whole = ({epoch, generation, items}) =>
  ({format: 1, epoch, since: 0, generation, contents: entriesOf(items)});
