/** The explorer: shows what a server has, as it changes. */

import { Arrivals } from './explore/arrivals.js';
import { Census, firstWithItems, isSet, itemIds }
  from './explore/census.js';
import { Connection } from './explore/connection.js';
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

const REST = 10; // times the duration of the last drawing
const LONGEST_REST = 1000; // milliseconds

const part = (id) => document.getElementById(id);

class Explorer {
  #connection = new Connection({
    path: 'items/', change: 'change',
    listen: (client) => this.#listen(client),
    note: (text) => this.#log.note(text) });
  #arrivals = new Arrivals();
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
    (path, signal) => this.#connection.access.get(path, signal));
  #finder = new Finder(
    part('find'), (text, signal) => find(this.#client.items, text, signal),
    (text, result) => this.#showFound(text, result));

  constructor() {
    this.#detail.clear();
    this.#connection.run();
  }

  get #client() { return this.#connection.client; }

  #listen(client) {
    const on = (type, react) => client.addEventListener(
      type, ({ detail }) => react(detail));
    on('updates', (detail) => this.#arrive(detail));
    on('error', ({ error }) => this.#log.note(`Error: ${error.message}`));
    on('reset', ({ reason }) => {
      this.#arrivals.clear();
      this.#generation = 0;
      this.#log.note(`Starts over, because of “${reason}”`);
    });
  }

  #arrive({ changes, generation, size }) {
    const arrival = { since: this.#generation, generation, date: new Date() };
    this.#generation = generation;
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
    // With what is drawn now: if it came later, panels would move.
    part('main').hidden = this.#connection.isRefused;
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

new Explorer();
