import { Items } from '../gset.js';
import { idText, keyOf } from './json.js';

const collator = new Intl.Collator('en', { numeric: true });

/**
 * One set of the tree, with its subsets.
 *
 * @typedef {object} Place
 * @property {Array} path  The ids that lead to it; empty for the top.
 * @property {string} key  The path as text.
 * @property {string} name  The last id, as it is shown.
 * @property {number} items  How many items the set has, without its subsets.
 * @property {Place[]} places  Its subsets, by their names.
 */

/** Counts the sets, and the items of each. */
export class Census {
  sets = 0;
  items = 0;

  /** @param {Items} items  All that a client has. */
  constructor(items) {
    this.top = this.#visit(items, []);
  }

  #visit(items, path) {
    const places = [];
    for (const [id, item] of items) {
      if (isSet(item)) {
        places.push(this.#visit(item, [...path, id]));
      }
    }
    // In the order of changes, in which they come, they would jump about.
    places.sort((one, other) => collator.compare(one.name, other.name));
    const name = path.length ? idText(path.at(-1)) : 'top';
    const count = items.size - places.length;
    this.sets += 1;
    this.items += count;
    return { path, key: keyOf(path), name, items: count, places };
  }
}

/** Tells whether an item is a set. */
export function isSet(item) {
  return item instanceof Items;
}

/** Returns the ids of the items of a set, without its subsets, newest first. */
export function itemIds(items) {
  const ids = [];
  for (const [id, item] of items) {
    if (!isSet(item)) {
      ids.push(id);
    }
  }
  return ids.reverse();
}

/** Returns the first set that has items; the top if there is none. */
export function firstWithItems(census) {
  return census.items ? search(census.top) : census.top;
}

function search(place) {
  if (place.items) {
    return place;
  }
  for (const each of place.places) {
    const found = search(each);
    if (found) {
      return found;
    }
  }
  return null;
}
