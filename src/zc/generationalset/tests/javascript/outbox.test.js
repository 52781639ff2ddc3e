import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';

import { snapshot, subscribe } from '../../static/bindings/snapshots.js';
import { Items } from '../../static/gset.js';
import { Outbox } from '../../static/outbox/outbox.js';
import { patched } from '../../static/outbox/patch.js';
import { Queue } from '../../static/outbox/queue.js';
import { holdTimers } from './browser.js';
import { randomOf, until } from './faulty.js';
import { all, start } from './outboxes.js';
import { options } from './real.js';

/** Collects what is shown at a path, whenever that changes. */
function shownAt(outbox, path) {
  const shown = [snapshot(outbox, path)];
  subscribe(outbox, path, () => shown.push(snapshot(outbox, path)));
  return shown;
}

test('writes are shown at once, and never flicker', options, async (t) => {
  const { outbox, client, other } = await start(t);
  const shown = shownAt(outbox, 'a');
  const written = outbox.put('a', 1);
  assert.equal(outbox.items.get('a'), 1);
  assert.equal(outbox.waiting, 1);
  assert.equal(client.items.get('a'), undefined);
  await written;
  assert.deepEqual([outbox.waiting, client.items.get('a')], [0, 1]);
  await outbox.remove('a');
  const id = await outbox.add([], 'new');
  await until(() => other.items.get(id) === 'new');
  assert.deepEqual(shown, [undefined, 1, undefined]);
});

test('many writes are one request, and go in order', options, async (t) => {
  const { outbox, other, proxy } = await start(t);
  await outbox.makeSet('set');
  const shown = shownAt(outbox, ['set', 3]);
  await Promise.all(Array.from(
    { length: 700 }, (_, number) => outbox.put(['set', number % 7], number)));
  assert.deepEqual(proxy.writes.map(changes => changes.length), [1, 500, 200]);
  await until(() => other.items.at(['set', 6]) === 699);
  assert.deepEqual(
    shown, [undefined, ...Array.from({ length: 100 }, (_, n) => n * 7 + 3)]);
});

test('what others have changed is not lost', options, async (t) => {
  const { outbox, other, proxy, refused } = await start(t);
  await outbox.put('a', 1);
  await until(() => other.items.get('a') === 1);
  proxy.fault = () => 503; // so that it waits
  const lost = outbox.put('a', 2);
  const made = outbox.put('b', 2);
  await until(() => proxy.writes.length > 1);
  await other.put('a', 3);
  assert.equal(outbox.items.get('a'), 2);
  proxy.fault = () => undefined;
  await assert.rejects(lost, { status: 412, item: 3 });
  await made;
  assert.equal(outbox.items.get('a'), 3);
  assert.deepEqual(refused.map(({ op, path, item, error }) =>
    [op, path, item, error.status]), [['put', ['a'], 2, 412]]);
});

test('what follows from a write that is refused is refused', options,
  async (t) => {
    const { client, outbox, other, proxy } = await start(t);
    await outbox.put('a', { text: 'old', rank: 1 });
    proxy.fault = () => 503;
    const put = outbox.put('a', { text: 'new', rank: 1 });
    await until(() => other.items.get('a'));
    await other.remove('a');
    await until(() => !client.items.has('a'));
    const patch = outbox.patch('a', { rank: 2 }, { over: ['rank'] });
    const item = outbox.put('a', 'other');
    assert.equal(outbox.items.get('a'), 'other');
    proxy.fault = () => undefined;
    for (const refused of [put, patch, item]) {
      await assert.rejects(refused, { status: 412 });
    }
    await other.sync();
    assert.deepEqual([all(other), all(outbox)], [[], []]);
  });

test('a patch of what is gone shows no half of it', options, async (t) => {
  const { client, outbox, other, proxy } = await start(t);
  await outbox.put('a', { text: 'old', rank: 1 });
  await until(() => other.items.get('a'));
  proxy.fault = () => 503;
  const patch = outbox.patch('a', { rank: 2 });
  await other.remove('a');
  await until(() => !client.items.has('a'));
  assert.equal(outbox.items.get('a'), undefined);
  proxy.fault = () => undefined;
  await assert.rejects(patch, { status: 412 });
  assert.deepEqual(all(other), []);
});

test('patches of two people both stay', options, async (t) => {
  const { outbox, other, proxy } = await start(t);
  await outbox.put('a', { text: 'old', state: 'new' });
  proxy.fault = () => 503;
  const patched = outbox.patch('a', { text: 'new' });
  assert.deepEqual(outbox.items.get('a'), { text: 'new', state: 'new' });
  await other.patch('a', { state: 'done' });
  proxy.fault = () => undefined;
  await patched;
  assert.deepEqual(outbox.items.get('a'), { text: 'new', state: 'done' });
});

test('patches are those of the vectors', async () => {
  const { cases } = JSON.parse(await readFile(
    new URL('../vectors/patches.json', import.meta.url)));
  for (const { document, patch, result } of cases) {
    assert.deepEqual(patched(document, patch), result);
  }
  const own = patched({}, JSON.parse('{"__proto__": {"a": 1}}'));
  assert.equal(JSON.stringify(own), '{"__proto__":{"a":1}}');
});

test('writes wait for the server', options, async (t) => {
  const { outbox, other, proxy } = await start(t);
  proxy.leave();
  const writes = [outbox.makeSet('set'), outbox.put(['set', 'x'], 1),
    outbox.put(['set', 'x'], 2), outbox.remove('gone')];
  assert.equal(outbox.items.at(['set', 'x']), 2);
  await new Promise(resolve => setTimeout(resolve, 50));
  assert.equal(outbox.waiting, 4);
  proxy.isAway = false;
  await Promise.all(writes);
  await until(() => other.items.at(['set', 'x']) === 2);
  assert.deepEqual(all(outbox), all(other));
});

test('a write whose response is lost is made once', options, async (t) => {
  const { outbox, other, proxy, refused } = await start(t);
  let faults = 4;
  proxy.fault = () => faults-- > 0 ? 'lost' : undefined;
  await Promise.all([
    outbox.put('a', 1), outbox.put('b', 1), outbox.remove('b')]);
  await until(() => other.items.get('a') === 1);
  assert.deepEqual([all(outbox), refused], [all(other), []]);
  faults = 4;
  await outbox.remove('a');
  assert.deepEqual(refused, []);
  await outbox.put('a', 1);
  await until(() => other.items.get('a') === 1);
  faults = 2; // so that the client gives up
  const written = outbox.put('a', 2);
  await until(() => other.items.get('a') === 2);
  await other.put('a', 3);
  await assert.rejects(written, { status: 412 });
  assert.equal(other.items.get('a'), 3);
});

test('a token that has ended, and a request that is too large', options,
  async (t) => {
    const { outbox, proxy, refused } = await start(t);
    proxy.fault = () => 401;
    const written = Promise.all([1, 2, 3].map(id => outbox.put(id, id)));
    written.catch(() => {});
    await until(() => proxy.writes.length > 3 || refused.length);
    assert.deepEqual(refused, []);
    proxy.fault = changes => changes.length > 1 ||
      changes[0].path[0] === 2 ? 413 : undefined;
    await assert.rejects(written, { status: 413 });
    await until(() => outbox.waiting === 0);
    assert.deepEqual(refused.map(({ path }) => path), [[2]]);
    assert.deepEqual(all(outbox).length, 2);
  });

test('a write that the client can not read again yet', options, async (t) => {
  const { outbox, proxy, other, client } = await start(t);
  await outbox.put('a', 1);
  const shown = shownAt(outbox, 'a');
  proxy.unreadable = true;
  const written = outbox.put('a', 2);
  await until(() => other.items.get('a') === 2);
  await new Promise(resolve => setTimeout(resolve, 50));
  assert.equal(outbox.items.get('a'), 2);
  proxy.unreadable = false;
  await written;
  assert.equal(client.items.get('a'), 2);
  assert.deepEqual(shown, [1, 2]);
});

test('a write of another tab stays shown until this one has it', async (t) => {
  const client = Object.assign(new EventTarget(), {
    items: new Items(), epoch: 'e', generation: 1, position: 'e:1',
    online: true });
  const syncs = [
    async () => { throw new Error('away'); },
    async () => { client.generation = 2; }];
  client.sync = () => syncs.shift()();
  const queue = new Queue();
  queue.turn = () => new Promise(() => {}); // another tab sends
  let tab;
  queue.join = (outbox) => { tab = outbox; };
  const endTimers = holdTimers(t);
  const outbox = new Outbox(client, queue);
  const written = outbox.put('a', 1);
  tab.settled(queue.writes[0], { position: { epoch: 'e', generation: 2 } });
  for (const left of [1, 0]) {
    endTimers();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(syncs.length, left);
    assert.equal(outbox.waiting, left);
  }
  await written;
});

test('a set that is replaced hides what was in it', options, async (t) => {
  const { outbox, proxy, other } = await start(t);
  await Promise.all([outbox.makeSet('s'), outbox.put(['s', 'x'], 1)]);
  proxy.fault = () => 503;
  const put = outbox.put('s', 1);
  await other.put(['s', 'y'], 2);
  assert.equal(outbox.items.get('s'), 1);
  proxy.fault = () => undefined;
  await assert.rejects(put, { status: 412 });
  assert.deepEqual(all(outbox), all(other));
  assert.ok(outbox.items.get('s') instanceof Items);
});

test('what the client has at first is shown', options, async (t) => {
  const { outbox, client } = await start(t);
  await Promise.all([outbox.makeSet('s'), outbox.put(['s', 'x'], 1)]);
  assert.deepEqual(all(new Outbox(client)), all(outbox));
});

test('sets come and go with what is in them', options, async (t) => {
  const { outbox, other, proxy } = await start(t);
  await Promise.all([outbox.makeSet('set'), outbox.put(['set', 'x'], 1),
    outbox.makeSet(['set', 'inner']), outbox.put(['set', 'inner', 'y'], 1)]);
  const before = all(outbox);
  await until(() => other.items.at(['set', 'inner', 'y']));
  proxy.fault = () => 503;
  const removed = outbox.remove('set');
  assert.deepEqual(all(outbox), []);
  await other.put(['set', 'z'], 1);
  proxy.fault = () => undefined;
  await assert.rejects(removed, { status: 412 });
  assert.deepEqual(all(outbox), all(other));
  assert.ok(before.length);
  await outbox.remove('set');
  await until(() => other.items.size === 0);
});

test('undo takes back what nobody has changed since', options, async (t) => {
  const { outbox, other } = await start(t);
  await outbox.makeSet('set');
  await outbox.put(['set', 'x'], { a: 1 });
  await outbox.patch(['set', 'x'], { b: 1 });
  await outbox.remove(['set', 'x']);
  await outbox.undo();
  assert.deepEqual(outbox.items.at(['set', 'x']), { a: 1, b: 1 });
  await outbox.undo();
  assert.deepEqual(outbox.items.at(['set', 'x']), { a: 1 });
  await outbox.undo();
  assert.equal(outbox.items.at(['set', 'x']), undefined);
  assert.equal(outbox.canUndo, false);
  await outbox.undo();

  await outbox.put(['set', 'x'], 1);
  await outbox.remove('set');
  await outbox.undo();
  assert.equal(outbox.items.at(['set', 'x']), 1);
  await until(() => other.items.at(['set', 'x']) === 1);
  await other.put(['set', 'x'], 2);
  await assert.rejects(outbox.undo(), { status: 412 });
  assert.equal(outbox.items.at(['set', 'x']), 2);
});

test('undo and the changes of others', options, async (t) => {
  const { outbox, other, client } = await start(t);
  await outbox.put('a', { a: 1 });
  await other.sync();
  await other.patch('a', { b: 1 });
  await client.sync();
  await outbox.patch('a', { c: 1 });
  await outbox.undo(); // now there is what the other one has made of it
  assert.deepEqual(outbox.items.get('a'), { a: 1, b: 1 });
  await assert.rejects(outbox.undo(), { status: 412 });
  assert.equal(outbox.canUndo, false);
});

test('what can not be written', options, async (t) => {
  const { outbox, client } = await start(t);
  for (const [path, item] of [[[null], 1], ['a', undefined], ['a', 1n],
    ['a', NaN]]) {
    await assert.rejects(outbox.put(path, item), TypeError);
  }
  assert.deepEqual([outbox.waiting, all(outbox)], [0, []]);
  await assert.rejects(outbox.put(['no', 'set'], 1), { status: 404 });
  assert.deepEqual(all(outbox), []);
  client.close();
  const late = outbox.put('a', 1);
  outbox.close();
  await assert.rejects(late, /closed/);
});

test('whatever is lost, all end equal', { ...options, timeout: 120_000 },
  async (t) => {
    const { server, proxy, other, outbox, client } = await start(t);
    const second = new Outbox(other);
    const chance = randomOf(7);
    const among = list => list[Math.floor(chance() * list.length)];
    proxy.fault = () => among(['cut', 'lost', 503, 500, ...Array(8)]);
    const set = ['set'];
    await second.makeSet('set');
    const wrote = [];
    for (let step = 0; step < 150; step += 1) {
      const who = among([outbox, second]);
      const path = [...among([[], set]), among(['a', 'b', 'c'])];
      const done = among([
        () => who.put(path, step), () => who.put(path, { [step]: 1 }),
        () => who.patch(path, { [`p${step % 3}`]: step }),
        () => who.remove(path), () => who.makeSet(set),
        () => who.undo()])();
      wrote.push(done.catch(error => error));
      if (chance() < .3) {
        await among(wrote);
      }
      if (who.waiting === 0) {
        assert.deepEqual(all(who), all(who === second ? other : client));
      }
    }
    for (const error of await Promise.all(wrote)) {
      assert.ok(!error || [404, 409, 412].includes(error.status), error);
    }
    await Promise.all([client.sync(), other.sync()]);
    const there = await server.contents();
    for (const each of [client, other, outbox, second]) {
      assert.deepEqual(all(each), there);
    }
  });
