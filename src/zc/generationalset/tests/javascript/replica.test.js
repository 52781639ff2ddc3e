import assert from 'node:assert/strict';
import test from 'node:test';

import fc from 'fast-check';

import { decode, Items, Misfit, Replica } from '../../static/gset.js';
import { Model } from './model.js';
import { entries } from './vectors.js';

const id = fc.constantFrom(
  'a', 'b', '1', 1, 0.5, '', '__proto__', 'constructor',
  { $tuple: ['a', 1] }, { $int: '9007199254740993' });
const value = fc.oneof(
  { maxDepth: 2 }, fc.constantFrom(0, 1, true, null, 'x', ''),
  fc.array(fc.constantFrom(0, 'x', null)),
  fc.dictionary(fc.constantFrom('a', 'b', '__proto__'), fc.integer(),
    { noNullPrototype: true }));
const path = fc.array(id, { maxLength: 2 });
const replicas = fc.nat(2);

const action = fc.oneof(
  { weight: 8, arbitrary: fc.record({
    name: fc.constant('put'), path, id, item: value }) },
  { weight: 4, arbitrary: fc.record({ name: fc.constant('put'), path, id }) },
  { weight: 4, arbitrary: fc.record({
    name: fc.constant('remove'), path, id }) },
  { weight: 1, arbitrary: fc.record({ name: fc.constant('renew') }) },
  { weight: 4, arbitrary: fc.record({
    name: fc.constant('ask'), replica: replicas,
    reason: fc.option(fc.constantFrom('ahead', 'replaced', 'else'),
      { freq: 9, nil: undefined }) }) },
  // Of the answers that were ever given: late, repeated, out of order.
  { weight: 6, arbitrary: fc.record({
    name: fc.constant('deliver'), replica: replicas, which: fc.nat() }) },
  { weight: 4, arbitrary: fc.record({
    name: fc.constant('sync'), replica: replicas }) },
);

/** Plain data that a user interface would keep, following changes alone. */
class Shown {
  tree = [];

  apply({ kind, path, item }) {
    const list = path.slice(0, -1).reduce((list, id) => list.find(
      (entry) => same(entry[0], id))[1], this.tree);
    const index = list.findIndex(([each]) => same(each, path.at(-1)));
    assert.equal(index === -1, kind === 'added');
    if (kind === 'added') {
      list.push([path.at(-1), item instanceof Items ? [] : item]);
    } else if (kind === 'changed') {
      assert.notDeepEqual(list[index][1], item);
      list[index][1] = item;
    } else {
      list.splice(index, 1);
    }
  }
}

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

const sorted = (list) => list.map(
  ([id, item]) => [JSON.stringify(id), item]).sort(
  ([one], [other]) => one < other ? -1 : 1);

const shownOf = (items) => sorted(Array.from(items, ([id, item]) =>
  [id, item instanceof Items ? shownOf(item) : item]));

const treeOf = (list, items) => sorted(list.map(([id, item]) => [
  id, items.get(id) instanceof Items ? treeOf(item, items.get(id)) : item]));

class World {
  model = new Model();
  answers = [];
  replicas = Array.from({ length: 3 }, () => new Replica());
  shown = this.replicas.map(() => new Shown());

  run({ name, ...action }) {
    this[name](action);
  }

  put({ path, id, item }) {
    this.model.put(path, id, item);
  }

  remove({ path, id }) {
    this.model.remove(path, id);
  }

  renew() {
    this.model.renew();
  }

  ask({ replica, reason }) {
    const answer = this.model.answer(this.replicas[replica], reason);
    this.answers.push(JSON.stringify(answer));
  }

  deliver({ replica, which }) {
    if (this.answers.length) {
      this.apply(replica, this.answers[which % this.answers.length]);
    }
  }

  sync({ replica }) {
    this.ask({ replica });
    assert.ok(this.apply(replica, this.answers.at(-1)));
  }

  apply(index, text) {
    const replica = this.replicas[index];
    const before = [replica.epoch, replica.generation];
    let changes;
    try {
      changes = replica.apply(decode(text));
    } catch (error) {
      assert.ok(error instanceof Misfit, String(error));
      assert.deepEqual([replica.epoch, replica.generation], before);
      return false;
    }
    const { epoch, generation, items } = replica;
    const expected = this.model.states.get(`${epoch} ${generation}`);
    assert.deepEqual(entries(Items, items).map(unordered).sort(compare),
      expected.map(unordered).sort(compare));
    const shown = this.shown[index];
    changes.forEach((change) => shown.apply(change));
    assert.deepEqual(treeOf(shown.tree, items), shownOf(items));
    return true;
  }
}

const compare = (one, other) =>
  JSON.stringify(one.id ?? one[0]) < JSON.stringify(other.id ?? other[0]) ?
    -1 : 1;

const unordered = (entry) => Array.isArray(entry) ? entry :
  { ...entry, contents: entry.contents.map(unordered).sort(compare) };

test('replicas are what the server was, whatever arrives when', () => {
  fc.assert(fc.property(
    fc.array(action, { minLength: 10, maxLength: 60, size: 'max' }),
    (actions) => {
      const world = new World();
      actions.forEach((action) => world.run(action));
      for (const replica of [0, 1, 2]) {
        world.sync({ replica });
      }
    }), { numRuns: 1500 });
});

test('the one that changed last comes last', () => {
  fc.assert(fc.property(
    fc.array(fc.tuple(id, fc.nat(3)), { size: 'max', maxLength: 30 }),
    (puts) => {
      const world = new World();
      for (const [id, item] of puts) {
        world.put({ path: [], id, item });
        if (item) {
          world.sync({ replica: 0 });
        }
      }
      world.sync({ replica: 0 });
      const expected = [...world.model.root.entries.values()];
      assert.deepEqual([...world.replicas[0].items.keys()],
        expected.map(({ id }) => id));
    }), { numRuns: 300 });
});

/** Puts something else into the place of one thing in an answer. */
function damage(answer, where, what) {
  const places = [];
  const collect = (data) => {
    for (const name of Object.keys(data)) {
      places.push([data, name]);
      if (data[name] !== null && typeof data[name] === 'object') {
        collect(data[name]);
      }
    }
  };
  collect(answer);
  const [data, name] = places[where % places.length];
  if (what === undefined && !Array.isArray(data)) {
    delete data[name];
  } else {
    data[name] = what ?? null;
  }
}

test('what is accepted can be applied, and what is not leaves no trace',
  () => {
    let refused = 0;
    let applied = 0;
    fc.assert(fc.property(
      fc.array(action, { minLength: 5, maxLength: 40, size: 'max' }),
      fc.nat(), fc.constantFrom(
        undefined, null, 0, -1, 1.5, 2 ** 53, 'x', '\ud800', true, [], {},
        ['a'], ['a', 1], { id: 'a' }, { $int: '1' }, { $map: [] }),
      (actions, where, what) => {
        const world = new World();
        actions.forEach((action) => world.run(action));
        const [replica] = world.replicas;
        const answer = structuredClone(world.model.answer(replica));
        damage(answer, where, what);
        const before = JSON.stringify(entries(Items, replica.items));
        let decoded;
        try {
          decoded = decode(JSON.stringify(answer));
        } catch (error) {
          assert.match(error.message, /^expected .*, got /);
          refused += 1;
        }
        try {
          decoded && replica.apply(decoded);
          applied += 1;
        } catch (error) {
          assert.ok(error instanceof Misfit, String(error));
          assert.equal(JSON.stringify(entries(Items, replica.items)), before);
        }
      }), { numRuns: 1500 });
    assert.ok(refused > 300 && applied > 300, `${refused}, ${applied}`);
  });

test('ids that JavaScript can not hold are errors', () => {
  const { items } = new Replica();
  for (const id of [2 ** 53, -(2 ** 53), NaN, Infinity, null, undefined, true,
    10n, [], {}, { $int: 1 }, { $map: [] }, { $int: '1', a: 1 },
    { $tuple: [null] }, '\ud800', new Date(0)]) {
    assert.throws(() => items.get(id), TypeError);
    assert.throws(() => items.has(id), TypeError);
    assert.throws(() => items.at([id]), TypeError);
  }
  const text = '{"format":1,"epoch":"e","since":0,"generation":2,' +
    '"adds":[[ID,1]]}';
  for (const id of ['9007199254740993', '-9007199254740992', '1e16', '1e999']) {
    assert.throws(() => decode(text.replace('ID', id)), /that JavaScript can/);
  }
});

test('subsets that are too deep are refused before anything is applied', () => {
  const text = (members) => '{"format":1,"epoch":"e","since":0,' +
    `"generation":2,${members}}`;
  const within = (depth, before, inner, after) =>
    before.repeat(depth) + inner + after.repeat(depth);
  const subsets = (depth) =>
    text(within(depth, '"adds":[{"id":"a",', '"adds":[]', '}]'));
  const replica = new Replica();
  for (const depth of [202, 5000, 100_000]) {
    assert.throws(() => decode(subsets(depth)), /TypeError|RangeError/);
  }
  assert.equal(replica.apply(decode(subsets(100))).length, 100);
});

test('items are found by paths, and iterated over', () => {
  const replica = new Replica();
  replica.apply(decode(JSON.stringify({
    format: 1, epoch: 'e', since: 0, generation: 4,
    contents: [['a', null], { id: 'b', contents: [[1, ['x']]] }] })));
  const { items } = replica;
  assert.equal(items.size, 2);
  assert.deepEqual([...items.keys()], ['a', 'b']);
  assert.deepEqual([...items.entries()], [...items]);
  assert.deepEqual([...items.values()], [null, items.get('b')]);
  assert.equal(items.at([]), items);
  assert.equal(items.at('a'), null);
  assert.deepEqual(items.at(['b', 1]), ['x']);
  assert.equal(items.at(['b', '1']), undefined);
  assert.equal(items.at(['a', 'x']), undefined);
  assert.equal(items.at(['x', 'y', 'z']), undefined);
  assert.ok(items.has('b') && !items.has('c'));
});

test('items are kept as they are, however deep, and changes are told', () => {
  const replica = new Replica();
  const answer = (since, item) => decode(`{"format":1,"epoch":"e","since":` +
    `${since},"generation":${since + 1},"adds":[["a",${item}]]}`);
  const deep = '['.repeat(5000) + ']'.repeat(5000);
  for (const [since, item] of [[0, deep], [1, deep], [2, `[${deep}]`],
    [3, '{"$set":[{"$float":"nan"},{"$float":"nan"}]}'], [4, '1e400']]) {
    replica.apply(answer(since, item));
    assert.equal(replica.generation, since + 1);
  }
  assert.deepEqual(replica.apply(answer(5, '{"$int":"5"}')), [
    { kind: 'changed', path: ['a'], item: { $int: '5' } }]);
  assert.deepEqual(replica.apply(answer(6, '{"$int":"5"}')), []);
});

test('what the vectors leave out', () => {
  const answer = { format: 1, epoch: 'e', since: 0, generation: 1 };
  for (const members of [
    { epoch: '\ud800' }, { generation: 0 }, { since_epoch: 1 },
  ]) {
    assert.throws(() => decode(JSON.stringify({ ...answer, ...members })),
      /^TypeError: expected/);
  }
});
