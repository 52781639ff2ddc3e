/** What can be undone: the batches that this page has written. */

import { Items } from '../gset/items.js';
import { after, isSame } from './shown.js';

const MOST = 100;

export class Undoing {
  #client;
  #batches = []; // lists of {write, since}, the newest last

  constructor(client) {
    this.#client = client;
  }

  get isPossible() { return this.#batches.length > 0; }

  /** Remembers the writes of a batch. */
  add(writes) {
    const since = this.#client.position;
    const batch = writes.filter(({op, isUndo}) => op !== 'set' && !isUndo)
      .map(write => ({write, since}));
    if (batch.length) {
      this.#batches.push(batch);
      this.#batches.splice(0, this.#batches.length - MOST);
    }
  }

  /** The server has made writes.  Nobody may have changed their items. */
  made(writes) {
    const {items, position} = this.#client;
    for (const each of this.#batches.flat()) {
      const {write} = each;
      if (writes.includes(write) && isSame(items.at(write.path), madeOf(write))) {
        each.since = position;
      }
    }
  }

  /** The server has refused writes. */
  forget(writes) {
    this.#batches = this.#batches.filter(
      batch => !batch.some(({write}) => writes.includes(write)));
  }

  /** Returns the writes that take back the last batch. */
  next() {
    return (this.#batches.pop() ?? []).reverse().flatMap(restoring);
  }
}

// What a write makes of its item.
const madeOf = write => after(write, write.path, write.before);

function restoring({write, since}) {
  const [first, ...others] = putting(write.path, write.before);
  const condition = {sees: true, unchangedSince: since, isUndo: true};
  return [{...first, before: madeOf(write), ...condition},
    ...others.map(each => ({...each, before: undefined, ...condition}))];
}

const putting = (path, item) => item instanceof Items ?
  [{op: 'set', path}, ...[...item].flatMap(
    ([id, inner]) => putting([...path, id], inner))] :
  [item === undefined ? {op: 'remove', path} : {op: 'put', path, item}];
