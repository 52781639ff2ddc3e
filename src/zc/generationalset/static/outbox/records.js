/** Writes as a browser stores them, in the database of a client's store. */

import { Items, update } from '../gset/items.js';
import { entriesOf } from '../gset/replica.js';
import { abort, open, result } from '../gset/store.js';
import { within } from '../gset/waiting.js';

const PATIENCE = 30; // seconds; browsers may be busy

export class Records {
  #name;
  #deleted;
  #opening; // the promise of the database
  #isClosed = false;

  /** Calls `deleted()` when the browser has forgotten everything. */
  constructor(name, deleted) {
    this.#name = name;
    this.#deleted = deleted;
  }

  /** From now on, a user's writes are sent, and no others. */
  enter(user) {
    return this.#do(records => [records.put({user}, USER)]);
  }

  /** Returns the user, and everybody's writes in order. */
  async read() {
    const [all, keys] = await this.#do(records =>
      [records.getAll(), records.getAllKeys()]);
    const {user} = all.pop(); // texts come after numbers
    return {user, writes: all.map((record, index) =>
      fromRecord(record, keys[index]))};
  }

  /** Returns the keys of writes, by which they are in order. */
  add(user, writes) {
    return this.#do(records =>
      writes.map(write => records.add(toRecord(user, write))));
  }

  put(user, writes) {
    return this.#do(records => writes
      .filter(({key}) => key !== undefined)
      .map(write => records.put(toRecord(user, write), write.key)));
  }

  delete(keys) {
    return this.#do(records => keys.map(key => records.delete(key)));
  }

  // Makes requests in one transaction, or none; returns their results.
  async #do(ask) {
    try {
      const results = await this.#transact(await this.#open(), records =>
        [...ask(records), records.get(USER)]);
      if (results.pop() === undefined) {
        this.#forgotten();
        throw new Error('the browser has forgotten what it kept');
      }
      return results;
    } catch (error) { // browsers may lose a database without an event
      this.#disconnect();
      throw error;
    }
  }

  async #transact(database, ask) {
    const transaction = database.transaction(
      NAME, 'readwrite', {durability: 'relaxed'});
    try {
      const requests = ask(transaction.objectStore(NAME));
      await within(PATIENCE, result(transaction), 'that it is stored');
      return requests.map(request => request.result);
    } catch (error) { // it may still wait for others
      abort(transaction);
      throw error;
    }
  }

  async #open() {
    if (this.#isClosed) {
      throw new Error('the database is closed');
    }
    return this.#opening ??=
      open(this.#name).then(database => this.#watch(database));
  }

  #watch(database) {
    database.onclose = () => this.#disconnect();
    database.onversionchange = ({newVersion}) => {
      this.#disconnect();
      if (newVersion === null) {
        this.#forgotten();
      }
    };
    return database;
  }

  #forgotten() {
    this.#isClosed = true;
    this.#deleted();
  }

  #disconnect() {
    this.#opening?.then(database => database.close(), () => {});
    this.#opening = undefined;
  }

  close() {
    this.#isClosed = true;
    this.#disconnect();
  }
}

const NAME = 'writes';
const USER = 'user';

const toRecord = (user, {op, path, item, before, sees, over, batch,
  unchangedSince, sentSince}) => ({user, op, path, item,
  before: pack(before), sees, over, batch, unchangedSince, sentSince});

const fromRecord = ({before, ...record}, key) =>
  ({...record, key, before: unpack(before)});

// Sets are stored as answers have them.
const pack = item =>
  item instanceof Items ? {contents: entriesOf(item)} : {item};

function unpack({item, contents}) {
  if (!contents) {
    return item;
  }
  const items = new Items();
  items[update]({contents}, [], []);
  return items;
}
