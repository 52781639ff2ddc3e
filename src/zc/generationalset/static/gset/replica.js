/** A copy of a set, in memory. */

import {
  advanced, fits, fittingParts, nameOf, positionOf,
} from './answers.js';
import { holds, Items, update } from './items.js';
import { isPage, startsOver, turned } from './pages.js';

export class Misfit extends Error {
  name = 'Misfit';
}

export class Replica {
  epoch = null;
  generation = 0;
  items = new Items();
  #copy; // how far it has come with pages, if some are missing
  parts; // name -> generation; undefined for the whole tree, or nothing

  /** The cursor of the next page; empty if none is missing. */
  get cursor() { return this.#copy?.cursor ?? ''; }

  /** Tells whether an answer, or a page, fits. */
  takes(answer) {
    return isPage(answer) ? turned(answer, this, this.#copy) !== undefined :
      fits(answer, this);
  }

  apply(answer) {
    if (!this.takes(answer)) {
      throw new Misfit(`expected an answer for ${this.generation}, ` +
        `got one from ${answer.since} to ${answer.generation}`);
    }
    const isOver = startsOver(answer, this.#copy);
    const updates = answer.parts ? treeOf(
      fittingParts(answer, this), isOver ? 'contents' : 'adds') : answer;
    if (!(isOver ? new Items() : this.items)[holds](updates)) {
      return this.clear(); // this replica is damaged
    }
    if (!isPage(answer)) {
      return this.#become(advanced(answer, this), updates, isOver);
    }
    const copy = turned(answer, this, this.#copy);
    const changes = isOver ? this.clear() : [];
    this.items[update](answer, [], changes, {copy: copy.start});
    if (copy.cursor) {
      this.#copy = copy;
      return changes;
    }
    const {epoch, generation} = copy;
    return [...changes, ...this.#become({epoch, generation}, {}, false)];
  }

  /** Forgets all parts but these. */
  keep(paths) {
    const kept = paths.filter(path => this.parts.has(nameOf(path)));
    return this.#become(positionOf(this.epoch, new Map(kept.map(
      path => [nameOf(path), this.parts.get(nameOf(path))]))),
    treeOf(kept.map(path => ({path})), 'contents'), false);
  }

  /** Forgets everything. */
  clear() {
    return this.#become(positionOf(null, []), {contents: []}, true);
  }

  #become(position, updates, isReset) {
    const changes = [];
    this.items[update](updates, [], changes, {isReset});
    Object.assign(this, position);
    this.#copy = undefined;
    return changes;
  }
}

// Returns the updates of a tree in which parts have theirs.
function treeOf(parts, member) {
  const top = {[member]: []};
  for (const {path, ...updates} of parts) {
    let set = top;
    for (const id of path) {
      let entry = set[member].find(each => nameOf(each.id) === nameOf(id));
      if (!entry) {
        entry = {id, [member]: []};
        set[member].push(entry);
      }
      set = entry;
    }
    delete set[member];
    Object.assign(set, updates);
  }
  return top;
}

/** Returns items as answers have them. */
export const entriesOf = items => Array.from(items, ([id, item]) =>
  item instanceof Items ? {id, contents: entriesOf(item)} : [id, item]);

/** Returns the answer that makes this replica from nothing. */
export const whole = ({epoch, generation, items, parts}) => ({
  format: 1, epoch, since: 0, generation, ...parts ? {
    parts: Array.from(parts.keys(), JSON.parse).map(
      path => ({path, contents: entriesOf(items.at(path))})),
  } : {contents: entriesOf(items)}});
