/** Who is here: each window has an entry, and keeps it alive. */

import { newId } from './data.js';
import { person } from './names.js';

/** Milliseconds until a window writes its entry again. */
const BEAT = 20_000;
/** Milliseconds after which an entry that didn't change is a lost window's. */
const LOST = 60_000;
/** Milliseconds between two looks at the clock. */
const LOOK = 5_000;

/**
 * Keeps this window's entry in the set `here`, and removes those of windows
 * that have gone without a word.
 *
 * board  the Board.
 * leave  removes what is at a path, even if the page is closing.
 */
export class Presence {
  id = newId();
  #beats = 0;
  #beaten = 0;
  #isBusy = false;
  #isLeaving = false;
  #seen = new Map();

  constructor(board, leave) {
    this.board = board;
    this.client = board.client;
    board.addEventListener('change', () => this.look());
    board.client.addEventListener('online', () => this.look());
    addEventListener('pagehide', () => {
      this.#isLeaving = true;
      leave(['here', this.id]);
    });
    addEventListener('pageshow', ({ persisted }) => {
      if (!persisted) return;
      this.#isLeaving = false;
      this.look();
    });
    setInterval(() => this.look(), LOOK);
    this.look();
  }

  /** Writes this window's entry, such as after another name was chosen. */
  async beat() {
    if (this.#isBusy || this.#isLeaving || !this.client.online) return;
    this.#isBusy = true;
    this.#beaten = performance.now();
    this.#beats += 1; // an entry that is equal would not be a change
    const item = { ...person(this.board.me), beat: this.#beats };
    try {
      await this.board.write(
        [{ op: 'put', path: ['here', this.id], item }]);
    } catch {
      // The next look tries again.
    } finally {
      this.#isBusy = false;
    }
  }

  /**
   * Does what is due.
   *
   * After each change, too: browsers let the clocks of windows in the
   * background run slowly, but not what they are told.
   */
  look() {
    const now = performance.now();
    const { people } = this.board;
    this.#see(people, now);
    const isHere = people.some(({ id }) => id === this.id);
    if (!isHere || now - this.#beaten > BEAT) this.beat();
    for (const { id } of people) {
      if (id !== this.id && now - this.#seen.get(id).at > LOST) {
        this.#remove(id, now);
      }
    }
  }

  #see(people, now) {
    const seen = new Map();
    for (const { id, item } of people) {
      const before = this.#seen.get(id);
      const isSame = before && before.beat === item.beat;
      seen.set(id, { beat: item.beat, at: isSame ? before.at : now });
    }
    this.#seen = seen;
  }

  async #remove(id, now) {
    if (!this.client.online) return;
    this.#seen.get(id).at = now; // one request, not one with each look
    try {
      await this.board.write([{ op: 'remove', path: ['here', id] }]);
    } catch {
      // Somebody else has, or it is tried again.
    }
  }
}
