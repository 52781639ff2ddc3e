/**
 * The tabs of a browser that share a store.
 *
 * The one with the lock leads: it follows the server, stores, and tells the
 * others.
 */

import { isVisible } from './waiting.js';

// Ticks, of half a heartbeat, without the leader:
const STEAL = 3; // then a tab that is seen takes the lock from it,
const ALONE = 6; // and then goes on without a lock

export class Tabs {
  #name;
  #heartbeat;
  #client;
  #channel; // while it has joined
  #ticks;
  #away = AbortSignal.abort(); // of this stay
  #leave = () => {};
  #quiet = 0; // ticks without the leader
  #seen = 0; // when another tab was visible
  #hearing = Promise.resolve(); // one message after the other

  /**
   * `client` has `leads`, `lead()`, which resolves when it doesn't lead any
   * more, `lose()`, which ends that, `hear(message)`, and `fail(error)`.
   */
  constructor(name, heartbeat, client) {
    this.#name = name;
    this.#heartbeat = heartbeat;
    this.#client = client;
  }

  /** Whether the user sees another tab. */
  get isSeen() { return Date.now() - this.#seen < 1500 * this.#heartbeat; }

  /** Begins to hear the others, and to wait for the lock. */
  join() {
    const leaving = new AbortController();
    this.#away = leaving.signal;
    this.#leave = () => leaving.abort();
    try {
      this.#open();
    } catch (error) { // there are no channels for this page
      this.#client.fail(error);
      this.#client.lead();
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

  /** Tells the other tabs, or nobody if it hasn't joined. */
  post(message) {
    this.#channel?.postMessage({...message, seen: isVisible()});
  }

  #receive(message) {
    this.#quiet *= 'wake' in message; // the leader doesn't say that
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
        () => away.aborted || this.#client.lead());
    } catch (error) {
      if (!away.aborted) {
        this.#lose(error);
      }
    }
  }

  #lose(error) {
    this.#client.lose();
    if (error.name === 'AbortError') { // it was stolen
      this.#lock({signal: this.#away});
    } else {
      this.#client.fail(error);
      this.#client.lead();
    }
  }

  // The leader may be frozen; a tab that is seen can't wait for it.
  #tick() {
    this.#quiet = this.#client.leads || globalThis.document?.hidden ? 0 :
      this.#quiet + 1;
    if (this.#quiet > ALONE) {
      this.#client.lead();
    } else if (this.#quiet > STEAL) {
      this.#lock({steal: true});
    } else {
      this.post({wake: false});
    }
  }
}
