/** Writes that are shown at once; outbox.d.ts says how to use it. */

import { covers } from '../gset/answers.js';
import { asPath, keyOf, makeId } from '../gset/ids.js';
import { toJson } from '../gset/json.js';
import { sleep } from '../gset/waiting.js';
import { Queue } from './queue.js';
import { Sending } from './sending.js';
import { after, isSame, Shown } from './shown.js';
import { Undoing } from './undoing.js';

const PATIENCE = 2; // seconds for another tab, or a browser that fails
// A position that no server has had.  What follows from a write that waits has
// it, and is made only if the user sees the same when its turn has come.
const NEVER = 'never:1';

export class Outbox extends EventTarget {
  #client;
  #queue;
  #shown;
  #sending;
  #undoing;
  #looking = new Set(); // called when the client has something new
  #closing = new AbortController();

  constructor(client, queue = new Queue()) {
    super();
    this.#client = client;
    this.#queue = queue;
    this.#shown = new Shown(client, queue.writes);
    this.#undoing = new Undoing(client);
    const {signal} = this.#closing;
    this.#sending = new Sending(client, queue, {
      signal,
      made: writes => this.#made(writes),
      refused: (writes, error) => this.#refused(writes, error),
      failed: error => this.#emit('error', {error}),
    });
    client.addEventListener('updates', ({detail: {changes}}) => {
      this.#show(changes.map(({path}) => path));
      this.#looking.forEach(look => look());
    }, {signal});
    client.addEventListener('online', () => this.#sending.wake(), {signal});
    this.#show(Array.from(client.items.keys(), id => [id]));
    queue.join({
      show: paths => this.#hear(paths),
      settled: (write, outcome) => this.#settled(write, outcome),
      wake: () => this.#sending.wake(),
      failed: error => this.#emit('error', {error}),
      close: () => this.close(),
    });
  }

  get items() { return this.#shown.items; }
  get waiting() { return this.#queue.writes.length; }
  get waitingPaths() { return this.#queue.writes.map(({path}) => path); }
  get isKept() { return this.#queue.isKept; }
  get canUndo() { return this.#undoing.isPossible; }
  get #isClosed() { return this.#closing.signal.aborted; }

  async put(path, item, options) {
    await this.batch([{op: 'put', path, item, ...options}]);
  }
  async patch(path, item, options) {
    await this.batch([{op: 'patch', path, item, ...options}]);
  }
  async remove(path, options) {
    await this.batch([{op: 'remove', path, ...options}]);
  }
  async makeSet(path) { await this.batch([{op: 'set', path}]); }
  async add(path, item) {
    const [id] = await this.batch([{op: 'add', path, item}]);
    return id;
  }
  async undo() { await this.batch(this.#undoing.next()); }

  async batch(changes) {
    const batch = changes.length > 1 ? makeId() : undefined;
    const writes = [];
    for (const change of changes) {
      writes.push({...this.#prepared(change, writes), batch});
    }
    if (this.#isClosed) {
      throw new Error('the outbox is closed');
    }
    if (writes.length) {
      await this.#write(writes);
    }
    return writes.map(({path}) => path.at(-1));
  }

  #prepared({op, path, ...change}, earlier) {
    const made = op === 'add' ? [...asPath(path), makeId()] : asPath(path);
    made.forEach(keyOf);
    const {position, generation} = this.#client;
    const sees = op !== 'set' && !('unchangedSince' in change);
    const before = earlier.reduce(
      (now, write) => after(write, made, now), this.items.at(made));
    const since = isSame(before, this.#client.items.at(made)) ? position : NEVER;
    return {
      sees, unchangedSince: sees && generation > 0 ? since : undefined, before,
      ...change, op: op === 'add' ? 'put' : op, path: made,
      ...'item' in change && {item: JSON.parse(toJson(change.item))}};
  }

  async #write(writes) {
    const done = new Promise((resolve, reject) => {
      writes.forEach(write => Object.assign(write, {resolve, reject}));
    });
    this.#undoing.add(writes);
    writes.forEach(write => this.#queue.add(write));
    this.#hear(writes.map(({path}) => path));
    await done;
  }

  #show(paths) {
    const changes = this.#shown.refresh(paths);
    if (changes.length) {
      this.#emit('updates', {changes});
    }
  }

  // There are other writes at some paths.
  #hear(paths) {
    this.#changed(paths);
    this.#sending.start();
  }

  #changed(paths) {
    this.#show(paths);
    this.#emit('waiting', {paths});
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, {detail}));
  }

  retry() { this.#queue.wake(); this.#sending.wake(); }

  close() {
    this.#closing.abort();
    this.#sending.wake();
    this.#queue.close();
    for (const {reject} of this.#queue.writes.splice(0)) {
      reject?.(new Error('the outbox was closed before this was written'));
    }
  }

  // What becomes of writes.

  async #made(writes) {
    const {epoch, generation} = this.#client;
    await this.#queue.settle(writes, {position: {epoch, generation}});
    this.#leave(writes);
  }

  async #refused(writes, error) {
    await this.#queue.settle(writes, {error});
    this.#takeBack(writes, error);
  }

  // Another tab has sent a write.
  async #settled(write, {error, position = {}}) {
    if (error) {
      this.#takeBack([write], error);
    } else {
      await this.#reach(position);
      this.#leave([write]);
    }
  }

  // Until the client has what was written, the write stays shown.
  async #reach(position) {
    const {signal} = this.#closing;
    const isThere = () => signal.aborted || covers(this.#client, position);
    if (!isThere()) {
      const there = new AbortController();
      const look = () => isThere() && there.abort();
      this.#looking.add(look);
      await sleep(PATIENCE, there.signal);
      this.#looking.delete(look);
    }
    for (let isDone = isThere(); !isDone && !signal.aborted;) {
      isDone = await this.#client.sync().then(
        () => true, () => sleep(PATIENCE, signal));
    }
  }

  #leave(writes) {
    if (this.#isClosed) {
      return;
    }
    this.#take(writes);
    this.#undoing.made(writes);
    this.#changed(writes.map(({path}) => path));
    writes.forEach(({resolve}) => resolve?.());
  }

  #takeBack(writes, error) {
    this.#take(writes);
    this.#undoing.forget(writes);
    this.#changed(writes.map(({path}) => path));
    for (const {op, path, item, reject} of writes) {
      this.#emit('refused', {op, path, item, error, isOwn: Boolean(reject)});
      reject?.(error);
    }
  }

  #take(writes) {
    for (const write of writes) {
      const index = this.#queue.writes.indexOf(write);
      if (index >= 0) {
        this.#queue.writes.splice(index, 1);
      }
    }
  }
}
