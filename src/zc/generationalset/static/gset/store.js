/**
 * The replica as a browser stores it: a list of answers.
 *
 * When all answers together are twice as long as the first, one answer
 * replaces them all.  So a change writes little, and a start reads a few large
 * texts.
 *
 * A browser may lose the connection to its database, have no room, or never
 * answer.  Then the whole replica is stored later.
 */

import { advanced, covers, fits } from './answers.js';
import { Database, result } from './database.js';
import { isPage, turned } from './pages.js';
import { whole } from './replica.js';

// Times are in seconds.
const READING = 5;
const AGAIN = 0.1; // delay after the first failure; each next is four times ...
const LONGEST = 60; // ... as long, up to this

export class Store extends Database {
  isLoaded = false; // something stored was applied
  #replica;
  #failed;
  #later; // a timer, after a failure
  #failures = 0;

  /** Calls `failed(error)` once, and `deleted()` if another tab deletes it. */
  constructor(name, replica, {failed, deleted}) {
    super(name, 'answers', deleted);
    this.#replica = replica;
    this.#failed = failed;
  }

  /** Applies the stored answers to the replica. */
  async load() {
    try {
      const texts = await this.transact(
        records => result(records.getAll()), READING);
      await this.#apply(texts.slice(0, -1));
    } catch (error) {
      this.#fail(error);
    }
  }

  async #apply(texts) {
    if (this.#replica.generation || this.#replica.cursor) {
      return;
    }
    try {
      for (const text of texts) {
        this.#replica.apply(JSON.parse(text));
        this.isLoaded = true;
      }
    } catch (error) { // the store is damaged
      await this.transact(records => records.clear());
      throw error;
    }
  }

  /** Stores an answer that was applied to the replica. */
  async save(answer, text) {
    if (this.#later || this.isClosed) {
      return;
    }
    try {
      await this.transact(
        records => add(records, this.#replica, answer, text));
      this.#failures = 0;
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error) {
    if (this.#later || this.isClosed) {
      return;
    }
    const delay = Math.min(LONGEST, AGAIN * 4 ** this.#failures);
    this.#later = setTimeout(() => {
      this.#later = undefined;
      if (this.#replica.generation) {
        this.save();
      }
    }, delay * 1000);
    if (this.#failures++ === 0) {
      this.#failed(error);
    }
  }

  close() {
    clearTimeout(this.#later);
    super.close();
  }
}

// Stores a page if it is the next one.  If not, the whole replica is stored
// when no page is missing.
async function addPage(records, answer, text) {
  const nothing = {epoch: null, generation: 0, room: 65536};
  const isNew = answer.cursor === undefined &&
    (answer.since === 0 || answer.reset !== undefined);
  const last = !isNew && await result(records.get('last')) || nothing;
  const page = isNew ? {
    ...answer, since: 0, reset: undefined, since_epoch: undefined} : answer;
  const copy = turned(page, last, last.copy);
  if (!copy) {
    return;
  }
  if (isNew) {
    records.clear();
  }
  const {cursor, epoch, generation} = copy;
  const room = last.room + (page.since ? -text.length : text.length);
  records.add(isNew ? JSON.stringify(page) : text);
  records.put(
    cursor ? {...last, copy, room} : {epoch, generation, room}, 'last');
}

// Stores the whole replica if there is no answer, or if it doesn't fit.
async function add(records, replica, answer, text) {
  if (answer && isPage(answer)) {
    return addPage(records, answer, text);
  }
  const put = (answer, before, text, room) => {
    records.add(text);
    records.put({...advanced(answer, before), room}, 'last');
  };
  const replace = (answer, text = JSON.stringify(answer)) => {
    records.clear();
    put(answer, {generation: 0}, text, text.length + 65536);
  };
  const last = answer?.reset !== undefined ? {} :
    await result(records.get('last')) ?? {};
  const isJoining = answer?.since === 0 && answer.parts && last.parts;
  if (!isJoining && covers(last, answer ?? replica)) {
    return; // another tab stored it
  }
  if (answer?.since === 0 && !isJoining) {
    replace(answer, text);
  } else if (answer && last.room > text.length && fits(answer, last)) {
    put(answer, last, text, last.room - text.length);
  } else {
    replace(whole(replica));
  }
}
