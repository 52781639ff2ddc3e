// A window that uses gset.js; with ?outbox, an outbox, too.

import { Client } from './gset.js';
import { measure } from './measure.js';
import { Outbox } from './outbox/outbox.js';

class Store {
  client = new Client('/', { store: 'bench' });

  // What tells of changes, and has what is shown.
  get shown() { return this.client; }

  // Resolves when all that is there can be shown; then calls
  // `changed(id, item)` for each change, without an item if it's gone.
  async open(changed) {
    await this.client.start();
    this.shown.addEventListener('updates', ({ detail }) => {
      for (const { kind, path, item } of detail.changes) {
        changed(path[0], kind === 'removed' ? undefined : item);
      }
    });
  }

  get size() { return this.shown.items.size; }

  // Resolves when the server was asked.
  async current() {
    if (!this.client.online) {
      await new Promise(resolve => this.client.addEventListener(
        'online', resolve, { once: true }));
    }
  }

  async put(id, item) { await this.client.put(id, item); }

  async remove(id) {
    try {
      if (this.client.items.has(id)) {
        await this.client.remove(id);
      }
    } catch (error) {
      if (error.status !== 404) { // the other window was faster
        throw error;
      }
    }
  }

  // What is there, in a form that the server's can be compared with.
  async state() {
    return Object.fromEntries(this.shown.items);
  }
}

// Shows writes at once, whatever others have written, and sends them later.
class Queued extends Store {
  #outbox = new Outbox(this.client);

  get shown() { return this.#outbox; }

  async put(id, item) {
    this.#outbox.put(id, item, { unchangedSince: undefined });
  }

  async remove(id) {
    if (this.#outbox.items.has(id)) {
      this.#outbox.remove(id, { unchangedSince: undefined });
    }
  }
}

measure(location.search === '?outbox' ? new Queued() : new Store());
