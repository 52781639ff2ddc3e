import { element, say, shine } from './elements.js';
import { number, time } from './format.js';
import { keyOf, lines, pathText } from './json.js';

const LIMIT = 500_000; // characters

/** One item in full: its JSON, what changed in it, and which answer did. */
export class Item {
  #box;
  #key = null;
  #shown; // the item
  #lines = [];

  /** @param {HTMLElement} box  Has a .path, a .note and a pre. */
  constructor(box) {
    this.#box = box;
  }

  /**
   * Shows an item, or what changed in the item that is shown.
   *
   * @param {Array} path
   * @param {*} item  Undefined if the item is gone.
   * @param {Arrival} arrival
   */
  show(path, item, arrival) {
    const key = keyOf(path);
    if (key !== this.#key) {
      this.#key = key;
      this.#draw(item, []);
    } else if (item !== undefined && item !== this.#shown) {
      this.#draw(item, this.#lines);
      shine(this.#box.querySelector('pre'));
    }
    this.#box.classList.toggle('gone', item === undefined);
    say(this.#box.querySelector('.path'), pathText(path));
    say(this.#box.querySelector('.note'), item === undefined
      ? 'It isn’t there any more.'
      : `It came at ${time(arrival.date)} with the answer from generation `
        + `${number(arrival.since)} to ${number(arrival.generation)}.`);
  }

  /** Shows that no item is chosen. */
  clear() {
    this.#key = null;
    this.#draw(undefined, []);
    this.#box.classList.remove('gone');
    say(this.#box.querySelector('.path'), '');
    say(this.#box.querySelector('.note'),
        'Choose an item to see all of it here.');
  }

  /** Draws an item, and marks the lines that weren't there before. */
  #draw(item, before) {
    const known = new Set(before.map(withoutComma));
    this.#shown = item;
    this.#lines = item === undefined ? [] : lines(item, LIMIT);
    this.#box.querySelector('pre').replaceChildren(...this.#lines.map(
      (line) => element(
        known.size && !known.has(withoutComma(line)) ? 'mark' : 'span', '',
        `${line}\n`)));
  }
}

function withoutComma(line) {
  return line.endsWith(',') ? line.slice(0, -1) : line;
}
