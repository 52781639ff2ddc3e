/** The page of a hub: what was done, and what waits for a decision. */

import { Connection } from '../explore/connection.js';
import { element, say } from '../explore/elements.js';
import { conflict } from './conflict.js';
import { held } from './held.js';
import { List } from './list.js';
import { run } from './run.js';

const RUNS = 50; // that are shown

const part = (id) => document.getElementById(id);

class Page {
  #connection = new Connection({
    path: 'decisions', change: 'decide',
    parts: ['conflicts', 'held', 'stores', 'runs'],
    listen: (client) => client.addEventListener(
      'updates', () => this.#draw(client.items)) });
  #isReady = false;
  #conflicts = new List(part('conflicts'), (id, item) => conflict(
    id, item, (decision) => this.#post('decisions', decision)));
  #held = new List(part('held'), (id, item) => held(
    id, item, (decision) => this.#post('decisions', decision)));
  #runs = new List(part('runs'), (id, item) => run(item));

  constructor() {
    part('ask').addEventListener('click', () => this.#plan());
    this.#connection.run();
  }

  #post(...request) { return this.#connection.access.post(...request); }

  #draw(items) {
    part('main').hidden = false;
    const [conflicts, heldItems, runs, stores] = [
      'conflicts', 'held', 'runs', 'stores',
    ].map((name) => [...items.at([name]) ?? []]);
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
      const plan = await (await this.#post('plan')).json();
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

new Page();
