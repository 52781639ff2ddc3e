/** What a queue keeps in the browser, whenever that is slow or fails. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { forceCloseDatabase, IDBObjectStore } from 'fake-indexeddb';

import { open } from '../../static/gset/database.js';
import { KeptQueue } from '../../static/outbox/kept.js';
import { Records } from '../../static/outbox/records.js';
import { holdTimers } from './browser.js';
import { provideBrowser } from './tab.js';

const NAME = 'things';

/** Returns a queue that has begun, and what it has told its outbox. */
async function begin(test) {
  const queue = new KeptQueue({ database: NAME }, 'ann');
  const told = { settled: [], isClosed: false, heard() {} };
  queue.join({
    show() {},
    wake: () => told.heard(),
    settled(write, outcome) {
      queue.writes.splice(queue.writes.indexOf(write), 1);
      told.settled.push(outcome);
      told.heard();
    },
    failed() {},
    close() {
      told.isClosed = true;
      queue.close();
    },
  });
  test.after(() => queue.close());
  await queue.refresh();
  assert.ok(queue.isKept);
  return { queue, told };
}

/** Sends a message as from another tab; resolves when a queue has heard it. */
async function tell(told, message) {
  const heard = new Promise((resolve) => { told.heard = resolve; });
  const channel = new BroadcastChannel(`${NAME} writes`);
  channel.postMessage(message);
  await heard;
  channel.close();
}

/** Changes what the browser has. */
async function change(work) {
  const database = await open(NAME);
  work(database.transaction('writes', 'readwrite').objectStore('writes'));
  database.close();
}

/** Returns what the browser has. */
async function kept() {
  const records = new Records(NAME, () => {});
  const { writes } = await records.read();
  records.close();
  return writes;
}

const put = (name, item = 1) => ({ op: 'put', path: [name], item });

/** Resolves when the browser is asked to store something. */
const storing = test => new Promise((resolve) => {
  const { add } = IDBObjectStore.prototype;
  test.mock.method(IDBObjectStore.prototype, 'add', function (...record) {
    resolve();
    return add.apply(this, record);
  });
});

/** Adds a write, and resolves while the browser stores it. */
async function adding(test) {
  const { queue } = await begin(test);
  const write = put('a');
  const stored = storing(test);
  queue.add(write);
  await stored;
  return { queue, write };
}

test('a write is sent while it is being stored', async (t) => {
  provideBrowser(t);
  const { queue, write } = await adding(t);
  write.sentSince = 'epoch:1';
  await queue.note([write]);
  assert.deepEqual((await kept()).map(({ sentSince }) => sentSince),
    ['epoch:1']);
});

test('a write is settled while it is being stored', async (t) => {
  provideBrowser(t);
  const { queue, write } = await adding(t);
  await queue.settle([write], { position: {} });
  assert.deepEqual(await kept(), []);
});

test('the user has the browser clear what it has', async (t) => {
  provideBrowser(t);
  const { queue, told } = await begin(t);
  await change(records => records.clear());
  queue.add(put('a'));
  await queue.refresh().catch(() => {});
  assert.deepEqual(told.settled, []);
  assert.ok(told.isClosed);
});

test('the browser loses the database', async (t) => {
  provideBrowser(t);
  let database;
  const { open } = globalThis.indexedDB;
  t.mock.method(globalThis.indexedDB, 'open', (...options) => {
    const request = open.apply(globalThis.indexedDB, options);
    request.addEventListener('success', () => { database = request.result; });
    return request;
  });
  const records = new Records(NAME, () => {});
  t.after(() => records.close());
  await records.enter('ann');
  database.close(); // there is no event
  await assert.rejects(
    records.add('ann', [put('a')]), { name: 'InvalidStateError' });
  await records.add('ann', [put('b')]);
  forceCloseDatabase(database); // now there is one
  await records.add('ann', [put('c')]);
  assert.deepEqual((await kept()).map(({ path }) => path), [['b'], ['c']]);
});

test('all writes are stored, or none', async (t) => {
  provideBrowser(t);
  const records = new Records(NAME, () => {});
  t.after(() => records.close());
  await records.enter('ann');
  await assert.rejects(records.add('ann', [put('a'), put('b', () => {})]),
    { name: 'DataCloneError' });
  assert.deepEqual(await kept(), []);
});

test('what the browser stores too late is not stored', async (t) => {
  provideBrowser(t);
  const records = new Records(NAME, () => {});
  t.after(() => records.close());
  await records.enter('ann');
  const database = await open(NAME);
  let isBusy = true;
  const store =
    database.transaction('writes', 'readwrite').objectStore('writes');
  const hold = () => {
    if (isBusy) {
      store.get('user').onsuccess = hold;
    }
  };
  hold();
  const endTimers = holdTimers(t);
  const asked = storing(t);
  const error = records.add('ann', [put('a')]).catch(error => error);
  await asked;
  endTimers();
  assert.match((await error).message, /within 30 s/);
  isBusy = false;
  database.close();
  assert.deepEqual(await kept(), []);
});

test('all tabs have the writes in one order', async (t) => {
  provideBrowser(t);
  const [{ queue }, { queue: other }] = [await begin(t), await begin(t)];
  queue.add(put('a'));
  other.add(put('b'));
  for (const each of [queue, other]) {
    await each.refresh();
    assert.deepEqual(each.writes.map(({ key }) => key), [1, 2]);
  }
});

const REFUSED = { error: { message: 'no', status: 409 } };

test('what another tab has settled does not come back', async (t) => {
  provideBrowser(t);
  const { queue, told } = await begin(t);
  queue.add(put('a'));
  await queue.refresh();
  await tell(told, { settled: [1], outcome: REFUSED });
  await queue.refresh(); // it isn't deleted yet
  assert.deepEqual(queue.writes, []);
  assert.equal(told.settled.length, 1);
});

test('another tab settles a write whose key is not known yet', async (t) => {
  provideBrowser(t);
  const { queue, told } = await begin(t);
  await tell(told, { settled: [1], outcome: REFUSED, wake: true });
  queue.add(put('a'));
  await kept(); // now it is known
  assert.deepEqual(told.settled.map(({ error }) => error.status), [409]);
});

test('another tab has a second to say what became of a write', async (t) => {
  provideBrowser(t);
  const { queue, told } = await begin(t);
  queue.add(put('a'));
  queue.add(put('b'));
  await queue.refresh();
  await change(records => records.clear());
  await change(records => records.put({ user: 'ann' }, 'user'));
  const endTimers = holdTimers(t);
  const refreshed = queue.refresh();
  await kept(); // it has looked
  assert.deepEqual(told.settled, []);
  await tell(told, { settled: [1], outcome: REFUSED });
  endTimers();
  await refreshed;
  assert.deepEqual(told.settled.map(({ error }) => error?.status),
    [409, undefined]);
});
