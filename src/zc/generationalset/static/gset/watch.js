/** Follows a server, by event stream or else by long poll. */

import { parseEvents } from './events.js';
import { isRefusal, RequestError } from './exchange.js';
import { sleep } from './waiting.js';

// Times are in seconds.
const LONGEST = 60; // limit of random delays ...
const SEEN = 5; // ... while a page is visible, because its user waits
const HOLD = 25; // of a long poll; proxies give up after 30
const POLLS = 600; // polls until streams are tried again
const FRUITLESS = 3; // silent streams until polls are tried

export class Watch {
  #session;
  #heartbeat;
  #client;
  #run; // identifies the current run
  #doing = new AbortController(); // ends the current request or wait
  #isAsked = false; // the server has answered since the last failure
  #heard = 0; // when the server was heard; Infinity while Retry-After runs
  #failures = 0;
  #fruitless = 0; // counts silent streams, then polls

  /**
   * `client` has `isSeen()`, whether a user waits.  The watch calls its
   * `refused(error)` when it makes no sense to go on.
   */
  constructor(session, heartbeat, client) {
    this.#session = session;
    this.#heartbeat = heartbeat;
    this.#client = client;
  }

  get isRunning() { return this.#run !== undefined; }

  /** Follows until `stop`; another run ends this one. */
  async run() {
    const run = {};
    this.#interrupt(run);
    while (this.#run === run) {
      const {signal} = this.#doing;
      try {
        await this.#step(signal);
      } catch (error) {
        if (!signal.aborted) {
          await this.#fail(error, signal);
        }
      }
    }
  }

  stop() { this.#interrupt(undefined); }

  /** Begins anew at once, whatever it does now. */
  again() {
    if (this.isRunning) {
      this.#failures = 0;
      this.#interrupt(this.#run);
    }
  }

  /** Begins anew if it is waiting, or has heard nothing for long. */
  look() {
    const silence = Date.now() - this.#heard;
    const isLost = this.#session.trouble?.error && silence > 0;
    if (isLost || silence > 1500 * this.#heartbeat) {
      this.again();
    }
  }

  #interrupt(run) {
    const doing = this.#doing;
    this.#doing = new AbortController();
    this.#run = run;
    doing.abort();
  }

  async #step(signal) {
    this.#heard = Date.now();
    this.#isAsked = false;
    const polls = this.#fruitless >= FRUITLESS;
    await this.#session.ask(signal, polls && this.#session.online ? HOLD : 0);
    this.#isAsked = true;
    this.#failures = 0;
    this.#fruitless = (this.#fruitless + 1) % (FRUITLESS + POLLS);
    await (polls ? sleep(1, signal) : this.#listen(signal));
  }

  async #listen(signal) {
    const pieces = await this.#session.send('GET', 'events', {
      signal, patience: 3 * this.#heartbeat});
    for await (const {type, data} of parseEvents(pieces)) {
      this.#heard = Date.now();
      this.#fruitless = 0;
      if (type === 'updates') {
        await this.#session.accept(data, signal);
      } else if (type === 'ask') {
        await this.#session.ask(signal);
        await sleep(Math.random(), signal); // all clients were told at once
      }
    }
    throw new RequestError('the event stream ended');
  }

  async #fail(error, signal) {
    if (!(error instanceof RequestError)) {
      this.#session.emit('error', {error});
    }
    if (isRefusal(error) && !this.#isAsked) {
      this.stop();
      this.#client.refused(error);
    } else {
      await this.#pause(error, signal);
    }
  }

  // The delay is random: else all clients of a restarted server come at once.
  async #pause(error, signal) {
    const limit = Math.min(
      this.#client.isSeen() ? SEEN : LONGEST, 2 ** this.#failures++);
    const delay = (error.retryAfter ?? 0) + Math.random() * limit;
    this.#heard = error.retryAfter ? Infinity : 0; // 0: `look` may end the delay
    // Streams may end; the next question tells whether the server is there.
    if (!this.#isAsked) {
      this.#session.report({error, delay});
    }
    await sleep(delay, signal);
  }
}
