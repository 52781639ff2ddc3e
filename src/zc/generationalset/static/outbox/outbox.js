/** Writes that are shown at once; outbox.d.ts says how to use it. */

import { covers } from '../gset/answers.js';
import { asPath, keyOf } from '../gset/ids.js';
import { toJson } from '../gset/json.js';
import { sleep } from '../gset/waiting.js';
import { Queue } from './queue.js';
import { Sending } from './sending.js';
import { Shown } from './shown.js';
import { Undoing } from './undoing.js';

const PATIENCE = 2; // seconds for another tab, or a browser that fails

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
      refused: (write, error) => this.#refused(write, error),
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
  get isKept() { return this.#queue.isKept; }
  get canUndo() { return this.#undoing.isPossible; }
  get #isClosed() { return this.#closing.signal.aborted; }

  async put(path, item, options) {
    await this.#write({op: 'put', path, item, ...options});
  }
  async patch(path, item, options) {
    await this.#write({op: 'patch', path, item, ...options});
  }
  async remove(path, options) {
    await this.#write({op: 'remove', path, ...options});
  }
  async makeSet(path) { await this.#write({op: 'set', path}); }
  async add(path, item) {
    const id = crypto.randomUUID();
    await this.put([...asPath(path), id], item);
    return id;
  }
  async undo() {
    await Promise.all(this.#undoing.next().map(write => this.#write(write)));
  }

  async #write(write) {
    const path = asPath(write.path);
    path.forEach(keyOf);
    const {position, generation} = this.#client;
    const sees = write.op !== 'set' && !('unchangedSince' in write);
    const made = {
      sees, unchangedSince: sees && generation > 0 ? position : undefined,
      before: this.items.at(path), ...write, path,
      ...'item' in write && {item: JSON.parse(toJson(write.item))}};
    if (this.#isClosed) {
      throw new Error('the outbox is closed');
    }
    const done = new Promise((resolve, reject) => {
      Object.assign(made, {resolve, reject});
    });
    this.#queue.add(made);
    this.#hear([path]);
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
    this.#show(paths);
    this.#sending.start();
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

  async #refused(write, error) {
    await this.#queue.settle([write], {error});
    this.#takeBack(write, error);
  }

  // Another tab has sent a write.
  async #settled(write, {error, position = {}}) {
    if (error) {
      this.#takeBack(write, error);
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
    writes.filter(({resolve}) => resolve).forEach(
      write => this.#undoing.remember(write));
    this.#show(writes.map(({path}) => path));
    writes.forEach(({resolve}) => resolve?.());
  }

  #takeBack(write, error) {
    const {op, path, item} = write;
    this.#take([write]);
    this.#show([path]);
    this.#emit('refused', {op, path, item, error});
    write.reject?.(error);
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
