/** Writes: batches, each of which may be sent twice. */

import { checkAnswer } from './answers.js';
import { joined, MaybeWritten } from './exchange.js';
import { asPath, keyOf, makeId } from './ids.js';
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
    }
    try {
      return await this.#send(body);
    } catch (error) {
      throw maybe(error);
    }
  }

  async #send(body) {
    return JSON.parse(
      await joined(await this.#session.send('POST', 'batch', {body})));
  }
}

function prepared({op, path, item, unchangedSince}) {
  path = asPath(path);
  path.forEach(keyOf);
  if (op === 'add') {
    op = 'put';
    path.push(makeId());
  }
  return {
    op, path, ...op !== 'set' && op !== 'remove' && {item},
    ...unchangedSince !== undefined && {unchanged_since: unchangedSince}};
}

// 503, and any status below 500, promise that nothing was written.
const isLost = ({status}) => !status || status >= 500 && status !== 503;

const maybe = error => new MaybeWritten(
  `it may have been written: ${error.message}`,
  {status: error.status >= 500 ? error.status : 0});
