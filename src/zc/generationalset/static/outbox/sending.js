/** Sends the writes of a queue, in order, many in a request. */

import { isRefusal, MaybeWritten, RequestError } from '../gset/exchange.js';
import { sleep } from '../gset/waiting.js';
import { changeOf, mayMakeAgain, maySend, noteSent } from './conditions.js';

const MOST = 500; // writes in a request
const SOON = 1; // seconds until the first other try; then they double ...
const LATE = 60; // ... up to this

export class Sending {
  #client;
  #queue;
  #outbox;
  #isRunning = false;
  #most = MOST;
  #failures = 0;
  #wake = () => {}; // ends a pause

  /**
   * `outbox` has `signal`, which ends this.  Its `made(writes)` or
   * `refused(writes, error)` is called once for each write, with all of its
   * batch, and `failed(error)` if the browser fails.
   */
  constructor(client, queue, outbox) {
    this.#client = client;
    this.#queue = queue;
    this.#outbox = outbox;
  }

  /** Sends until nothing waits. */
  async start() {
    if (this.#isRunning) {
      return;
    }
    this.#isRunning = true;
    await undefined; // more may be written now
    while (this.#next().length) {
      await this.#untilDone(() => this.#turn());
    }
    this.#isRunning = false;
  }

  /** Tries at once, while a failure has it wait. */
  wake() { this.#wake(); }

  get #isEnded() { return this.#outbox.signal.aborted; }

  // Those that were sent before are sent as they were: the server tells of all
  // those of a path together whether it has made them.
  #next() {
    const waiting = this.#isEnded ? [] :
      this.#queue.writes.filter(({isSettled}) => !isSettled);
    const fresh = waiting.findIndex(({sentSince}) => sentSince === undefined);
    const last = Math.min(this.#most, fresh > 0 ? fresh : Infinity) - 1;
    return waiting.filter((write, index) =>
      index <= last || isTogether(write, waiting[last]));
  }

  async #turn() {
    if (!this.#client.online) {
      // A question is harmless, whether it arrives or not.
      await this.#client.sync();
    }
    await this.#queue.turn(() => this.#sendAll());
  }

  async #sendAll() {
    await this.#queue.refresh();
    for (let writes; (writes = this.#next()).length;) {
      await this.#send(writes);
      await this.#queue.refresh();
    }
  }

  async #untilDone(call) {
    for (let isDone = false; !isDone && !this.#isEnded;) {
      isDone = await call().then(() => true, error => this.#pause(error));
    }
  }

  async #send(writes) {
    const fresh = writes.filter(({sentSince}) => sentSince === undefined);
    const changes = writes.map((write, index) =>
      changeOf(write, writes.slice(0, index), this.#client));
    writes.forEach((write, index) =>
      noteSent(write, changes[index], this.#client));
    await this.#queue.note(writes);
    try {
      await this.#batch(changes);
    } catch (error) {
      if (error instanceof RequestError && !(error instanceof MaybeWritten)) {
        await this.#forgetSent(fresh);
      }
      await this.#failed(writes, error);
      return;
    }
    if (!this.#isEnded) {
      this.#failures = 0;
      this.#most = MOST;
      await this.#outbox.made(writes);
    }
  }

  // The server has made none of these, for sure.
  async #forgetSent(writes) {
    writes.forEach(write => { write.sentSince = undefined; });
    await this.#queue.note(writes);
  }

  // Resolves when the client has what was written.
  async #batch(changes) {
    let isBehind = false;
    const note = () => { isBehind = true; };
    this.#client.addEventListener('error', note);
    try {
      await this.#client.batch(changes);
    } finally {
      this.#client.removeEventListener('error', note);
    }
    if (isBehind) {
      await this.#untilDone(() => this.#client.sync());
    }
  }

  async #failed(writes, error) {
    if (this.#isEnded || !isRefusal(error) || error.status === 401) {
      throw error; // a token has ended, or the server is away
    }
    const index = writes.length === 1 ? 0 : error.change;
    const write = writes[index];
    const batch = writes.filter(each => isTogether(each, write ?? writes[0]));
    if (!write && batch.length < writes.length) {
      this.#most = Math.ceil(
        Math.min(this.#most, writes.length) / 2); // until it is known which
    } else if (write && error.status === 412 &&
        await this.#maySendAgain(write, writes.slice(0, index))) {
      await this.#queue.note([write]);
    } else {
      this.#most = MOST;
      await this.#outbox.refused(batch, error);
    }
  }

  async #maySendAgain(write, earlier) {
    await this.#untilDone(() => this.#client.sync());
    return (write.sentSince === undefined ? maySend : mayMakeAgain)(
      write, earlier, this.#client);
  }

  // Waits before another try.
  async #pause(error) {
    if (this.#isEnded) {
      return;
    }
    if (!(error instanceof RequestError)) {
      this.#outbox.failed(error);
    }
    const most = Math.min(LATE, SOON * 2 ** this.#failures);
    this.#failures += 1;
    const ended = new AbortController();
    this.#wake = () => ended.abort();
    await sleep(
      Math.max(error.retryAfter ?? 0, (1 + Math.random()) * most / 2), ended.signal);
  }
}

// Tells whether all or none of two writes are made.
const isTogether = (one, other) => one === other ||
  one.batch !== undefined && one.batch === other?.batch;
