/** The explorer: shows what a server has, as it changes. */

import { Access } from './explore/access.js';
import { Arrivals } from './explore/arrivals.js';
import { Census, firstWithItems, isSet, itemIds }
  from './explore/census.js';
import { say } from './explore/elements.js';
import { Finder } from './explore/finder.js';
import { counted, number } from './explore/format.js';
import { Item } from './explore/item.js';
import { keyOf, pathText } from './explore/json.js';
import { Log } from './explore/log.js';
import { Question } from './explore/question.js';
import { find } from './explore/search.js';
import { Table } from './explore/table.js';
import { Tree } from './explore/tree.js';
import { Client } from './gset.js';

const BASE = new URL('./', document.baseURI);
const REST = 10; // times the duration of the last drawing
const LONGEST_REST = 1000; // milliseconds
const REFUSALS = [401, 403, 404];

const part = (id) => document.getElementById(id);

class Explorer {
  #access = new Access(part('access'), BASE);
  #arrivals = new Arrivals();
  #client = null;
  #generation = 0; // of the client, before the answer that arrives
  #census = null;
  #set = null; // path of the chosen set
  #item = null; // path of the chosen item
  #fresh = new Set(); // keys of items that are new since the last drawing
  #found = null;
  #due = false;
  #rest = 0;
  #tree = new Tree(part('tree'), (path) => this.#chooseSet(path));
  #table = new Table(
    part('table'), (path) => this.#look(path),
    (path, event) => this.#chooseItem(path, event));
  #detail = new Item(part('item'));
  #log = new Log(part('log'), part('pause'), (path) => this.#go(path));
  #question = new Question(
    part('question'), part('answer'),
    (path, signal) => this.#access.get(path, signal));
  #finder = new Finder(
    part('find'), (text, signal) => find(this.#client.items, text, signal),
    (text, result) => this.#showFound(text, result));

  constructor() {
    part('forget').addEventListener('click', () => this.#access.forget());
    part('retry').addEventListener('click', () => this.#client.retry());
    this.#detail.clear();
  }

  /** Follows the server, as long as it lets us in. */
  async run() {
    try {
      const { token } = this.#access;
      part('forget').hidden = !token;
      this.#client = new Client(BASE.href, { token });
      this.#listen(this.#client);
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

  #listen(client) {
    const on = (type, react) => client.addEventListener(
      type, ({ detail }) => react(detail));
    on('updates', (detail) => this.#arrive(detail));
    on('online', () => this.#greet());
    on('offline', ({ error, delay }) => this.#lose(error, delay));
    on('error', ({ error }) => this.#log.note(`Error: ${error.message}`));
    on('reset', ({ reason }) => {
      this.#arrivals.clear();
      this.#generation = 0;
      this.#log.note(`Starts over, because of “${reason}”`);
    });
  }

  async #greet() {
    this.#tell('online', 'Connected');
    const mayWrite = await this.#access.mayWrite();
    if (!mayWrite && part('state').dataset.state === 'online') {
      say(part('state'), 'Connected: you may look, not change');
    }
  }

  #lose(error, delay) {
    if (!REFUSALS.includes(error.status)) {
      this.#tell('offline', `Offline: ${error.message}; ${
        delay === Infinity ? 'the server refuses to go on'
          : `tries again within ${counted(Math.ceil(delay), 'second')}`}`);
    } else if (this.#generation) { // else `start` rejects, and tells
      this.#client.close();
      this.#refused(error);
    }
  }

  #tell(state, text) {
    part('state').dataset.state = state;
    part('retry').hidden = state === 'online';
    say(part('state'), text);
    this.#log.note(text);
  }

  #arrive({ changes, generation, size }) {
    const arrival = { since: this.#generation, generation, date: new Date() };
    this.#generation = generation;
    part('main').hidden = false;
    const fresh = this.#arrivals.note(arrival, changes);
    if (!document.hidden) { // else it would grow until the user looks
      fresh.forEach((key) => this.#fresh.add(key));
    }
    this.#log.answer(arrival, changes, size);
    this.#drawSoon();
  }

  /** Draws before the next frame, or later if drawing takes long. */
  #drawSoon() {
    if (!this.#due) {
      this.#due = true;
      setTimeout(() => requestAnimationFrame(() => {
        const started = performance.now();
        this.#due = false;
        this.#draw();
        this.#rest = Math.min(
          LONGEST_REST, REST * (performance.now() - started));
      }), this.#rest);
    }
  }

  #draw() {
    this.#census = new Census(this.#client.items);
    this.#set ??= firstWithItems(this.#census).path;
    if (!isSet(this.#client.items.at(this.#set))) {
      this.#set = [];
    }
    this.#drawFacts();
    this.#tree.show(this.#census, keyOf(this.#set));
    this.#finder.refresh();
    this.#drawTable();
    this.#drawItem();
    this.#table.shine(this.#fresh);
    this.#fresh.clear();
  }

  #drawFacts() {
    const { generation, epoch } = this.#client;
    say(part('generation'), number(generation));
    say(part('epoch'), epoch ?? 'none');
    say(part('items'), number(this.#census.items));
    say(part('sets'), number(this.#census.sets));
    this.#question.propose(epoch);
  }

  #drawTable() {
    if (this.#found) {
      const { text, paths, more } = this.#found;
      say(part('items-title'), `Items with “${text}”`);
      say(part('count'), `${more ? 'More than ' : ''}${
        counted(paths.length, 'item')}`);
      this.#table.showFound(paths);
    } else {
      const ids = itemIds(this.#client.items.at(this.#set));
      say(part('items-title'), `Items of ${pathText(this.#set)}`);
      say(part('count'), counted(ids.length, 'item'));
      this.#table.showSet(this.#set, ids);
    }
  }

  #drawItem() {
    if (this.#item) {
      const { item, arrival } = this.#look(this.#item);
      this.#detail.show(this.#item, item, arrival);
    }
  }

  #look(path) {
    const item = this.#client.items.at(path);
    return {
      item: isSet(item) ? undefined : item,
      arrival: this.#arrivals.of(path),
    };
  }

  #showFound(text, result) {
    this.#found = result && { text, ...result };
    this.#drawTable();
  }

  #chooseSet(path) {
    this.#set = path;
    this.#finder.clear(); // this shows the set
  }

  #chooseItem(path, { type }) {
    this.#item = path;
    this.#drawItem();
    // It may be below the window; who goes on by keys still sees the rows.
    if (type === 'click') this.#reveal('item-panel');
  }

  /** Goes to an item, or to a set. */
  #go(path) {
    const toSet = isSet(this.#client.items.at(path));
    this.#chooseSet(toSet ? path : path.slice(0, -1));
    this.#item = toSet ? this.#item : path;
    this.#draw();
    this.#table.choose(this.#item);
    this.#reveal(toSet ? 'items-panel' : 'item-panel');
  }

  #reveal(panel) {
    part(panel).scrollIntoView({ block: 'nearest' });
  }
}

new Explorer().run();
