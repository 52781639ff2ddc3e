/** What browsers promise, and may forget. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { provide } from './browser.js';
import { setUp, started, types } from './connected.js';
import { until } from './faulty.js';

/** Has the seconds of time limits and ticks be milliseconds. */
function hurry(test) {
  for (const name of ['setTimeout', 'setInterval']) {
    const set = globalThis[name];
    provide(test, name, (task, delay, ...rest) =>
      set(task, delay / 1000, ...rest));
  }
}

const forever = () => new Promise(() => {});

test('a database that is never opened', async (test) => {
  hurry(test);
  let count = 0;
  provide(test, 'indexedDB', {
    open: () => {
      count += 1;
      return {};
    },
  });
  const { client, events } = await started(test, { store: 'things' });
  assert.ok(client.items.has('ann'));
  const { error } = events.find(([type]) => type === 'error')[1];
  assert.match(error.message, /expected an open database within 5 s/);
  await until(() => count > 3); // it tries again
  assert.equal(types(events).filter((type) => type === 'error').length, 1);
});

test('a database that never tells what it has', async (test) => {
  hurry(test);
  const store = { getAll: () => ({}), get: () => ({}) };
  const transaction = () => ({ objectStore: () => store, abort() {} });
  provide(test, 'indexedDB', {
    open: () => {
      const request = { result: { transaction, close() {} } };
      queueMicrotask(() => request.onsuccess());
      return request;
    },
  });
  const { client } = await started(test, { store: 'things' });
  assert.ok(client.items.has('ann'));
});

test('a database that is opened too late is closed', async (test) => {
  hurry(test);
  const requests = [];
  provide(test, 'indexedDB', {
    open: () => {
      requests.push({});
      return requests.at(-1);
    },
  });
  await started(test, { store: 'things' });
  let isClosed = false;
  requests[0].result = {
    close() {
      isClosed = true;
    },
  };
  requests[0].onsuccess();
  await until(() => isClosed);
});

/** Has tabs whose locks do as a test wants. */
function provideTabs(test, request) {
  provide(test, 'navigator', { locks: { request } });
  provide(test, 'BroadcastChannel', class {
    postMessage() {}
    close() {}
  });
  provide(test, 'indexedDB', { open: forever });
}

test('locks that never come', async (test) => {
  hurry(test);
  provideTabs(test, forever);
  const { client } = await started(test, { store: 'things' });
  assert.ok(client.items.has('ann'));
});

test('locks that are not for this page', async (test) => {
  hurry(test);
  provideTabs(test, async () => {
    throw new DOMException('sandboxed', 'SecurityError');
  });
  const { client, events } = await started(test, { store: 'things' });
  assert.ok(client.items.has('ann'));
  assert.ok(events.some(([type, detail]) =>
    type === 'error' && detail.error.name === 'SecurityError'));
});

test('channels that are not for this page', async (test) => {
  hurry(test);
  provideTabs(test, forever);
  provide(test, 'BroadcastChannel', class {
    constructor() {
      throw new DOMException('sandboxed', 'SecurityError');
    }
  });
  const { client } = await started(test, { store: 'things' });
  assert.ok(client.items.has('ann'));
});

test('a fetch that never comes, nor heeds its signal', async (test) => {
  hurry(test);
  const { fetch } = globalThis;
  const { client, events } = await setUp(test);
  let left = 2;
  provide(test, 'fetch', (...request) =>
    left-- > 0 ? forever() : fetch(...request));
  await client.start();
  assert.ok(types(events).filter((type) => type === 'offline').length >= 2);
});

test('a body that stalls', async (test) => {
  hurry(test);
  const { fetch } = globalThis;
  const { client } = await setUp(test);
  let left = 2;
  provide(test, 'fetch', async (...request) =>
    left-- > 0 ? new Response(new ReadableStream({ pull: forever })) :
      fetch(...request));
  await client.start();
  assert.ok(client.items.has('ann'));
});
