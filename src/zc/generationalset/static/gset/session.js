/** Questions to a server, and the replica that gets the answers. */

import { covers, decode, fits, isTo, nameOf } from './answers.js';
import { refuse } from './errors.js';
import { joined } from './exchange.js';
import { asPath } from './ids.js';
import { Replica } from './replica.js';

const QUESTIONS = 5; // most questions for an answer that fits

export class Session {
  replica = new Replica();
  #wanted; // names of parts; undefined for the whole tree
  trouble = {delay: 0}; // undefined while the server answers
  wasAnswered = false;
  #server;
  #client;

  /**
   * `client` has `signal`, which ends all requests, and `emit(type, detail)`.
   * The session calls its `applied(answer, text)`, `reported()` and
   * `answered()`.
   */
  constructor(server, client) {
    this.#server = server;
    this.#client = client;
  }

  get online() { return !this.trouble; }

  get parts() {
    return this.#wanted && Array.from(this.#wanted, JSON.parse);
  }

  /** Wants these parts; forgets all else, and returns the changes. */
  want(parts) {
    this.#wanted = parts && new Set(parts.map(path => nameOf(asPath(path))));
    const {replica} = this;
    return !parts !== !replica.parts ? replica.clear() :
      parts ? replica.keep(this.parts) : [];
  }

  async send(method, path, options) {
    const pieces = await this.#server.send(method, path, {
      signal: this.#client.signal, position: this.replica,
      parts: this.#wanted, ...options});
    this.wasAnswered = true;
    if (this.trouble) {
      this.report();
      this.#client.answered();
    }
    return pieces;
  }

  /** Asks what changed, until an answer isn't from a cache. */
  async ask(signal = this.#client.signal, wait = 0, questions = QUESTIONS) {
    await this.#join(signal);
    const {epoch, generation} = this.replica;
    const text = await joined(
      await this.send('GET', 'updates', {signal, wait}));
    const answer = decode(text);
    const isOurs = isTo(answer, {epoch, generation});
    this.#take(answer, text);
    if (!isOurs || !covers(this.replica, answer)) {
      if (!questions) {
        refuse(`one since ${generation}, not from a cache`, answer);
      }
      await this.ask(signal, wait, questions - !isOurs);
    }
  }

  // Asks for the parts that the replica lacks, unless it has nothing.
  async #join(signal) {
    const {parts, generation} = this.replica;
    const missing = [...this.#wanted ?? []].filter(name => !parts?.has(name));
    if (generation && missing.length) {
      const text = await joined(await this.send('GET', 'updates',
        {signal, position: {generation: 0}, parts: missing}));
      this.#take(decode(text), text);
    }
  }

  /** Applies an answer that came unasked; if it doesn't fit, asks. */
  async accept(answer, text, signal) {
    this.#take(answer, text);
    if (!covers(this.replica, answer)) {
      await this.ask(signal);
    }
  }

  // Applies an answer that fits, and announces it.
  #take(answer, text) {
    if (!answer.parts !== !this.#wanted) {
      refuse('the parts that were named', answer);
    }
    answer.parts = answer.parts?.filter(
      ({path}) => this.#wanted.has(nameOf(path)));
    if (!fits(answer, this.replica)) {
      return;
    }
    const before = this.replica.generation;
    const changes = this.replica.apply(answer);
    const {generation, reset} = answer;
    if (changes.length || generation !== before || reset !== undefined) {
      this.#client.applied(answer, text);
      if (reset !== undefined) {
        this.emit('reset', {reason: reset});
      }
      this.announce(changes, text.length);
    }
  }

  /** Forgets everything. */
  clear() {
    if (this.replica.generation) {
      this.announce(this.replica.clear(), 0);
    }
  }

  /** Emits events for changes that were applied. */
  announce(changes, size) {
    const {epoch, generation} = this.replica;
    changes.forEach(({kind, ...detail}) => this.emit(kind, detail));
    this.emit('updates', {changes, epoch, generation, size});
  }

  /** Emits whether the server answers. */
  report(trouble) {
    this.trouble = trouble;
    this.#client.reported();
    this.emit(trouble ? 'offline' : 'online', trouble);
  }

  emit(type, detail) {
    this.#client.emit(type, detail);
  }
}
