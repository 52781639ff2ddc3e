/** Writes: batches, each of which may be sent twice. */

import { checkAnswer } from './answers.js';
import { joined, MaybeWritten } from './exchange.js';
import { asPath, keyOf } from './ids.js';
import { isSame, Items } from './items.js';
import { toJson } from './json.js';

export class Writes {
  #session;

  constructor(session) {
    this.#session = session;
  }

  /** Makes changes, and returns their ids; see `Client.batch`. */
  async batch(changes) {
    const made = changes.map(prepared);
    const {updates} = await this.#write(made);
    try {
      await this.#catchUp(updates);
    } catch (error) {
      // The changes are written; the next answer brings the items.
      this.#session.emit('error', {error});
    }
    return made.map(({path}) => path.at(-1));
  }

  async #catchUp(updates) {
    if (updates) {
      await this.#session.accept(
        checkAnswer(updates), JSON.stringify(updates));
    } else if (this.#session.replica.generation) {
      await this.#session.ask();
    }
  }

  async #write(changes) {
    const body = toJson({changes});
    const isOnline = this.#session.online;
    try {
      return await this.#send(body);
    } catch (error) {
      if (!isLost(error)) {
        throw error;
      } else if (error.status || !isOnline) {
        throw maybe(error);
      }
      return this.#sendAgain(body, changes);
    }
  }

  // On 404 for a removal, the first try may have removed the item.
  async #sendAgain(body, changes) {
    try {
      return await this.#send(body);
    } catch (error) {
      if (error.status === 404 && await this.#isDone(changes)) {
        return {};
      }
      throw maybe(error);
    }
  }

  async #isDone(changes) {
    if (changes.length === 1 && changes[0].op === 'remove') {
      return true;
    }
    const {replica} = this.#session;
    const last = new Map(
      changes.map(change => [JSON.stringify(change.path), change]));
    try {
      await this.#session.ask();
    } catch {
      return false; // nobody knows
    }
    return [...last.values()].every(change => isSo(change, replica.items));
  }

  async #send(body) {
    return JSON.parse(
      await joined(await this.#session.send('POST', 'batch', {body})));
  }
}

const makeId = () => crypto.getRandomValues(new Uint32Array(3))
  .reduce((id, number) => id + number.toString(36), '');

function prepared({op, path, item}) {
  path = asPath(path);
  path.forEach(keyOf);
  if (op === 'add') {
    return {op: 'put', path: [...path, makeId()], item};
  }
  return op === 'put' ? {op, path, item} : {op, path};
}

function isSo({op, path, item}, items) {
  const found = items.at(path);
  return op === 'set' ? found instanceof Items :
    isSame(found, op === 'put' ? item : undefined);
}

// 503, and any status below 500, promise that nothing was written.
const isLost = ({status}) => !status || status >= 500 && status !== 503;

const maybe = error => new MaybeWritten(
  `it may have been written: ${error.message}`,
  {status: error.status >= 500 ? error.status : 0});
