import { element, say, shine } from './elements.js';
import { number, time } from './format.js';
import { idText, keyOf, line, pathText } from './json.js';
import { Rows } from './rows.js';

const CELL = 240; // characters of an item

/**
 * Items in rows: id, item, which answer brought it, and when.  The items are
 * of one set, or were found in all sets.
 */
export class Table {
  #box;
  #rows;
  #paths = [];
  #inSet = null;
  #chosen = null; // a path
  #look;

  /**
   * @param {(path: Array) => {item: *, arrival: Arrival}} look
   *   Returns the item at a path, and the answer that brought it.
   * @param {(path: Array, event: Event) => void} choose
   *   Called when the user chooses an item.
   */
  constructor(box, look, choose) {
    this.#box = box;
    this.#look = look;
    this.#rows = new Rows(
      box, 'row', (row, index) => this.#fill(row, index),
      (index, event) => {
        this.#chosen = this.#pathAt(index);
        choose(this.#chosen, event);
      });
  }

  /** Shows the items of a set that have these ids. */
  showSet(path, ids) {
    this.#show(path, ids);
  }

  /** Shows items of any sets. */
  showFound(paths) {
    this.#show(null, paths);
  }

  /** Makes another item the chosen one; scrolls to it. */
  choose(path) {
    this.#chosen = path;
    const index = this.#indexOf(path);
    this.#rows.show(this.#paths.length, index);
    if (index >= 0) {
      this.#rows.reveal(index);
    }
  }

  /** Lets the rows of items with these keys shine. */
  shine(keys) {
    for (const [index, row] of this.#rows.drawn()) {
      if (keys.has(keyOf(this.#pathAt(index)))) {
        shine(row);
      }
    }
  }

  #show(inSet, paths) {
    const { first } = this.#rows;
    const anchor = first > 0 && first < this.#paths.length
      ? this.#pathAt(first) : null;
    this.#inSet = inSet;
    this.#paths = paths;
    this.#box.ariaRowCount = String(paths.length + 1);
    this.#rows.show(paths.length, this.#indexOf(this.#chosen));
    // A user who has scrolled down still sees the same rows.
    const now = this.#indexOf(anchor);
    if (now >= 0 && now !== first) {
      this.#rows.scroll(now - first);
    }
  }

  #pathAt(index) {
    const found = this.#paths[index];
    return this.#inSet ? [...this.#inSet, found] : found;
  }

  #indexOf(path) {
    if (!path) {
      return -1;
    }
    const id = path.at(-1);
    const key = keyOf(path);
    // The first comparison often saves the second one, which takes longer.
    return this.#paths.findIndex((found, index) => (
      (typeof id === 'object' || id === (this.#inSet ? found : found.at(-1)))
      && keyOf(this.#pathAt(index)) === key));
  }

  #fill(row, index) {
    if (!row.firstChild) {
      row.append(...['id', 'item', 'when'].map((name) => {
        const cell = element('span', name);
        cell.role = 'gridcell';
        return cell;
      }));
      row.firstChild.append(element('span'), element('span', 'where'));
      row.lastChild.append(element('span'), element('time'));
      row.ariaRowIndex = String(index + 2);
    }
    const path = this.#pathAt(index);
    const { item, arrival } = this.#look(path);
    const [id, json, when] = row.children;
    say(id.firstChild, idText(path.at(-1)));
    say(id.lastChild, this.#inSet ? ''
      : ` in ${pathText(path.slice(0, -1))}`);
    say(json, item === undefined ? '' : line(item, CELL));
    // Answers don't say the generation of each item.
    say(when.firstChild, `→ ${number(arrival.generation)}`);
    say(when.lastChild, time(arrival.date));
  }
}
