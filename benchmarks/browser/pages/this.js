// A window that uses gset.js.

import { Client } from './gset.js';
import { measure } from './measure.js';

class Store {
  #client = new Client('/', { store: 'bench' });

  // Resolves when all that is there can be shown; then calls
  // `changed(id, item)` for each change, without an item if it's gone.
  async open(changed) {
    await this.#client.start();
    this.#client.addEventListener('updates', ({ detail }) => {
      for (const { kind, path, item } of detail.changes) {
        changed(path[0], kind === 'removed' ? undefined : item);
      }
    });
  }

  get size() { return this.#client.items.size; }

  // Resolves when the server was asked.
  async current() {
    if (!this.#client.online) {
      await new Promise(resolve => this.#client.addEventListener(
        'online', resolve, { once: true }));
    }
  }

  async put(id, item) { await this.#client.put(id, item); }

  async remove(id) {
    try {
      if (this.#client.items.has(id)) {
        await this.#client.remove(id);
      }
    } catch (error) {
      if (error.status !== 404) { // the other window was faster
        throw error;
      }
    }
  }

  // What is there, in a form that the server's can be compared with.
  async state() {
    return Object.fromEntries(this.#client.items);
  }
}

measure(new Store());
