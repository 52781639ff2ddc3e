/** Writes that survive the page. */

import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';

import { Client, Items } from '../../static/gset.js';
import { KeptQueue } from '../../static/outbox/kept.js';
import { Outbox } from '../../static/outbox/outbox.js';
import { provide } from './browser.js';
import { randomOf, until } from './faulty.js';
import { options, Server } from './real.js';
import { provideBrowser, Tab } from './tab.js';
import { entries, sorted } from './vectors.js';

// Times before another try are random; here they are short, too.
const { random } = Math;
Math.random = () => random() / 100 - 0.99;

let server;
let other; // somebody else
const ends = [];
before(async () => {
  if (!options.skip) {
    server = await Server.start({ after: end => ends.push(end) });
    other = new Client(server.url);
    await other.start();
  }
}, { timeout: 90_000 });
after(async () => {
  other?.close();
  await Promise.all(ends.map(end => end()));
});

/** Waits until the other one has an item. */
const has = (path, item) => until(() => {
  try {
    assert.deepEqual(other.items.at(path), item);
    return true;
  } catch {
    return false;
  }
}, 60);

const idle = (...tabs) => until(
  () => tabs.every(({ outbox }) => outbox.waiting === 0), 60);

const all = client => sorted(entries(Items, client.items));

/** Has a tab be killed when the server has made its next write. */
function killAfterCommit(tab) {
  tab.proxy.fault = () => {
    tab.proxy.fault = () => 'cut'; // the client sends it twice
    return 'lost';
  };
  const { writes } = tab.proxy;
  return until(() => writes.length > 1, 60).then(() => tab.kill());
}

test('what was written survives the page', options, async (t) => {
  provideBrowser(t);
  const first = await Tab.open(t, server, { isAway: true });
  assert.ok(first.outbox.isKept);
  first.write('makeSet', 's');
  first.write('put', ['s', 'x'], 1);
  first.write('put', ['s', 'x'], 2);
  first.write('patch', ['s', 'y'], { a: 1 });
  first.write('remove', 'gone');
  const second = await Tab.open(t, server, { isAway: true });
  await until(() => second.outbox.waiting === 5, 60);
  assert.equal(second.outbox.items.at(['s', 'x']), 2);
  first.kill();
  second.kill();
  const third = await Tab.open(t, server);
  await until(() => third.refused.length === 1, 60);
  assert.equal(third.refused[0].error.status, 404); // there is nothing to patch
  await idle(third);
  await has(['s', 'x'], 2);
  assert.deepEqual(all(third.outbox), all(other));
});

test('what was written just before the end is kept', options, async (t) => {
  provideBrowser(t);
  const first = await Tab.open(t, server, { isAway: true });
  const late = first.write('put', 'late', 1);
  first.outbox.close();
  await assert.rejects(late, /closed/);
  await Tab.open(t, server);
  await has('late', 1);
});

test('another tab sends, and all hear of it', options, async (t) => {
  provideBrowser(t);
  const away = await Tab.open(t, server, { isAway: true });
  const there = await Tab.open(t, server);
  const made = away.write('put', 'a', 'made');
  const refused = away.write('put', ['no', 'set'], 1);
  await has('a', 'made');
  await assert.rejects(refused, { status: 404, name: 'RequestError' });
  await until(() => there.refused.length && there.outbox.waiting === 0, 60);
  // It shows the write until it can see what the server has.
  assert.equal(away.outbox.items.get('a'), 'made');
  assert.equal(away.outbox.waiting, 1);
  away.proxy.isAway = false;
  away.outbox.retry();
  await made;
  assert.equal(away.client.items.get('a'), 'made');
  assert.deepEqual([away, there].map(({ refused }) => refused.map(
    ({ isOwn }) => isOwn)), [[true], [false]]);
  assert.equal(there.proxy.writes.flat().length, 3); // one of them twice
});

test('a tab is killed before it hears the response', options, async (t) => {
  provideBrowser(t);
  await other.put('doc', { a: 0, b: 0 });
  const first = await Tab.open(t, server);
  const killed = killAfterCommit(first);
  first.write('patch', 'doc', { a: 1 });
  first.write('put', 'new', 1);
  first.write('put', 'new', 2);
  first.write('put', 'theirs', 1);
  await killed;
  await has('theirs', 1);
  await other.put('theirs', 2);
  await other.patch('doc', { a: 2 });
  await other.patch('new', 'again');
  await other.put('new', 2);
  const second = await Tab.open(t, server);
  await until(() => second.refused.length === 2, 60);
  await idle(second);
  assert.deepEqual(
    second.refused.map(({ path, error }) => [path, error.status, error.item]),
    [[['doc'], 412, { a: 2, b: 0 }], [['theirs'], 412, 2]]);
  assert.deepEqual(other.items.get('doc'), { a: 2, b: 0 });
  assert.equal(other.items.get('new'), 2);
});

test('a tab knows what another one had sent', options, async (t) => {
  provideBrowser(t);
  const first = await Tab.open(t, server, { isAway: true });
  const second = await Tab.open(t, server, { isAway: true });
  first.write('put', 'once', 1);
  await until(() => second.outbox.waiting === 1, 60);
  const killed = killAfterCommit(first);
  first.proxy.isAway = false;
  first.outbox.retry();
  await killed;
  await has('once', 1);
  await other.remove('once'); // there is what the user saw
  second.proxy.isAway = false;
  second.outbox.retry();
  await idle(second);
  assert.deepEqual(second.refused.map(({ error }) => error.status), [412]);
  await other.sync();
  assert.equal(other.items.get('once'), undefined);
});

test('a newer move stays when a tab was killed', options, async (t) => {
  provideBrowser(t);
  await other.put('moved', { at: 1 });
  const first = await Tab.open(t, server);
  const killed = killAfterCommit(first);
  first.write('patch', 'moved', { at: 2 }, { over: ['at'] });
  await killed;
  await has('moved', { at: 2 });
  await other.patch('moved', { at: 3 });
  const second = await Tab.open(t, server);
  await until(() => second.refused.length === 1, 60);
  await idle(second);
  assert.equal(second.refused[0].error.status, 412);
  await other.sync();
  assert.deepEqual(other.items.get('moved'), { at: 3 });
});

test('what was sent before is sent by itself', options, async (t) => {
  provideBrowser(t);
  const first = await Tab.open(t, server);
  const killed = killAfterCommit(first);
  first.write('put', 'twice', 1);
  await killed;
  const second = await Tab.open(t, server, { isAway: true });
  await until(() => second.outbox.waiting === 1, 60);
  second.write('put', 'twice', 2);
  second.proxy.isAway = false;
  second.outbox.retry();
  await has('twice', 2);
  await idle(second);
  assert.deepEqual(second.refused, []);
});

test('a patch that was not made is sent again', options, async (t) => {
  provideBrowser(t);
  await other.put('doc', { a: 0, b: { c: 0 } });
  const first = await Tab.open(t, server);
  first.proxy.fault = () => 'cut';
  first.write('patch', 'doc', { b: { c: 1 } });
  await until(() => first.proxy.writes.length, 60);
  first.kill();
  await other.patch('doc', { a: 1, b: { d: 1 } });
  const second = await Tab.open(t, server);
  await has('doc', { a: 1, b: { c: 1, d: 1 } });
  await idle(second);
  assert.deepEqual(second.refused, []);
});

test('a batch survives the page as a whole', options, async (t) => {
  provideBrowser(t);
  await other.put('doc', { n: 0, by: 'ann' });
  await other.put('theirs', 1);
  const first = await Tab.open(t, server, { isAway: true });
  first.write('batch', [{ op: 'put', path: 'half', item: 1 },
    { op: 'put', path: 'theirs', item: 2 }]);
  first.write('patch', 'doc', { n: 1, by: 'ann' }, { over: ['by'] });
  await other.put('theirs', 3);
  await other.patch('doc', { by: 'cy' });
  const second = await Tab.open(t, server, { isAway: true });
  await until(() => second.outbox.waiting === 3, 60);
  first.kill();
  second.kill();
  const third = await Tab.open(t, server);
  await has('doc', { n: 1, by: 'ann' });
  await idle(third);
  assert.deepEqual(third.refused.map(({ path, error }) => [path, error.status]),
    [[['half'], 412], [['theirs'], 412]]);
  await other.sync();
  assert.equal(other.items.get('half'), undefined);
});

test('one user never sends what another one has written', options,
  async (t) => {
    provideBrowser(t);
    const ann = await Tab.open(t, server, { isAway: true });
    const lost = ann.write('put', 'of ann', 1);
    const bob = await Tab.open(t, server, { user: 'bob' });
    await assert.rejects(lost, /closed/);
    assert.match(ann.errors[0], /another user/);
    await assert.rejects(ann.outbox.put('a', 1), /closed/);
    await bob.outbox.put('of bob', 1);
    assert.deepEqual(bob.proxy.writes.flat().map(({ path }) => path),
      [['of bob']]);
    assert.deepEqual(all(bob.outbox), all(bob.client));
    await Tab.open(t, server);
    await has('of ann', 1);
  });

test('the browser is to forget', options, async (t) => {
  provideBrowser(t);
  const tab = await Tab.open(t, server, { isAway: true });
  const lost = tab.write('put', 'forgotten', 1);
  await until(() => tab.outbox.waiting === 1);
  globalThis.indexedDB.deleteDatabase('things');
  await assert.rejects(lost, /closed/);
  assert.equal(tab.outbox.waiting, 0);
  const next = await Tab.open(t, server);
  await next.outbox.put('remembered', 1);
  assert.equal(next.proxy.writes.flat().length, 1);
});

test('a browser that keeps nothing', options, async (t) => {
  provideBrowser(t);
  provide(t, 'indexedDB', { open() { throw new Error('not here'); } });
  const tab = await Tab.open(t, server);
  await tab.outbox.put('in memory', 1);
  assert.ok(!tab.outbox.isKept);
  assert.deepEqual(tab.errors, ['not here']);
  provide(t, 'navigator', {});
  const outbox = new Outbox(
    tab.client, new KeptQueue({ database: 'things' }, 'ann'));
  assert.ok(!outbox.isKept);
  await outbox.put('in memory', 2);
  assert.throws(() => new KeptQueue(tab.client, 'ann'), TypeError);
  assert.throws(() => new KeptQueue({ database: 'things' }), TypeError);
});

test('whoever is killed, all is made once', { ...options, timeout: 240_000 },
  async (t) => {
    provideBrowser(t);
    await other.makeSet('set');
    await other.put(['set', 'doc'], {});
    const seen = []; // what the other one has seen, and changed at once
    const changed = new Set(); // parts that were seen to be changed
    const away = new AbortController();
    t.after(() => away.abort());
    other.addEventListener('added', ({ detail: { path } }) => {
      if (path[1]?.startsWith('new')) {
        seen.push(path[1]);
        other.remove(path).catch(() => {});
      }
    }, away);
    other.addEventListener('changed', ({ detail: { path, item } }) => {
      for (const name in path[1] === 'doc' ? item : {}) {
        if (item[name] === 'seen') {
          changed.add(name);
        } else if (changed.has(name) || !seen.includes(name)) {
          seen.push(name);
          other.patch(path, { [name]: 'seen' }).catch(() => {});
        }
      }
    }, away);

    const chance = randomOf(Number(process.env.GSET_SEED ?? 3));
    const among = list => list[Math.floor(chance() * list.length)];
    const made = [];
    const refused = new Set();
    const tabs = [];
    async function open() {
      const tab = await Tab.open(t, server);
      tab.proxy.fault = () => among(['cut', 'lost', 503, ...Array(6)]);
      tab.outbox.addEventListener('refused', ({ detail: { op, path, item } }) =>
        refused.add(op === 'patch' ? Object.keys(item)[0] : path[1]));
      tabs.push(tab);
    }
    await open();
    const steps = Number(process.env.GSET_STEPS ?? 60);
    for (let step = 0; step < steps; step += 1) {
      await among([
        () => tabs.length < 3 && open(),
        async () => {
          if (tabs.length > 1) {
            const [tab] = tabs.splice(Math.floor(chance() * tabs.length), 1);
            await Promise.race([idle(tab),
              new Promise(resolve => setTimeout(resolve, 30 * chance()))]);
            tab.kill();
          }
        },
        ...Array(3).fill(async () => {
          const name = `new ${step}`;
          among(tabs).write('put', ['set', name], step);
          made.push(name);
        }),
        ...Array(3).fill(async () => {
          const name = `part ${step}`;
          among(tabs).write('patch', ['set', 'doc'], { [name]: step });
          made.push(name);
        }),
        () => new Promise(resolve => setTimeout(resolve, 20)),
      ])();
    }
    for (const tab of tabs) {
      tab.proxy.fault = () => undefined;
      tab.outbox.retry();
    }
    await idle(...tabs);
    await until(() => other.items.get('set').size === 1 && Object.values(
      other.items.at(['set', 'doc'])).every(value => value === 'seen'), 60);
    assert.deepEqual([...new Set(seen)].sort(), [...seen].sort());
    // A kill may also come before the browser has stored a write.
    assert.ok(seen.every(name => made.includes(name)));
    const shown = client => JSON.stringify(all(client));
    await until(() => tabs.every(
      ({ outbox }) => shown(outbox) === shown(other)), 60);
    assert.ok(made.length > seen.length / 2 && refused.size < made.length);
  });
