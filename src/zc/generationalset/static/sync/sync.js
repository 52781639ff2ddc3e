/** The page of a hub: what was done, and what waits for a decision. */

import { Access } from '../explore/access.js';
import { element, say } from '../explore/elements.js';
import { Client } from '../gset.js';
import { conflict } from './conflict.js';
import { held } from './held.js';
import { List } from './list.js';
import { run } from './run.js';

const BASE = new URL('./', document.baseURI);
const REFUSALS = [401, 403, 404];
const RUNS = 50; // that are shown

const part = (id) => document.getElementById(id);

class Page {
  #access = new Access(part('access'), BASE);
  #client = null;
  #isReady = false;
  #conflicts = new List(part('conflicts'), (id, item) => conflict(
    id, item, (decision) => this.#access.post('decisions', decision)));
  #held = new List(part('held'), (id, item) => held(
    id, item, (decision) => this.#access.post('decisions', decision)));
  #runs = new List(part('runs'), (id, item) => run(item));

  constructor() {
    part('forget').addEventListener('click', () => this.#access.forget());
    part('retry').addEventListener('click', () => this.#client.retry());
    part('ask').addEventListener('click', () => this.#plan());
  }

  /** Follows the server, as long as it lets us in. */
  async run() {
    const { token } = this.#access;
    part('forget').hidden = !token;
    this.#client = new Client(BASE.href, {
      token, parts: ['conflicts', 'held', 'stores', 'runs'] });
    this.#client.addEventListener('updates', () => this.#draw());
    this.#client.addEventListener('online', () => this.#greet());
    this.#client.addEventListener(
      'offline', ({ detail: { error } }) => this.#lose(error));
    try {
      await this.#client.start();
    } catch (error) {
      this.#refused(error);
    }
  }

  #refused(error) {
    this.#tell('offline', 'No access');
    part('retry').hidden = true; // the form is there to try again
    part('main').hidden = true;
    this.#access.ask(error);
  }

  async #greet() {
    this.#tell('online', 'Connected');
    const mayDecide = await this.#access.mayWrite('decisions');
    document.body.classList.toggle('looking', !mayDecide);
    if (!mayDecide && part('state').dataset.state === 'online') {
      say(part('state'), 'Connected: you may look, not decide');
    }
  }

  #lose(error) {
    if (REFUSALS.includes(error.status)) {
      this.#client.close();
      this.#refused(error);
    } else {
      this.#tell('offline', `Offline: ${error.message}`);
    }
  }

  #tell(state, text) {
    part('state').dataset.state = state;
    part('retry').hidden = state === 'online';
    say(part('state'), text);
  }

  #draw() {
    part('main').hidden = false;
    const [conflicts, heldItems, runs, stores] = [
      'conflicts', 'held', 'runs', 'stores',
    ].map((name) => [...this.#client.items.at([name]) ?? []]);
    const settled = [...this.#conflicts.show(conflicts),
                     ...this.#held.show(heldItems)];
    runs.sort(([one], [other]) => other - one);
    this.#runs.show(runs.slice(0, RUNS));
    part('stores').replaceChildren(
      ...stores.map(([id]) => element('li', '', id)));
    document.title = conflicts.length + heldItems.length
      ? `(${conflicts.length + heldItems.length}) Stores kept equal`
      : 'Stores kept equal';
    if (settled.length && this.#isReady) {
      say(part('said'), `Settled: ${settled.join(', ')}`);
    }
    this.#isReady = true;
  }

  async #plan() {
    say(part('answer'), 'Reading the stores');
    part('plan').replaceChildren();
    try {
      const plan = await (await this.#access.post('plan')).json();
      const lines = [
        ...plan.steps, ...plan.problems.map((text) => `problem: ${text}`),
        ...Object.entries(plan.unavailable).map(
          ([store, reason]) => `unavailable: ${store}: ${reason}`)];
      say(part('answer'), plan.count === 1 ? '1 step'
        : `${plan.count} steps`);
      part('plan').replaceChildren(
        ...lines.map((line) => element('li', '', line)));
    } catch (error) {
      say(part('answer'), `That was refused: ${error.message}`);
    }
  }
}

new Page().run();
