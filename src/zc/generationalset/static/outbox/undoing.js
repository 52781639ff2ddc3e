/** What can be undone: the writes that the server has made. */

import { Items } from '../gset/items.js';
import { after, isSame } from './shown.js';

const MOST = 100;

export class Undoing {
  #client;
  #done = []; // the newest last

  constructor(client) {
    this.#client = client;
  }

  get isPossible() { return this.#done.length > 0; }

  /** Remembers a write, unless somebody has changed its item meanwhile. */
  remember({op, path, before, item, isUndo}) {
    const made = after({op, path, item}, path, before);
    const {items, position} = this.#client;
    if (op !== 'set' && !isUndo && isSame(items.at(path), made)) {
      this.#done.push({path, before, made, unchangedSince: position});
      this.#done.splice(0, this.#done.length - MOST);
    }
  }

  /** Returns the writes that take back the last one. */
  next() {
    const {path, before, made, unchangedSince} = this.#done.pop() ?? {};
    return path ? restoring(path, before).map(write =>
      ({...write, before: write.path === path ? made : undefined,
        sees: true, unchangedSince, isUndo: true})) : [];
  }
}

const restoring = (path, item) => item instanceof Items ?
  [{op: 'set', path}, ...[...item].flatMap(
    ([id, inner]) => restoring([...path, id], inner))] :
  [item === undefined ? {op: 'remove', path} : {op: 'put', path, item}];
