/**
 * The tabs of a browser that share a store.
 *
 * The tab that has the lock leads: it follows the server, stores answers, and
 * tells the other tabs.
 */

import { isVisible } from './waiting.js';

// Ticks of half a heartbeat without a sign of the leader:
const STEAL = 3; // then a visible tab takes its lock,
const ALONE = 6; // then a tab goes on without a lock

export class Tabs {
  #name;
  #heartbeat;
  #watch;
  #client;
  #channel; // undefined unless this tab has joined
  #ticks;
  #away = AbortSignal.abort(); // aborted when this tab leaves
  #leave = () => {};
  #quiet = 0; // ticks without the leader
  #seen = 0; // when another tab was last visible
  #hearing = Promise.resolve(); // messages are heard one after the other

  /**
   * The tab leads while `watch` runs.  `client` has `hear(message)`, and
   * `fail(error)`.
   */
  constructor(name, heartbeat, watch, client) {
    this.#name = name;
    this.#heartbeat = heartbeat;
    this.#watch = watch;
    this.#client = client;
  }

  /** Whether the user sees another tab. */
  get isSeen() { return Date.now() - this.#seen < 1500 * this.#heartbeat; }

  /** Begins to hear the other tabs, and to wait for the lock. */
  join() {
    const leaving = new AbortController();
    this.#away = leaving.signal;
    this.#leave = () => leaving.abort();
    try {
      this.#open();
    } catch (error) { // this page may not have channels
      this.#client.fail(error);
      this.#watch.run();
    }
  }

  #open() {
    this.#channel = new BroadcastChannel(this.#name);
    this.#channel.onmessage = ({data}) => this.#receive(data);
    this.#quiet = 0;
    this.#ticks = setInterval(() => this.#tick(), 500 * this.#heartbeat);
    this.#lock({signal: this.#away});
    this.post({wake: true});
  }

  leave() {
    this.#leave();
    clearInterval(this.#ticks);
    this.#channel?.close();
    this.#channel = undefined;
  }

  /** Sends a message to the other tabs; does nothing before `join`. */
  post(message) {
    this.#channel?.postMessage({...message, seen: isVisible()});
  }

  #receive(message) {
    this.#quiet *= 'wake' in message; // the leader doesn't send that
    this.#seen = message.seen ? Date.now() : this.#seen;
    const away = this.#away;
    this.#hearing = this.#hearing.then(() =>
      away.aborted || this.#client.hear(message))
      .catch(error => this.#client.fail(error));
  }

  async #lock(options) {
    const away = this.#away;
    try {
      await navigator.locks.request(this.#name, options,
        () => away.aborted || this.#watch.run());
    } catch (error) {
      if (!away.aborted) {
        this.#lose(error);
      }
    }
  }

  #lose(error) {
    this.#watch.stop();
    if (error.name === 'AbortError') { // it was stolen
      this.#lock({signal: this.#away});
    } else {
      this.#client.fail(error);
      this.#watch.run();
    }
  }

  // The leader may be frozen; a visible tab can't wait for it.
  #tick() {
    this.#quiet = this.#watch.isRunning || globalThis.document?.hidden ? 0 :
      this.#quiet + 1;
    if (this.#quiet > ALONE) {
      this.#watch.run();
    } else if (this.#quiet > STEAL) {
      this.#lock({steal: true});
    } else {
      this.post({wake: false});
    }
  }
}
