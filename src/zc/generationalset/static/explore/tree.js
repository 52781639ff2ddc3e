import { element, say } from './elements.js';
import { number } from './format.js';
import { Rows } from './rows.js';

const MANY = 50; // a set with more subsets is closed at first

/** The sets as a tree, one of which is the chosen one. */
export class Tree {
  #rows;
  #choose;
  #chosen = '[]';
  #top = null;
  #turned = new Set(); // keys of sets that were opened or closed since
  #shown = [];

  /** @param {(path: Array) => void} choose  Called with a choice. */
  constructor(box, choose) {
    this.#choose = choose;
    this.#rows = new Rows(
      box, 'treeitem', (row, index) => this.#fill(row, index),
      (index, event) => this.#pick(index, event));
    box.addEventListener('keydown', (event) => this.#press(event));
  }

  /** Shows all sets of a census; `chosen` is the key of the chosen one. */
  show(census, chosen) {
    this.#top = census.top;
    this.#chosen = chosen;
    this.#draw();
  }

  #draw() {
    this.#shown = [];
    if (this.#top) {
      this.#list(this.#top, 1, 1, 1);
    }
    this.#rows.show(this.#shown.length, this.#shown.findIndex(
      ({ place }) => place.key === this.#chosen));
  }

  #list(place, level, position, siblings) {
    const open = this.#isOpen(place);
    this.#shown.push({ place, level, open, position, siblings });
    if (open) {
      const count = place.places.length;
      place.places.forEach((each, index) => {
        this.#list(each, level + 1, index + 1, count);
      });
    }
  }

  #isOpen({ key, path, places }) {
    const first = places.length <= MANY || path.length === 0;
    return places.length > 0 && first !== this.#turned.has(key);
  }

  #fill(row, index) {
    if (!row.firstChild) {
      row.append(element('span', 'turn'), element('span', 'id'),
                 element('span', 'count'), element('span', 'unseen', 'items'));
      row.firstChild.ariaHidden = 'true';
    }
    const { place, level, open, position, siblings } = this.#shown[index];
    const [turn, id, count] = row.children;
    row.ariaLevel = String(level);
    row.ariaPosInSet = String(position);
    row.ariaSetSize = String(siblings);
    row.ariaExpanded = place.places.length ? String(open) : null;
    row.style.setProperty('--level', level - 1);
    turn.dataset.open = place.places.length ? String(open) : '';
    say(id, place.name);
    say(count, number(place.items));
  }

  #pick(index, event) {
    const { place } = this.#shown[index];
    if (event.target.className === 'turn' && place.places.length) {
      this.#turn(place);
    }
    if (place.key !== this.#chosen) {
      this.#chosen = place.key;
      this.#choose(place.path);
    }
  }

  #turn({ key }) {
    if (!this.#turned.delete(key)) {
      this.#turned.add(key);
    }
    this.#draw();
  }

  #press(event) {
    const row = this.#shown[this.#rows.active];
    const right = event.key === 'ArrowRight';
    if (row && (right || event.key === 'ArrowLeft')) {
      event.preventDefault();
      if (row.place.places.length && row.open !== right) {
        this.#turn(row.place);
      }
    }
  }
}
