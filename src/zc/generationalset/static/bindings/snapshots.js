/** Snapshots: the same object as long as nothing in it changes. */

import { nameOf } from '../gset/answers.js';
import { asPath } from '../gset/ids.js';
import { Items, update } from '../gset/items.js';

const snapshots = new WeakMap(); // client -> its Snapshots

/** Returns what is at a path; snapshots.d.ts says how to use it. */
export const snapshot = (client, path = []) => of(client).at(asPath(path));

/** Calls back when something at a path has changed. */
export const subscribe = (client, path, callback) =>
  of(client).listen(asPath(path), callback);

function of(client) {
  if (!snapshots.has(client)) {
    snapshots.set(client, new Snapshots(client));
  }
  return snapshots.get(client);
}

class Snapshots {
  #client;
  #sets = new Map(); // name of a path -> the snapshot of the set there
  #stale = new Set(); // names of those that have changed since
  #listeners = new Map(); // name of a path -> callbacks
  #below = new Map(); // name of a path -> callbacks of paths below

  constructor(client) {
    this.#client = client;
    client.addEventListener(
      'updates', ({detail: {changes}}) => this.#update(changes));
  }

  at(path) {
    const item = this.#client.items.at(path);
    return item instanceof Items ? this.#snapshot(path, item) : item;
  }

  // O(n) for a set in which something changed.
  #snapshot(path, items) {
    const name = nameOf(path);
    const old = this.#sets.get(name);
    if (old && !this.#stale.has(name)) {
      return old;
    }
    const made = new Items();
    made[update]({adds: [...this.#entries(old, path, items)]}, [], []);
    this.#sets.set(name, made);
    this.#stale.delete(name);
    return made;
  }

  // Old ones stay where they were, so that lists don't jump.
  * #entries(old, path, items) {
    for (const id of old?.keys() ?? []) {
      if (items.has(id)) {
        yield [id, this.#value([...path, id], items.get(id))];
      }
    }
    for (const [id, item] of items) {
      if (!old?.has(id)) {
        yield [id, this.#value([...path, id], item)];
      }
    }
  }

  #value(path, item) {
    return item instanceof Items ? this.#snapshot(path, item) : item;
  }

  #update(changes) {
    const called = new Set();
    const call = (callbacks = []) => callbacks.forEach(
      callback => called.add(callback));
    for (const {path} of changes) {
      path.forEach((_, depth) => this.#touch(path.slice(0, depth), call));
      this.#touch(path, call);
      call(this.#below.get(nameOf(path)));
    }
    called.forEach(({callback}) => callSafely(callback));
  }

  #touch(path, call) {
    const name = nameOf(path);
    if (this.#sets.has(name)) {
      this.#stale.add(name);
    }
    call(this.#listeners.get(name));
  }

  listen(path, callback) {
    const listener = {callback};
    const names = path.map((_, depth) => nameOf(path.slice(0, depth)));
    put(this.#listeners, nameOf(path), listener);
    names.forEach(name => put(this.#below, name, listener));
    return () => {
      take(this.#listeners, nameOf(path), listener);
      names.forEach(name => take(this.#below, name, listener));
    };
  }
}

function put(listeners, name, listener) {
  if (!listeners.has(name)) {
    listeners.set(name, new Set());
  }
  listeners.get(name).add(listener);
}

function take(listeners, name, listener) {
  const there = listeners.get(name);
  there?.delete(listener);
  if (there?.size === 0) {
    listeners.delete(name);
  }
}

// One that fails harms no other; the browser reports it.
function callSafely(callback) {
  try {
    callback();
  } catch (error) {
    queueMicrotask(() => { throw error; });
  }
}
