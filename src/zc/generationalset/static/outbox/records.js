/** Writes as a browser stores them, in the database of a client's store. */

import { Database } from '../gset/database.js';
import { Items, update } from '../gset/items.js';
import { entriesOf } from '../gset/replica.js';

export class Records extends Database {
  #deleted;

  /** Calls `deleted()` when the browser has forgotten everything. */
  constructor(name, deleted) {
    super(name, 'writes', () => this.#forgotten());
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
    const requests = await this.transact(records =>
      [...ask(records), records.get(USER)]);
    const results = requests.map(({result}) => result);
    if (results.pop() === undefined) {
      this.#forgotten();
      throw new Error('the browser has forgotten what it kept');
    }
    return results;
  }

  #forgotten() {
    this.close();
    this.#deleted();
  }
}

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
