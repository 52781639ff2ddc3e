/** Who you are, for the others: a name and a colour. */

export const COLORS = [
  'ruby', 'amber', 'moss', 'teal', 'azure', 'violet', 'rose', 'slate'];
const ANIMALS = [
  'Badger', 'Beaver', 'Finch', 'Fox', 'Hare', 'Hedgehog', 'Heron', 'Lynx',
  'Marten', 'Otter', 'Owl', 'Robin', 'Seal', 'Stork', 'Swift', 'Wren'];
const KEY = 'board-me';
export const LONGEST = 40;

/**
 * The user of this window.
 *
 * A name that the page made up belongs to the window, so that two windows are
 * two people.  A name that the user chose belongs to the browser.
 */
export class Me {
  #isNew;

  constructor() {
    const known = read('sessionStorage') ?? read('localStorage');
    this.#isNew = !known;
    this.#become(known ?? makeUp(COLORS));
  }

  /** If another user has this colour, and this user is new, takes another. */
  differFrom(colors) {
    const free = COLORS.filter((color) => !colors.includes(color));
    if (this.#isNew && free.length && !free.includes(this.color)) {
      this.#become(makeUp(free));
    }
    this.#isNew = false;
  }

  #become({ name, color }) {
    this.name = name;
    this.color = color;
    this.#store('sessionStorage');
  }

  rename(name) {
    this.name = shorten(name.trim()) || makeUp([this.color]).name;
    this.#store('sessionStorage');
    this.#store('localStorage');
  }

  /** As it is stored in what this user writes. */
  toJSON() {
    return { name: this.name, color: this.color };
  }

  #store(kind) {
    try {
      window[kind].setItem(KEY, JSON.stringify(this));
    } catch {
      // Without storage, the name lasts as long as the window is open.
    }
  }
}

/** Returns the name and colour in an item, whatever it has. */
export function person(value) {
  const { name, color } = value ?? {};
  return {
    name: typeof name === 'string' ? shorten(name) : '',
    color: COLORS.includes(color) ? color : 'slate',
  };
}

/** Cuts a name, but never within a letter of two code units. */
function shorten(name) {
  return name.slice(0, LONGEST).replace(/[\ud800-\udbff]$/, '');
}

function read(kind) {
  try {
    const found = person(JSON.parse(window[kind].getItem(KEY)));
    return found.name ? found : null;
  } catch {
    return null;
  }
}

function makeUp(colors) {
  const color = choice(colors);
  const shown = color[0].toUpperCase() + color.slice(1);
  return { name: `${shown} ${choice(ANIMALS)}`, color };
}

function choice(list) {
  return list[Math.floor(Math.random() * list.length)];
}
