import assert from 'node:assert/strict';
import test from 'node:test';

import fc from 'fast-check';

import { snapshot, subscribe } from '../../static/bindings/snapshots.js';
import { Items } from '../../static/gset.js';
import { Following, following } from './following.js';
import { Model } from './model.js';

const changed = (client, since, updates) => client.apply(
  { format: 1, epoch: 'e', since, generation: since + 1, ...updates });

test('a snapshot is the same object until something changes', () => {
  const client = following(['a', { n: 1 }], ['b', { n: 1 }],
    { id: 'set', contents: [['c', 1]] });
  const before = snapshot(client);
  assert.equal(snapshot(client), before);
  assert.equal(snapshot(client, 'set'), before.get('set'));
  changed(client, 1, {});
  changed(client, 2, { adds: [['a', { n: 1 }]] }); // an echo
  assert.equal(snapshot(client), before);
  changed(client, 3, { adds: [['a', { n: 2 }]] });
  const after = snapshot(client);
  assert.notEqual(after, before);
  assert.deepEqual([before.get('a'), after.get('a')], [{ n: 1 }, { n: 2 }]);
  assert.equal(after.get('b'), before.get('b'));
  assert.equal(after.get('set'), before.get('set'));
});

test('items stay where they are; new ones come last', () => {
  const client = following(['a', 1], ['b', 1], ['c', 1]);
  const ids = () => [...snapshot(client).keys()];
  ids();
  changed(client, 1, { removals: ['b'], adds: [['a', 2], ['d', 1]] });
  assert.deepEqual(ids(), ['a', 'c', 'd']);
});

test('items and what is not there', () => {
  const client = following(['a', [1]], ['null', null]);
  assert.equal(snapshot(client, 'a'), client.items.get('a'));
  assert.equal(snapshot(client, ['null']), null);
  assert.equal(snapshot(client, ['x', 'y']), undefined);
  assert.deepEqual([...snapshot(client)], [['a', [1]], ['null', null]]);
  assert.throws(() => snapshot(client, [2 ** 60]), TypeError);
});

test('who is called', () => {
  const client = following(['a', 1], { id: 'set', contents: [['b', 1],
    { id: 'inner', contents: [['c', 1]] }] });
  const calls = [];
  const paths = [[], 'a', 'set', ['set', 'b'], ['set', 'inner', 'c'], 'x'];
  const ends = paths.map(path => subscribe(
    client, path, () => calls.push(JSON.stringify(path))));
  const called = (...args) => {
    calls.length = 0;
    changed(client, ...args);
    return calls.sort();
  };
  const names = (...paths) => paths.map(path => JSON.stringify(path)).sort();
  assert.deepEqual(called(1, {}), []);
  assert.deepEqual(called(2, { adds: [['a', 2]] }), names([], 'a'));
  assert.deepEqual(
    called(3, { adds: [{ id: 'set', adds: [['b', 2]] }] }),
    names([], 'set', ['set', 'b']));
  assert.deepEqual(called(4, { removals: ['set'] }), names(
    [], 'set', ['set', 'b'], ['set', 'inner', 'c']));
  ends.forEach(end => end());
  ends[0]();
  assert.deepEqual(called(5, { adds: [['a', 3]] }), []);
});

test('a callback that fails harms no other', (t) => {
  const client = following(['a', 1]);
  const { mock } = t.mock.method(globalThis, 'queueMicrotask', () => {});
  let calls = 0;
  subscribe(client, 'a', () => { throw new Error('mine'); });
  subscribe(client, 'a', () => { calls += 1; });
  changed(client, 1, { adds: [['a', 2]] });
  assert.equal(calls, 1);
  assert.throws(mock.calls[0].arguments[0], /mine/);
});

test('a callback may end its own subscription, and see the snapshot', () => {
  const client = following(['a', 1]);
  const seen = [];
  const end = subscribe(client, 'a', () => {
    seen.push(snapshot(client, 'a'));
    end();
  });
  changed(client, 1, { adds: [['a', 2]] });
  changed(client, 2, { adds: [['a', 3]] });
  assert.deepEqual(seen, [2]);
});

const id = fc.constantFrom('a', 'b', 1, { $tuple: ['a', 1] });
const path = fc.array(id, { maxLength: 2 });
const action = fc.oneof(
  fc.record({ name: fc.constant('put'), path, id,
    item: fc.option(fc.integer({ max: 3, min: 0 }), { nil: undefined }) }),
  fc.record({ name: fc.constant('remove'), path, id }),
  fc.record({ name: fc.constant('renew') }),
  fc.record({ name: fc.constant('look'), path }));

const plain = what => what instanceof Items ? new Map(Array.from(
  what, ([id, item]) => [JSON.stringify(id), plain(item)])) : what;

test('snapshots have what the client has, whatever happens', () => {
  fc.assert(fc.property(
    fc.array(action, { minLength: 5, maxLength: 40 }), actions => {
      const model = new Model();
      const client = new Following();
      client.apply(model.answer(client.position));
      for (const { name, path, id, item } of actions) {
        if (name === 'renew') {
          model.renew();
        } else if (name === 'look') {
          snapshot(client, path);
        } else {
          model[name](path, id, item);
        }
        const before = snapshot(client);
        const was = plain(before);
        client.apply(model.answer(client.position));
        const after = snapshot(client);
        assert.deepEqual(plain(before), was);
        assert.deepEqual(plain(after), plain(client.items));
        assert.equal(snapshot(client), after);
      }
    }), { seed: 3, numRuns: 150 });
});
