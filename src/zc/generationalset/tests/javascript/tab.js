/** Tabs of one browser, with a database, channels and locks of a test. */

import { IDBFactory } from 'fake-indexeddb';

import { Client } from '../../static/gset.js';
import { KeptQueue } from '../../static/outbox/kept.js';
import { Outbox } from '../../static/outbox/outbox.js';
import { provide } from './browser.js';
import { until } from './faulty.js';
import { Losing } from './losing.js';

/** Web Locks, of which a test needs only exclusive ones. */
class Locks {
  #last = new Map(); // name -> when the last one that asked has ended

  request(name, { signal }, work) {
    const before = this.#last.get(name);
    const done = (async () => {
      await before;
      signal.throwIfAborted();
      return work();
    })();
    this.#last.set(name, done.catch(() => {}));
    return done;
  }
}

/** Lets a test have browsers. */
export function provideBrowser(test) {
  provide(test, 'indexedDB', new IDBFactory());
  provide(test, 'navigator', { locks: new Locks() });
}

export class Tab {
  refused = [];
  errors = [];

  static async open(test, server, { user = 'ann', isAway = false } = {}) {
    const tab = new Tab();
    tab.proxy = await Losing.start(test, server.url);
    tab.client = new Client(tab.proxy.url);
    test.after(() => tab.kill());
    await tab.client.start();
    if (isAway) {
      tab.proxy.leave();
      await until(() => !tab.client.online);
    }
    tab.outbox = new Outbox(
      tab.client, new KeptQueue({ database: 'things' }, user));
    tab.outbox.addEventListener(
      'refused', ({ detail }) => tab.refused.push(detail));
    tab.outbox.addEventListener(
      'error', ({ detail: { error } }) => tab.errors.push(error.message));
    return tab;
  }

  /** Ends everything at once: it hears no response to what it has sent. */
  kill() {
    this.proxy.leave();
    this.client.close();
    this.outbox?.close();
  }

  /** Makes a write whose end isn't awaited. */
  write(op, ...rest) {
    const done = this.outbox[op](...rest);
    done.catch(() => {});
    return done;
  }
}
