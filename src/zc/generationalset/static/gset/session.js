/** Questions to a server, and the replica that gets the answers. */

import { covers, decode, isTo, nameOf } from './answers.js';
import { refuse } from './errors.js';
import { joined } from './exchange.js';
import { asPath } from './ids.js';
import { isPage } from './pages.js';
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

  /** Whether the server has answered, at least with a page. */
  get hasItems() {
    return this.replica.generation > 0 || this.replica.cursor !== '';
  }

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

  /** Asks what changed, until no page is missing. */
  async ask(signal = this.#client.signal, wait = 0) {
    let questions = QUESTIONS;
    for (let isDone = false; !isDone;) {
      await this.#join(signal);
      const {epoch, generation, cursor} = this.replica;
      const answer = this.#take(await this.#updates(
        {signal, wait, cursor: this.#wanted ? undefined : cursor}));
      const isOurs = isTo(answer, {epoch, generation});
      const isNext = isOurs && isPage(answer);
      isDone = isOurs && !isNext && covers(this.replica, answer);
      questions -= !isDone && !isNext;
      if (questions < 0) {
        refuse(`an answer since ${generation}, from no cache`, answer);
      }
    }
  }

  // If the server doesn't know the cursor, asks for the first page.
  async #updates(options) {
    try {
      return await joined(await this.send('GET', 'updates', options));
    } catch (error) {
      if (error.status !== 410 || !options.cursor) {
        throw error;
      }
      return this.#updates({...options, cursor: ''});
    }
  }

  // Asks for the parts that the replica lacks, unless it has nothing.
  async #join(signal) {
    const {parts, generation} = this.replica;
    const missing = [...this.#wanted ?? []].filter(name => !parts?.has(name));
    if (generation && missing.length) {
      this.#take(await this.#updates(
        {signal, position: {generation: 0}, parts: missing}));
    }
  }

  /** Applies an answer that came unasked; if it doesn't fit, asks. */
  async accept(text, signal) {
    const answer = this.#take(text);
    if (!isPage(answer)) {
      await this.reach(answer, signal);
    }
  }

  /** Asks, unless the replica is at a position, or after it. */
  async reach(position, signal) {
    if (!covers(this.replica, position)) {
      await this.ask(signal);
    }
  }

  // Applies an answer if it fits, and announces it.
  #take(text) {
    const answer = decode(text);
    if (!answer.parts !== !this.#wanted) {
      refuse('the parts that were named', answer);
    }
    answer.parts = answer.parts?.filter(
      ({path}) => this.#wanted.has(nameOf(path)));
    if (this.replica.takes(answer)) {
      this.#apply(answer, text);
    }
    return answer;
  }

  #apply(answer, text) {
    const before = this.replica.generation;
    const changes = this.replica.apply(answer);
    const {generation, reset} = answer;
    if (changes.length || generation !== before || reset !== undefined ||
        isPage(answer)) {
      if (this.hasItems) { // else the replica starts over
        this.#client.applied(answer, text);
      }
      if (reset !== undefined) {
        this.emit('reset', {reason: reset});
      }
      this.announce(changes, text.length);
    }
  }

  /** Forgets everything. */
  clear() {
    if (this.hasItems) {
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
