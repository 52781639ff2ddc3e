/** Writes that wait in the browser; kept.d.ts says how to use it. */

import { refuse } from '../gset/errors.js';
import { RequestError } from '../gset/exchange.js';
import { sleep } from '../gset/waiting.js';
import { Queue } from './queue.js';
import { Records } from './records.js';

const GRACE = 1; // seconds for another tab to say what became of a write

export class KeptQueue extends Queue {
  isKept = Boolean(globalThis.indexedDB && globalThis.navigator?.locks &&
    globalThis.BroadcastChannel);
  #name;
  #user;
  #outbox;
  #channel;
  #records;
  #storing = Promise.resolve(); // one thing after the other
  #outcomes = new Map(); // key of a write that is settled -> what became of it
  #closing = new AbortController();

  constructor({database}, user) {
    super();
    if (database === undefined) {
      refuse('a client with a store', database);
    }
    if (typeof user !== 'string') {
      refuse('the name of a user', user);
    }
    this.#name = `${database} writes`;
    this.#user = user;
    this.#records = new Records(database, () => this.#outbox.close());
  }

  join(outbox) {
    this.#outbox = outbox;
    if (this.isKept) {
      this.#store(() => this.#begin());
    }
  }

  async #store(call) {
    const done = this.#storing.then(call);
    this.#storing = done.catch(() => {});
    return done;
  }

  async #begin() {
    this.#channel = new BroadcastChannel(this.#name);
    this.#channel.onmessage = ({data}) => this.#hear(data);
    try {
      await this.#records.enter(this.#user);
      this.#post({changed: true});
      await this.#look();
    } catch (error) { // writes wait in memory
      this.isKept = false;
      this.#fail(error);
    }
  }

  #fail(error) {
    if (!this.#closing.signal.aborted) {
      this.#outbox.failed(error);
    }
  }

  #post(message) { this.#channel?.postMessage(message); }

  // What waits.

  add(write) {
    super.add(write);
    this.#store(() => this.#keep());
  }

  async #keep(all = this.writes) {
    const writes = all.filter(
      ({key, isSettled}) => key === undefined && !isSettled);
    if (!writes.length || !this.isKept) {
      return;
    }
    try {
      const keys = await this.#records.add(this.#user, writes);
      keys.forEach((key, index) => { writes[index].key = key; });
      this.#tell(writes.filter(({key}) => this.#outcomes.has(key)));
      this.#post({changed: true});
    } catch (error) { // the next write tries again
      this.#fail(error);
    }
  }

  async refresh() {
    await this.#storing;
    if (!this.isKept) {
      return;
    }
    const kept = await this.#store(() => this.#look());
    for (const write of this.writes) {
      const {sentSince, item} = kept.get(write.key) ?? write;
      if (sentSince !== write.sentSince) { // another tab has sent it
        Object.assign(write, {sentSince, item});
      }
    }
    const gone = this.writes.filter(({key, isSettled}) =>
      key !== undefined && !isSettled && !kept.has(key));
    if (gone.length) { // settled by a tab that says how, unless it was killed
      await sleep(GRACE, this.#closing.signal);
      gone.filter(({key}) => !this.#outcomes.has(key)).forEach(
        ({key}) => this.#outcomes.set(key, {}));
      this.#tell(gone);
    }
  }

  // Shows what other tabs have written; returns what is kept.
  async #look() {
    const {user, writes} = await this.#records.read();
    if (this.#closing.signal.aborted) {
      return new Map();
    }
    if (user !== this.#user) {
      this.#end();
      return new Map();
    }
    const kept = new Map(writes
      .filter(write => write.user === user && !this.#outcomes.has(write.key))
      .map(write => [write.key, write]));
    const known = new Set(this.writes.map(({key}) => key));
    const others = [...kept.values()].filter(({key}) => !known.has(key));
    this.writes.push(...others);
    this.writes.sort((one, other) =>
      (one.key ?? Infinity) - (other.key ?? Infinity) || 0);
    if (others.length) {
      this.#outbox.show(others.map(({path}) => path));
    }
    return kept;
  }

  // Sending.

  async turn(send) {
    await this.#storing;
    if (!this.isKept) {
      return send();
    }
    const {signal} = this.#closing;
    return navigator.locks.request(this.#name, {signal}, send).catch(
      error => { if (!signal.aborted) { throw error; } });
  }

  // A write has no key while it is being stored, so both of these come after
  // that.

  async note(writes) {
    await this.#store(() => this.isKept &&
      this.#records.put(this.#user, writes));
  }

  async settle(writes, {error, position}) {
    const {message, status, detail, item} = error ?? {};
    writes.forEach(write => { write.isSettled = true; });
    await this.#store(() => this.#forget(writes, {position,
      error: error && {message, status, detail, item}}));
  }

  // Others are told first: what they were told comes back no more.
  async #forget(writes, outcome) {
    const keys = writes.map(({key}) => key).filter(key => key !== undefined);
    keys.forEach(key => this.#outcomes.set(key, outcome));
    this.#post({settled: keys, outcome});
    if (keys.length) {
      await this.#records.delete(keys).catch(error => this.#fail(error));
    }
  }

  wake() { this.#post({wake: true}); }

  // Other tabs.

  #hear({changed, wake, settled = [], outcome}) {
    if (changed && this.isKept) {
      this.#store(() => this.#look()).catch(error => this.#fail(error));
    } else if (wake) {
      this.#outbox.wake();
    }
    settled.forEach(key => this.#outcomes.set(key, outcome));
    this.#tell(this.writes.filter(({key}) => settled.includes(key)));
  }

  #tell(writes) {
    for (const write of writes.filter(({isSettled}) => !isSettled)) {
      write.isSettled = true;
      const {position, error} = this.#outcomes.get(write.key);
      this.#outbox.settled(write, {position,
        error: error && new RequestError(error.message, error)});
    }
  }

  #end() {
    this.#fail(new Error(
      'another user writes in this browser now; what waits is kept'));
    this.#outbox.close();
  }

  // What has just been written is kept, too.
  close() {
    this.#closing.abort();
    const writes = [...this.writes];
    this.#store(() => this.#keep(writes)).finally(() => {
      this.#channel?.close();
      this.#channel = undefined;
      this.#records.close();
    });
  }
}
