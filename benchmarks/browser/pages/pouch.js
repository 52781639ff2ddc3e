// A window that uses PouchDB, in a sync in both directions that is live.

import { measure } from './measure.js';

const REMOTE = `${location.origin}/things`;

class Store {
  #db = new PouchDB('bench');
  #docs = new Map();
  #current;

  async open(changed) {
    const before = await this.#db.info();
    if (before.doc_count === 0) {
      // Nothing else would show a first copy sooner.
      const { searchParams } = new URL(location.href);
      await this.#db.replicate.from(
        REMOTE, { batch_size: Number(searchParams.get('batch') ?? 100) });
    }
    const { update_seq: since } = await this.#db.info();
    const { rows } = await this.#db.allDocs({ include_docs: true });
    rows.forEach(({ id, doc }) => this.#docs.set(id, doc));
    this.#db.changes({ live: true, since, include_docs: true })
      .on('change', ({ id, doc, deleted }) => {
        deleted ? this.#docs.delete(id) : this.#docs.set(id, doc);
        changed(id, deleted ? undefined : doc);
      });
    const sync = this.#db.sync(REMOTE, { live: true, retry: true });
    this.#current = new Promise(resolve => sync.on(
      'paused', error => error || resolve()));
  }

  get size() { return this.#docs.size; }
  async current() { await this.#current; }

  async put(id, item) {
    await this.#write(id, () => this.#db.put(
      { ...item, _id: id, _rev: this.#docs.get(id)?._rev }));
  }

  async remove(id) {
    await this.#write(id, async () => {
      if (this.#docs.has(id)) {
        await this.#db.remove(this.#docs.get(id));
      }
    });
  }

  // Writes on top of what is there, whatever has just arrived.
  async #write(id, write) {
    for (;;) {
      try {
        return await write();
      } catch (error) {
        if (error.status !== 409) {
          throw error;
        }
        await this.#look(id);
      }
    }
  }

  async #look(id) {
    try {
      this.#docs.set(id, await this.#db.get(id));
    } catch (error) {
      if (error.status !== 404) {
        throw error;
      }
      this.#docs.delete(id);
    }
  }

  async state() {
    const { rows } = await this.#db.allDocs(
      { include_docs: true, conflicts: true });
    return Object.fromEntries(rows.map(({ id, doc }) => [id, doc]));
  }
}

measure(new Store());
