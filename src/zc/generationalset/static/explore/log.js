import { isSet } from './census.js';
import { element, say } from './elements.js';
import { number, roughly, time } from './format.js';
import { line, pathText } from './json.js';

const ENTRIES = 500;
const CHANGES = 200; // most changes that an entry shows
const CELL = 160; // characters of an item
const SIGNS = { added: '+', changed: '~', removed: '−' };

/** The latest answers, the newest first; a limited number. */
export class Log {
  #list;
  #button;
  #choose;
  #waiting = []; // entries that came while paused, the newest last
  #paused = false;

  /** @param {(path: Array) => void} choose  Called with a choice. */
  constructor(list, button, choose) {
    this.#list = list;
    this.#button = button;
    this.#choose = choose;
    button.addEventListener('click', () => this.#pause(!this.#paused));
  }

  /**
   * Adds an answer that arrived.
   *
   * @param {Arrival} arrival
   * @param {{kind: string, path: Array, item: *}[]} changes
   * @param {number} size  How many characters its JSON has.
   */
  answer(arrival, changes, size) {
    const counts = { added: 0, changed: 0, removed: 0 };
    for (const { kind } of changes) {
      counts[kind] += 1;
    }
    this.#add({
      date: arrival.date, arrival, counts, size,
      changes: changes.slice(0, CHANGES), count: changes.length,
    });
  }

  /** Adds a sentence, such as about the connection. */
  note(text) {
    this.#add({ date: new Date(), text });
  }

  #add(entry) {
    if (this.#paused) {
      this.#waiting.push(entry);
      if (this.#waiting.length > ENTRIES) {
        this.#waiting.shift();
      }
      this.#tell();
    } else {
      this.#draw([entry]);
    }
  }

  #pause(paused) {
    this.#paused = paused;
    this.#draw(this.#waiting);
    this.#waiting = [];
    this.#button.ariaPressed = String(paused);
    this.#tell();
  }

  #tell() {
    const count = this.#waiting.length;
    say(this.#button, count ? `Paused, ${number(count)} new` : 'Pause');
  }

  #draw(entries) {
    for (const entry of entries) {
      this.#list.prepend(entry.text ? noteLine(entry) : this.#line(entry));
    }
    while (this.#list.childElementCount > ENTRIES) {
      this.#list.lastElementChild.remove();
    }
  }

  #line(entry) {
    const { arrival, counts, size } = entry;
    const details = element('details');
    details.append(element(
      'summary', '',
      element('time', '', time(entry.date)),
      element('span', 'step', `${number(arrival.since)} → `
        + number(arrival.generation)),
      element('span', 'size', size ? `${number(size)} chars` : ''),
      ...Object.entries(SIGNS).map(([kind, sign]) => signed(
        counts[kind] ? kind : 'none', sign + roughly(counts[kind]),
        `${number(counts[kind])} ${kind}`)),
      element('span', 'what', summaryOf(entry))));
    details.addEventListener('toggle', () => {
      if (details.open && details.childElementCount === 1) {
        details.append(this.#changes(entry));
      }
    });
    return element('li', '', details);
  }

  #changes({ changes, count }) {
    const list = element('ul', 'changes');
    for (const { kind, path, item } of changes) {
      const button = element(
        'button', '', signed(kind, SIGNS[kind], kind), ' ', pathText(path), ' ',
        element('span', 'json', isSet(item) ? 'a set' : line(item, CELL)));
      button.type = 'button';
      button.addEventListener('click', () => this.#choose(path));
      list.append(element('li', '', button));
    }
    if (count > changes.length) {
      list.append(element(
        'li', 'more', `and ${number(count - changes.length)} more`));
    }
    return list;
  }
}

function summaryOf({ changes: [first], count }) {
  if (!first) {
    return 'nothing changed';
  }
  return pathText(first.path) + (count > 1 ? ', …' : '');
}

/** Returns a sign that screen readers read out in words. */
function signed(className, text, words) {
  const node = element('span', className, text);
  node.role = 'img';
  node.ariaLabel = words;
  return node;
}

function noteLine({ date, text }) {
  return element(
    'li', 'said', element('time', '', time(date)), element('span', '', text));
}
