import { element } from './elements.js';

const SPARE = 6; // rows beyond each end of the visible part

/**
 * A list of rows that can be very long: only visible rows are in the document.
 *
 * The box scrolls and has the focus; its ARIA attributes name the active row.
 */
export class Rows {
  #box;
  #body;
  #role;
  #fill;
  #choose;
  #drawn = new Map(); // index -> element
  #height = 0;
  #count = 0;
  #active = -1;

  /**
   * @param {HTMLElement} box  The element that scrolls, with an id.
   * @param {string} role  The role of each row: 'row', 'treeitem'.
   * @param {(row: HTMLElement, index: number) => void} fill
   *   Fills a row, which is empty or was filled before.
   * @param {(index: number, event: Event) => void} choose
   *   Called when the user makes a row the active one.
   */
  constructor(box, role, fill, choose) {
    this.#box = box;
    this.#role = role;
    this.#fill = fill;
    this.#choose = choose;
    this.#body = box.appendChild(element('div', 'rows'));
    this.#body.role = role === 'row' ? 'rowgroup' : 'presentation';
    box.addEventListener('scroll', () => this.draw(), { passive: true });
    box.addEventListener('keydown', (event) => this.#press(event));
    box.addEventListener('click', (event) => this.#click(event));
    new ResizeObserver(() => this.#measure()).observe(box);
  }

  get active() {
    return this.#active;
  }

  /** Shows `count` rows; `active` is the index of the active one, or -1. */
  show(count, active) {
    this.#count = count;
    this.#active = active;
    if (this.#height) {
      this.draw();
    } else { // the first frame has the rows, so that nothing moves later
      this.#measure();
    }
  }

  /** The index of the first visible row. */
  get first() {
    return this.#height ? Math.floor(this.#box.scrollTop / this.#height) : 0;
  }

  /** Scrolls by `count` rows. */
  scroll(count) {
    this.#box.scrollTop += count * this.#height;
    this.draw();
  }

  /** Scrolls as far as needed to see a row. */
  reveal(index) {
    const head = this.#body.offsetTop;
    const top = index * this.#height;
    const room = this.#box.clientHeight - head;
    if (top < this.#box.scrollTop) {
      this.#box.scrollTop = top;
    } else if (top + this.#height > this.#box.scrollTop + room) {
      this.#box.scrollTop = top + this.#height - room;
    }
    this.draw();
  }

  /** Returns the rows that are in the document, with their indexes. */
  drawn() {
    return this.#drawn.entries();
  }

  #measure() {
    const probe = this.#body.appendChild(element('div', 'row'));
    const { height } = probe.getBoundingClientRect();
    probe.remove();
    if (height !== this.#height) {
      this.#height = height;
      this.#clear();
    }
    this.draw();
  }

  #clear() {
    for (const row of this.#drawn.values()) {
      row.remove();
    }
    this.#drawn.clear();
  }

  /** Puts the visible rows into the document. */
  draw() {
    if (!this.#height) {
      return; // hidden, or not yet measured
    }
    this.#body.style.height = `${this.#count * this.#height}px`;
    const { scrollTop, clientHeight } = this.#box;
    const first = Math.max(0, Math.floor(scrollTop / this.#height) - SPARE);
    const end = Math.min(this.#count, SPARE + Math.ceil(
      (scrollTop + clientHeight) / this.#height));
    for (const [index, row] of this.#drawn) {
      if (index < first || index >= end) {
        row.remove();
        this.#drawn.delete(index);
      }
    }
    for (let index = first; index < end; index += 1) {
      this.#drawRow(index);
    }
    const active = this.#drawn.get(this.#active);
    if (active) {
      this.#box.setAttribute('aria-activedescendant', active.id);
    } else {
      this.#box.removeAttribute('aria-activedescendant');
    }
  }

  #drawRow(index) {
    let row = this.#drawn.get(index);
    if (!row) {
      row = element('div', 'row');
      row.role = this.#role;
      row.id = `${this.#box.id}-${index}`;
      row.style.top = `${index * this.#height}px`;
      this.#drawn.set(index, row);
      this.#insert(row, index);
    }
    row.ariaSelected = String(index === this.#active);
    this.#fill(row, index);
  }

  #insert(row, index) {
    // Rows are in their order in the document, for screen readers.
    const next = this.#drawn.get(index + 1);
    this.#body.insertBefore(row, next ?? null);
  }

  #press(event) {
    const page = Math.max(1, Math.floor(
      this.#box.clientHeight / this.#height) - 2);
    const moves = {
      ArrowDown: this.#active + 1, ArrowUp: this.#active - 1,
      PageDown: this.#active + page, PageUp: this.#active - page,
      Home: 0, End: this.#count - 1,
    };
    if (event.key in moves && !event.altKey && !event.metaKey) {
      event.preventDefault();
      this.#activate(moves[event.key], event);
    }
  }

  #click(event) {
    const row = event.target.closest('.row');
    if (row && this.#body.contains(row)) {
      this.#activate(Number(row.id.slice(this.#box.id.length + 1)), event);
    }
  }

  #activate(index, event) {
    if (this.#count) {
      this.#active = Math.min(Math.max(index, 0), this.#count - 1);
      this.reveal(this.#active);
      this.#choose(this.#active, event);
    }
  }
}
