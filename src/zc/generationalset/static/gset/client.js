/** The client; gset.d.ts says how to use it. */

import { nameOf } from './answers.js';
import { refuse } from './errors.js';
import { isForbidden } from './exchange.js';
import { additions } from './items.js';
import { Server } from './server.js';
import { Session } from './session.js';
import { Store } from './store.js';
import { Tabs } from './tabs.js';
import { isVisible } from './waiting.js';
import { Watch } from './watch.js';
import { write } from './writes.js';

export class Client extends EventTarget {
  database;
  #server;
  #session;
  #watch;
  #store; // undefined if there is none
  #tabs; // undefined if tabs don't share
  #heartbeat;
  #closing = new AbortController();
  #isStopped = false; // the server refuses this user
  #started;
  #resolve = () => {};
  #reject; // of `start`, until there is something to show

  constructor(url, options = {}) {
    super();
    const {token, store, heartbeat, parts} = checkOptions(options);
    this.#server = new Server(url, token);
    this.#heartbeat = heartbeat;
    this.#session = new Session(this.#server, {
      signal: this.#closing.signal,
      emit: (type, detail) => this.#emit(type, detail),
      applied: (answer, text) => this.#tell(answer, text),
      reported: () => this.#tell(),
      answered: this.#look,
    });
    this.#session.want(parts);
    this.#watch = new Watch(this.#session, heartbeat, {
      isSeen: () => isVisible() || this.#tabs?.isSeen,
      refused: error => this.#refused(error),
    });
    if (store) {
      this.#share(`${store} ${this.#server.url}`);
    }
  }

  #share(name) {
    this.database = name;
    this.#store = new Store(name, this.#session.replica, {
      failed: error => this.#emit('error', {error}),
      deleted: () => this.#forgotten(),
    });
    if (globalThis.navigator?.locks && globalThis.BroadcastChannel) {
      this.#tabs = new Tabs(name, this.#heartbeat, this.#watch, {
        hear: message => this.#hear(message),
        fail: error => this.#fail(error),
      });
    }
  }

  get online() { return this.#session.online; }
  get epoch() { return this.#session.replica.epoch; }
  get generation() { return this.#session.replica.generation; }
  get position() { return `${this.epoch ?? ''}:${this.generation}`; }
  get items() { return this.#session.replica.items; }
  get #isClosed() { return this.#closing.signal.aborted; }

  get token() { return this.#server.token; }
  set token(token) {
    this.#server.token = token;
    if (this.#isStopped) {
      this.#resume();
    } else {
      this.#watch.again();
    }
  }

  #emit(type, detail) {
    if (this.#isClosed) {
      return;
    }
    if (type === 'updates') {
      this.#resolve();
    }
    this.dispatchEvent(new CustomEvent(type, {detail}));
  }

  // Parts.

  get parts() { return this.#session.parts; }
  set parts(parts) {
    this.#want(parts);
    this.#tabs?.post({parts: this.parts});
  }

  #want(parts) {
    const changes = this.#session.want(parts);
    if (changes.length) {
      this.#session.announce(changes, 0);
    }
    this.#watch.again();
  }

  // Starting and ending.

  start() {
    return this.#started ??= new Promise((resolve, reject) => {
      this.#reject = reject;
      this.#resolve = () => {
        this.#reject = undefined;
        resolve();
      };
      for (const type of ['online', 'visibilitychange']) {
        globalThis.addEventListener?.(type, this.#look, this.#closing);
      }
      this.#begin();
    });
  }

  async #begin() {
    await this.#store?.load();
    if (this.#isClosed) {
      return;
    }
    this.#session.want(this.parts); // the store may have others
    if (this.#store?.isLoaded && this.#session.hasItems) {
      this.#session.announce(additions(this.items), 0);
    } else if (this.#session.hasItems) { // it has asked before
      this.#resolve();
    }
    this.#follow();
  }

  #follow() {
    if (this.#isClosed) {
      return; // a listener closed it
    }
    if (this.#tabs) {
      this.#tabs.join();
      this.#tabs.post({parts: this.parts}); // all tabs have the same parts
    } else {
      this.#watch.run();
    }
  }

  close() {
    this.#closing.abort();
    this.#watch.stop();
    this.#tabs?.leave();
    this.#store?.close();
    this.#resolve();
    this.#started ??= Promise.resolve();
  }

  async forget() {
    this.#tabs?.post({forget: true});
    this.#session.clear();
    this.close();
    await this.#store?.destroy();
  }

  // Another tab called `forget`.
  #forgotten() {
    if (!this.#isClosed) {
      this.#session.clear();
      this.#stop(new Error('another tab had this browser forget everything'));
      this.close();
    }
  }

  // The server refuses this user, or this token.

  #refused(error) {
    const reject = this.#reject;
    if (isForbidden(error) && !this.#session.wasAnswered) {
      this.#session.clear(); // the data may be another user's
    }
    this.#stop(error);
    if (reject) {
      reject(error);
      this.close();
    }
  }

  #stop(error) {
    this.#isStopped = true;
    this.#watch.stop();
    this.#tabs?.leave();
    this.#session.report({error, delay: Infinity});
  }

  #resume() {
    this.#isStopped = false;
    this.#follow();
  }

  #fail(error) {
    if (isForbidden(error)) {
      this.#refused(error);
    } else {
      this.#emit('error', {error});
    }
  }

  // Trying again.

  retry() { this.#wake(true); }

  // The network, or the user, is back.
  #look = () => {
    if (!globalThis.document?.hidden) {
      this.#wake();
    }
  };

  #wake(now) {
    if (this.#isStopped) {
      this.#resume();
    } else if (!this.#watch.isRunning) {
      this.#tabs?.post({wake: true, now});
    } else if (now && !this.online) {
      this.#watch.again();
    } else {
      this.#watch.look();
    }
  }

  // Tabs.

  #tell(answer, text) {
    if (this.#watch.isRunning) {
      if (answer) {
        this.#store?.save(answer, text);
      }
      const {replica: {epoch, generation}, trouble} = this.#session;
      this.#tabs?.post({epoch, generation, trouble, text});
    }
  }

  async #hear({forget, wake, now, trouble, text, epoch, generation, parts}) {
    if (parts && nameOf(parts) !== nameOf(this.parts)) {
      this.#want(parts);
    }
    if (forget) {
      this.#forgotten();
    } else if (!this.#watch.isRunning) {
      if (wake === undefined) {
        await this.#learn(trouble, text, {epoch, generation});
      }
    } else {
      if (wake) {
        this.#wake(now);
      }
      this.#tell();
    }
  }

  async #learn(trouble, text, position) {
    if (trouble?.delay !== this.#session.trouble?.delay) {
      this.#session.report(trouble);
    }
    if (!trouble) {
      await (text ? this.#session.accept(text) :
        this.#session.reach(position));
    }
  }

  // Asking and writing.

  sync() { return this.#session.ask(); }
  async makeSet(path) { await this.batch([{op: 'set', path}]); }
  async put(path, item, options) {
    await this.batch([{...options, op: 'put', path, item}]);
  }
  async patch(path, item, options) {
    await this.batch([{...options, op: 'patch', path, item}]);
  }
  async remove(path, options) {
    await this.batch([{...options, op: 'remove', path}]);
  }
  async add(path, item) {
    return (await this.batch([{op: 'add', path, item}]))[0];
  }

  batch(changes) { return write(this.#session, changes); }
}

function checkOptions({token, store, heartbeat = 15, parts, ...others}) {
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    refuse('the options token, store, heartbeat and parts', unknown);
  }
  if (typeof (store ?? '') !== 'string') {
    refuse('a text as name of the store', store);
  }
  if (!(heartbeat > 0 && heartbeat < Infinity)) {
    refuse('a heartbeat of some seconds', heartbeat);
  }
  return {token, store, heartbeat, parts};
}
