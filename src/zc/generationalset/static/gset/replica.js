/** A copy of a set, in memory. */

import { fits } from './answers.js';
import { Items, update } from './items.js';

export class Misfit extends Error {
  name = 'Misfit';
}

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

const entriesOf = items => Array.from(items, ([id, item]) =>
  item instanceof Items ? {id, contents: entriesOf(item)} : [id, item]);

/** Returns the answer that makes this replica from nothing. */
export const whole = ({epoch, generation, items}) =>
  ({format: 1, epoch, since: 0, generation, contents: entriesOf(items)});
