/** The writes that wait, in the memory of a page. */

export class Queue {
  writes = []; // in order; those that are settled leave when they are shown
  isKept = false;

  /**
   * Begins to work for an outbox.
   *
   * A queue that other tabs share calls the outbox's `show(paths)`,
   * `settled(write, outcome)`, `wake()`, `failed(error)` and `close()`.
   */
  join() {}

  add(write) { this.writes.push(write); }

  /** Lets an outbox send, when it is its turn. */
  async turn(send) { await send(); }

  /** Makes `writes` what waits now. */
  async refresh() {}

  /** Remembers that writes are about to be sent. */
  async note() {}

  /** Forgets writes, of which `outcome` says what became. */
  async settle() {}

  /** Has whoever sends try again. */
  wake() {}

  close() {}
}
