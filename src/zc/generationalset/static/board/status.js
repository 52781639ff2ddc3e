/** The bar that shows the connection between this window and the server. */

import { tell } from './story.js';

/**
 * Shows the generation, the connection, and what happened last.
 *
 * element  has .generation, .connection, .unsent, .retry, .story and .answer.
 */
export class Status {
  #timer = 0;
  #wasOnline = false;

  constructor(element, board) {
    this.element = element;
    this.board = board;
    this.client = board.client;
    this.client.addEventListener('online', () => {
      if (this.#wasOnline) this.say('You are back.');
      this.#wasOnline = true;
      this.#show();
    });
    this.client.addEventListener('offline', ({ detail }) => {
      // This event comes with each try that fails.
      if (document.documentElement.dataset.connection === 'online') {
        this.say('You are offline: what you do is sent when you are back.');
      }
      this.#show(detail);
    });
    board.addEventListener('change', ({ detail }) => {
      this.#change(detail);
      this.#showUnsent();
      if (this.client.online) this.#show();
    });
    board.addEventListener('access', () => {
      document.documentElement.dataset.access = board.mayWrite
        ? 'change' : 'look';
    });
    this.#part('retry').addEventListener(
      'click', () => this.client.retry());
    this.#show();
  }

  /** Says something about what the user did. */
  say(words) {
    this.#part('story').textContent = words;
  }

  #part(name) {
    return this.element.querySelector(`.${name}`);
  }

  #change({ changes, size, isNews }) {
    const words = tell(changes, this.board);
    if (words && isNews) this.say(words);
    if (!size) return;
    const count = changes.length === 1 ? '1 change'
      : `${changes.length} changes`;
    this.#part('answer').textContent = `last answer: ${count}, ${
      size.toLocaleString('en')} characters`;
  }

  #show({ delay = 0 } = {}) {
    clearInterval(this.#timer);
    const { online, generation } = this.client;
    const state = online ? 'online' : 'offline';
    document.documentElement.dataset.connection = state;
    this.#part('retry').hidden = online;
    this.#showUnsent();
    this.#part('generation').hidden = !generation;
    this.#part('generation b').textContent = generation;
    if (online) this.#part('connection').textContent = 'live';
    else this.#count(delay);
  }

  /** While the server answers, nothing waits for long. */
  #showUnsent() {
    const { pending } = this.board;
    this.#part('unsent').hidden = this.client.online || !pending;
    this.#part('unsent').textContent = `${pending} not sent yet`;
  }

  #count(delay) {
    if (delay === Infinity) {
      this.#part('connection').textContent = 'offline, refused by the server';
      return;
    }
    const end = performance.now() + delay * 1000;
    const show = () => {
      const left = Math.ceil((end - performance.now()) / 1000);
      this.#part('connection').textContent = left > 0
        ? `offline, trying again in ${left} s` : 'connecting…';
      if (left <= 0) clearInterval(this.#timer);
    };
    this.#timer = setInterval(show, 250);
    show();
  }
}
