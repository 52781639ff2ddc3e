/** Who is here: each window keeps an entry of its own alive. */

import { newId } from './edits.js';
import { person } from './names.js';

/** Milliseconds until a window writes its entry again. */
const BEAT = 20_000;
/** Milliseconds without a change, after which an entry's window is lost. */
const LOST = 60_000;
/** Milliseconds between two looks at the clock. */
const LOOK = 5_000;
/** The key in sessionStorage for the id of this window's entry. */
const KEY = 'board-here';

/**
 * Keeps this window's entry in the set `here`, and removes the entries of
 * windows that are lost.  An entry that was here before this window, and is
 * old, is not shown, because nobody may have been here to remove it.  Nor is
 * an entry that this window itself wrote before it crashed.
 *
 * board  the Board.
 * leave  removes what is at a path, even if the page is closing.
 */
export class Presence {
  id = newId();
  #before = exchange(this.id);
  #beats = 0;
  #beaten = 0;
  #isBusy = false;
  #isLeaving = false;
  #seen = new Map();

  constructor(board, leave) {
    this.board = board;
    this.client = board.client;
    board.addEventListener(
      'change', ({ detail }) => this.look(detail.isNews));
    board.addEventListener('access', () => this.look());
    addEventListener('pagehide', () => {
      this.#isLeaving = true;
      if (board.mayWrite) leave(['here', this.id]);
    });
    addEventListener('pageshow', ({ persisted }) => {
      if (!persisted) return;
      this.#isLeaving = false;
      this.look();
    });
    setInterval(() => this.look(), LOOK);
    this.look();
  }

  async #beat() {
    const { online, generation } = this.client;
    if (this.#isBusy || this.#isLeaving || !online || !generation) return;
    this.#isBusy = true;
    this.#beaten = performance.now();
    this.#beats += 1; // an equal entry would not be a change
    const item = {
      ...person(this.board.me), beat: this.#beats, at: Date.now() };
    try {
      await this.board.write(
        [{ op: 'put', path: ['here', this.id], item }]);
    } catch {
      return; // the next look tries again
    } finally {
      this.#isBusy = false;
    }
    this.look(); // the name may have changed by now
  }

  /** Whether an entry's window is there. */
  isAlive(id) {
    const { at, isAlive } = this.#seen.get(id) ?? {};
    return isAlive && performance.now() - at <= LOST;
  }

  /**
   * Does what is due, such as writing a new name.
   *
   * This is called after each change, too: browsers slow down the timers of
   * windows in the background, but not their events.
   */
  look(isNews = true) {
    const now = performance.now();
    const { people } = this.board;
    this.#see(people, now, isNews);
    if (!this.board.mayWrite) return;
    if (!this.#isWritten || now - this.#beaten > BEAT) this.#beat();
    this.#removeBefore(now);
    for (const { id } of people) {
      if (id !== this.id && now - this.#seen.get(id).tried > LOST) {
        this.#remove(id, now);
      }
    }
  }

  /** Whether this window is here, under its user's name. */
  get #isWritten() {
    const { name, color } = this.board.find('here', this.id) ?? {};
    const { me } = this.board;
    return name === me.name && color === me.color;
  }

  #see(people, now, isNews) {
    const seen = new Map();
    for (const { id, item } of people) {
      const before = this.#seen.get(id);
      const isSame = before && before.beat === item.beat;
      seen.set(id, isSame ? before : {
        beat: item.beat, at: now, tried: now,
        isAlive: Boolean(before) || this.#isRecent(id, item, isNews) });
    }
    this.#seen = seen;
  }

  #isRecent(id, { at }, isNews) {
    if (id === this.#before) return false;
    return Number.isFinite(at) ? Date.now() - at < LOST : isNews;
  }

  #removeBefore(now) {
    const id = this.#before;
    if (!this.#seen.has(id) || !this.client.online) return;
    this.#before = null;
    this.#remove(id, now);
  }

  async #remove(id, now) {
    if (!this.client.online) return;
    this.#seen.get(id).tried = now; // one request, not one at each look
    try {
      await this.board.write([{ op: 'remove', path: ['here', id] }]);
    } catch {
      // Another window has removed it, or it is tried again.
    }
  }
}

/** Remembers the entry of this window; returns the entry before it. */
function exchange(id) {
  try {
    const before = sessionStorage.getItem(KEY);
    sessionStorage.setItem(KEY, id);
    return before;
  } catch {
    return null; // the user doesn't let pages store anything
  }
}
