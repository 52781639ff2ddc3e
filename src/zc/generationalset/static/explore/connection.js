/** The connection of a page to its server, and what the page says of it. */

import { Client } from '../gset.js';
import { Access } from './access.js';
import { say } from './elements.js';
import { counted } from './format.js';

const BASE = new URL('./', document.baseURI);
const REFUSALS = [401, 403, 404];

const part = (id) => document.getElementById(id);

/** Needs the elements `state`, `retry`, `forget` and `main`. */
export class Connection {
  access = new Access(BASE);
  client = null;
  isRefused = false; // the form for a token is there
  #page;
  #isStarted = false; // it has shown something

  /**
   * @param {object} page
   *   Has `parts`, those of the client; `listen(client)`, which is called
   *   before the client starts; `path`, where a user may `change` something,
   *   and the word for that; `note(text)`, which hears what users are told.
   */
  constructor(page) {
    this.#page = page;
    part('forget').addEventListener('click', () => this.access.forget());
    part('retry').addEventListener('click', () => this.client.retry());
  }

  /** Follows the server, as long as it lets us in. */
  async run() {
    const { token } = this.access;
    part('forget').hidden = !token;
    try {
      this.client = new Client(BASE.href, { token, parts: this.#page.parts });
      this.client.addEventListener('online', () => this.#greet());
      this.client.addEventListener('offline', ({ detail }) =>
        this.#lose(detail));
      this.#page.listen(this.client);
      await this.client.start();
      this.#isStarted = true;
    } catch (error) {
      this.#refused(error);
    }
  }

  #refused(error) {
    this.isRefused = true;
    this.#tell('offline', 'No access');
    part('retry').hidden = true; // the form is there to try again
    part('main').hidden = true;
    this.access.ask(error);
  }

  async #greet() {
    this.#tell('online', 'Connected');
    const { path, change } = this.#page;
    const mayChange = await this.access.mayWrite(path);
    document.body.classList.toggle('looking', !mayChange);
    if (!mayChange && part('state').dataset.state === 'online') {
      say(part('state'), `Connected: you may look, not ${change}`);
    }
  }

  #lose({ error, delay }) {
    if (!REFUSALS.includes(error.status)) {
      this.#tell('offline', `Offline: ${error.message}; ${
        delay === Infinity ? 'the server refuses to go on'
          : `tries again within ${counted(Math.ceil(delay), 'second')}`}`);
    } else if (this.#isStarted) { // else `start` rejects, and tells
      this.client.close();
      this.#refused(error);
    }
  }

  #tell(state, text) {
    part('state').dataset.state = state;
    part('retry').hidden = state === 'online';
    say(part('state'), text);
    this.#page.note?.(text);
  }
}
