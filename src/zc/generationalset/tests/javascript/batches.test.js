/** Writes that are made together, and what is taken back. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { until } from './faulty.js';
import { all, start as startOutbox } from './outboxes.js';
import { options } from './real.js';
import { sorted } from './vectors.js';

/** Starts all, with two items. */
async function start(test) {
  const started = await startOutbox(test);
  await started.outbox.batch([
    { op: 'put', path: 'a', item: { n: 1, by: 'me' } },
    { op: 'put', path: 'b', item: 1 }]);
  await started.other.sync();
  return started;
}

/** Lets writes wait; returns a function that ends that. */
function hold(proxy) {
  proxy.fault = () => 503;
  return () => { proxy.fault = () => undefined; };
}

test('a batch is refused as a whole', options, async (t) => {
  const { proxy, other, outbox, refused } = await start(t);
  const go = hold(proxy);
  const first = outbox.put('c', 1);
  const batch = outbox.batch([{ op: 'put', path: 'a', item: 2 },
    { op: 'remove', path: 'b' }, { op: 'add', path: [], item: 3 }]);
  const last = outbox.put('d', 1);
  assert.equal(outbox.items.get('b'), undefined);
  await other.put('b', 'theirs');
  go();
  await assert.rejects(batch, { status: 412, item: 'theirs' });
  await Promise.all([first, last]);
  await other.sync();
  assert.deepEqual(all(outbox), all(other));
  assert.deepEqual([...other.items.keys()].sort(), ['a', 'b', 'c', 'd']);
  assert.deepEqual(refused.map(({ op, isOwn }) => [op, isOwn]),
    [['put', true], ['remove', true], ['put', true]]);
});

test('a batch that the server does not take', options, async (t) => {
  const { proxy, outbox } = await start(t);
  const before = all(outbox);
  proxy.fault = changes => changes.length > 1 ? 413 : undefined;
  const batch = outbox.batch([{ op: 'put', path: 'a', item: 2 },
    { op: 'put', path: 'b', item: 2 }]);
  const other = outbox.put('c', 1);
  await assert.rejects(batch, { status: 413 });
  await other;
  assert.deepEqual(all(outbox), sorted([...before, ['c', 1]]));
  assert.deepEqual(await outbox.batch([]), []);
});

test('a batch that the server does not take, after another write', options,
  async (t) => {
    const { proxy, outbox } = await start(t);
    proxy.fault = changes => changes.length > 1 ? 413 : undefined;
    const other = outbox.put('c', 1);
    const batch = outbox.batch([{ op: 'put', path: 'a', item: 2 },
      { op: 'put', path: 'b', item: 2 }]);
    await assert.rejects(batch, { status: 413 });
    await other;
    assert.equal(outbox.items.get('b'), 1);
  });

test('what waits is told', options, async (t) => {
  const { proxy, outbox } = await start(t);
  const told = [];
  outbox.addEventListener('waiting', ({ detail: { paths } }) =>
    told.push([paths, outbox.waitingPaths]));
  const go = hold(proxy);
  const written = outbox.put(['a'], 2);
  go();
  await written;
  assert.deepEqual(told, [[[['a']], [['a']]], [[['a']], []]]);
});

test('members that may be written over', options, async (t) => {
  const { proxy, other, outbox } = await start(t);
  const go = hold(proxy);
  const over = ['by'];
  const lost = outbox.patch('a', { n: 2, by: 'me' }, { over });
  const before = proxy.writes.length;
  await until(() => proxy.writes.length > before);
  await other.patch('a', { by: 'they', m: 1 });
  go();
  await lost;
  assert.deepEqual(outbox.items.get('a'), { n: 2, by: 'me', m: 1 });
  await other.sync();
  hold(proxy);
  const refused = outbox.patch('a', { n: 3, by: 'me' }, { over });
  await other.patch('a', { n: 4, by: 'they' });
  go();
  await assert.rejects(refused, { status: 412 });
  assert.deepEqual(outbox.items.get('a'), { n: 4, by: 'they', m: 1 });
});

/** Has the response to a patch lost, and then others patch the same item. */
async function lose({ proxy, other, outbox }, item, over, theirs) {
  proxy.fault = () => 'lost';
  const lost = outbox.patch('a', item, { over });
  const before = proxy.writes.length;
  await until(() => proxy.writes.length > before + 1);
  proxy.fault = () => 503;
  await until(() => other.items.get('a').n === item.n);
  await other.patch('a', theirs);
  proxy.fault = () => undefined;
  return lost;
}

test('a lost write is not made again over a newer one', options, async (t) => {
  const all = await start(t);
  await assert.rejects(
    lose(all, { n: 2, by: 'me' }, ['n', 'by'], { n: 3, by: 'they' }),
    { status: 412, item: { n: 3, by: 'they' } });
  assert.deepEqual(all.outbox.items.get('a'), { n: 3, by: 'they' });
});

test('of a lost write, nothing is made again over others', options,
  async (t) => {
    const all = await start(t);
    await lose(all, { n: 4, by: 'me', to: 'x' }, ['by', 'to'],
      { by: 'they', to: 'y' });
    assert.deepEqual(all.outbox.items.get('a'), { n: 4, by: 'they', to: 'y' });
    await all.other.sync();
    assert.deepEqual(all.other.items.get('a'), { n: 4, by: 'they', to: 'y' });
  });

test('the last of two moves counts', options, async (t) => {
  const { proxy, other, outbox } = await start(t);
  const go = hold(proxy);
  const moved = outbox.patch('a', { n: 2, by: 'me' }, { over: ['n', 'by'] });
  const before = proxy.writes.length;
  await until(() => proxy.writes.length > before);
  await other.patch('a', { n: 3, by: 'they' });
  go();
  await moved;
  assert.deepEqual(outbox.items.get('a'), { n: 2, by: 'me' });
});

test('a batch is taken back as a whole', options, async (t) => {
  const { other, outbox } = await start(t);
  const before = all(outbox);
  const removal = ['a', 'b'].map(path => ({ op: 'remove', path }));
  await outbox.batch(removal);
  await outbox.undo();
  assert.deepEqual(all(outbox), before);
  await outbox.batch(removal);
  await other.sync();
  await other.put('b', 'theirs');
  await assert.rejects(outbox.undo(), { status: 412 });
  assert.deepEqual([...outbox.items], [['b', 'theirs']]);
});

test('what waits is taken back at once', options, async (t) => {
  const { proxy, other, outbox } = await start(t);
  const before = all(outbox);
  const go = hold(proxy);
  const done = [outbox.put('a', 2), outbox.remove('a'), outbox.undo(),
    outbox.undo()];
  assert.deepEqual(outbox.items.get('a'), { n: 1, by: 'me' });
  go();
  await Promise.all(done);
  await other.sync();
  assert.deepEqual([all(outbox), all(other)], [before, before]);
});

test('what waits is not taken back over what others wrote', options,
  async (t) => {
    const { proxy, other, outbox } = await start(t);
    const go = hold(proxy);
    const moved = outbox.patch('a', { n: 2 });
    await other.patch('a', { text: 'theirs' });
    const undone = outbox.undo();
    go();
    await Promise.all([moved, assert.rejects(undone, { status: 412 })]);
    assert.deepEqual(outbox.items.get('a'),
      { n: 2, by: 'me', text: 'theirs' });
  });

test('what was refused is not taken back', options, async (t) => {
  const { other, outbox } = await start(t);
  await outbox.undo();
  await outbox.put('a', 1);
  await other.sync();
  await assert.rejects(outbox.put(['no', 'set'], 1), { status: 404 });
  await outbox.undo();
  assert.equal(outbox.items.get('a'), undefined);
  assert.equal(outbox.canUndo, false);
});
