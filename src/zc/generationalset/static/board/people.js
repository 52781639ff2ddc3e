/** The people on the page: you, with a name you can change, and the others. */

import { arrange, clone } from './elements.js';
import { person } from './names.js';

/** How many people are shown; of the rest, only the number is. */
const SHOWN = 4;

/**
 * Shows who is here.
 *
 * element  has a list, ul, and the field for your own name.
 */
export class People {
  #views = new Map();

  constructor(element, board, presence) {
    this.board = board;
    this.presence = presence;
    this.list = element.querySelector('ul');
    this.more = element.querySelector('.more');
    this.me = element.querySelector('.me');
    this.field = element.querySelector('input');
    this.field.addEventListener('change', () => this.#rename());
    this.field.addEventListener('keydown', ({ key }) => {
      if (key === 'Escape') this.field.value = board.me.name;
      if (key === 'Escape' || key === 'Enter') this.field.blur();
    });
    board.addEventListener('change', () => this.render());
    this.render();
  }

  render() {
    this.#showMe();
    const others = this.board.people
      .filter(({ id }) => (
        id !== this.presence.id && this.presence.isAlive(id)));
    const shown = new Map();
    for (const { id, item } of others.slice(0, SHOWN)) {
      const view = this.#views.get(id) ?? clone('person');
      const { name, color } = person(item);
      view.dataset.color = color;
      view.title = name;
      view.querySelector('.initials').textContent = initials(name);
      view.querySelector('.name').textContent = name;
      shown.set(id, view);
    }
    this.#views = shown;
    arrange(this.list, [...shown.values()]);
    this.more.textContent = others.length > SHOWN
      ? `+${others.length - SHOWN}` : '';
  }

  #rename() {
    this.board.me.rename(this.field.value);
    this.#showMe();
    this.presence.look();
  }

  #showMe() {
    const { name, color } = this.board.me;
    this.me.dataset.color = color;
    this.me.querySelector('.initials').textContent = initials(name);
    if (document.activeElement !== this.field) this.field.value = name;
  }
}

function initials(name) {
  const words = name.split(/\s+/).filter(Boolean);
  return words.slice(0, 2).map((word) => [...word][0].toUpperCase()).join('');
}
