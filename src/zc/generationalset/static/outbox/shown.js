/** What a user sees: what the server has, with writes that wait. */

import { nameOf } from '../gset/answers.js';
import { isSame as isEqual, Items, update } from '../gset/items.js';
import { patched } from './patch.js';

export class Shown {
  items = new Items();
  #client;
  #waiting; // writes, in order

  constructor(client, waiting) {
    this.#client = client;
    this.#waiting = waiting;
  }

  /** Makes what is at some paths current; returns the changes. */
  refresh(paths) {
    const changes = [];
    for (const path of paths) {
      this.items[update](this.#updates(this.#top(path)), [], changes);
    }
    return changes;
  }

  // What is within something that isn't shown is shown with that.
  #top(path) {
    for (let depth = 1; depth < path.length; depth += 1) {
      const top = path.slice(0, depth);
      if (!(this.items.at(top) instanceof Items &&
          this.#at(top) instanceof Items)) {
        return top;
      }
    }
    return path;
  }

  #updates(path) {
    const id = path.at(-1);
    const item = this.#at(path);
    const updates = item === undefined ? {removals: [id]} :
      {adds: [this.#entry(path, item)]};
    return path.slice(0, -1).reduceRight(
      (inner, id) => ({adds: [{id, ...inner}]}), updates);
  }

  #entry(path, item) {
    const id = path.at(-1);
    return item instanceof Items ?
      {id, contents: this.#contents(path, item)} : [id, item];
  }

  #contents(path, items) {
    const names = new Map();
    for (const id of items.keys()) {
      names.set(nameOf(id), id);
    }
    for (const write of this.#waiting) {
      if (write.path.length > path.length && isWithin(write.path, path)) {
        const id = write.path[path.length];
        names.set(nameOf(id), id);
      }
    }
    return Array.from(names.values(), id => [...path, id])
      .map(inner => [inner, this.#at(inner)])
      .filter(([, item]) => item !== undefined)
      .map(([inner, item]) => this.#entry(inner, item));
  }

  #at(path) {
    return this.#waiting.reduce((item, write) => after(write, path, item),
      this.#client.items.at(path));
  }
}

/** Tells whether two items, or sets with all that is in them, are equal. */
export const isSame = (one, other) => one instanceof Items ?
  other instanceof Items && one.size === other.size &&
    [...one].every(([id, item]) => other.has(id) &&
      isSame(item, other.get(id))) :
  !(other instanceof Items) && isEqual(one, other);

/** Tells whether a path is another one, or within it. */
export const isWithin = (path, other) => path.length >= other.length &&
  other.every((id, depth) => id === path[depth] ||
    typeof id === 'object' && nameOf(id) === nameOf(path[depth]));

/** Returns what a write makes of the item at a path. */
export function after({op, path: written, item}, path, before) {
  if (!isWithin(path, written)) {
    return before;
  }
  if (path.length > written.length) { // what was a set may be one no more
    return op === 'set' ? before : undefined;
  }
  switch (op) {
    case 'put': return item;
    case 'patch': // of nothing makes nothing
      return before === undefined || before instanceof Items ? before :
        patched(before, item);
    case 'set': return before instanceof Items ? before : new Items();
    default: return undefined;
  }
}
