/** The client and the real server, which GSET_TEST_PYTHON can run. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { Client, Items, RequestError } from '../../static/gset.js';
import { randomOf, recorded, until } from './faulty.js';
import { options, Server } from './real.js';
import { entries, sorted } from './vectors.js';

const contents = (client) => sorted(entries(Items, client.items));

/** A client that is closed after the test. */
function connect(test, server, options) {
  const client = new Client(server.url, options);
  test.after(() => client.close());
  return client;
}

test('reads, writes and follows', options, async (test) => {
  const server = await Server.start(test);
  const [one, other] = [connect(test, server), connect(test, server)];
  await one.start();
  await other.start();
  const items = {
    plain: { a: [1, 'x', null, true, 0.5] }, empty: '',
    when: { $datetime: '2026-11-21T09:30:00+00:00' },
    long: { $int: '9007199254740993' }, like: { $object: { $int: 5 } },
  };
  const ids = ['a/b', '', '.', '..', '~x', 'é', '😀', '__proto__', 1, -0.5,
    { $tuple: [1, 'a'] }, { $decimal: '0.1' }, { $bytes: 'AAEC' },
    { $uuid: '6f1d2c34-0000-4000-8000-000000000001' }, { $date: '2026-11-21' },
    { $int: '-18446744073709551616' }];
  // A set has ids of one kind.
  await one.batch(ids.flatMap((id, index) => [
    { op: 'set', path: `set ${index}` },
    { op: 'put', path: [`set ${index}`, id], item: id }]));
  for (const [id, item] of Object.entries(items)) {
    await one.put(id, item);
    assert.deepEqual(one.items.get(id), item);
  }
  await until(() => other.generation === one.generation);
  assert.deepEqual(contents(one), await server.contents());
  assert.deepEqual(contents(other), await server.contents());
  for (const [index, id] of ids.entries()) {
    assert.deepEqual(other.items.at([`set ${index}`, id]), id);
  }
  await other.batch(ids.map((id, index) => (
    { op: 'remove', path: [`set ${index}`, id] })));
  await until(() => one.items.get('set 9').size === 0);
  await other.remove('set 9');
  await until(() => !one.items.has('set 9'));
  await one.remove('set 9'); // what is gone already is no error
  for (const [write, status] of [
    [() => one.put(['plain', 'x'], 1), 404],
    [() => one.put([], 1), 400],
    [() => one.put('x', { $colour: 'red' }), 400],
    [() => one.makeSet('plain'), 409],
  ]) {
    const error = await write().catch((error) => error);
    assert.ok(error instanceof RequestError, String(error));
    assert.equal(error.status, status, error.message);
    assert.ok(error.detail.length > 10);
  }
});

test('much at once', options, async (test) => {
  const server = await Server.start(test);
  const [one, other] = [connect(test, server), connect(test, server)];
  const events = recorded(other);
  await one.start();
  await other.start();
  const item = 'x'.repeat(1000);
  await one.batch(Array.from({ length: 900 }, (_, index) =>
    ({ op: 'put', path: index, item })));
  assert.equal(one.items.size, 900);
  await until(() => other.items.size === 900);
  assert.deepEqual(new Set(events.map(([type]) => type)),
    new Set(['online', 'added', 'updates']));
});

test('a wrong token', options, async (test) => {
  const server = await Server.start(test, { GSET_TOKEN: 'secret' });
  for (const token of [undefined, 'wrong']) {
    const client = connect(test, server, { token });
    const error = await client.start().catch((error) => error);
    assert.equal(error.status, 401);
  }
  const client = connect(test, server, { token: 'secret' });
  await client.start();
  await client.put('a', 1);
  assert.equal(client.items.get('a'), 1);
});

test('writes only what is as it was', options, async (test) => {
  const server = await Server.start(test);
  const [one, other] = [connect(test, server), connect(test, server)];
  await one.put('ann', { name: 'Ann', age: 42 });
  await one.put('bob', 1);
  await one.sync();
  assert.equal(one.position, `${one.epoch}:${one.generation}`);
  const condition = { unchangedSince: one.position };
  await other.patch('ann', { age: 43, name: null });
  for (const [write, status, change, item] of [
    [() => one.put('ann', 1, condition), 412, 0, { age: 43 }],
    [() => one.patch('ann', { age: 44 }, condition), 412, 0, { age: 43 }],
    [() => one.remove('ann', condition), 412, 0, { age: 43 }],
    [() => one.batch([
      { op: 'put', path: 'bob', item: 2, ...condition },
      { op: 'put', path: 'cy', item: 2, unchangedSince: 'other:1' },
    ]), 412, 1, undefined],
    [() => one.patch('cy', {}), 404, 0, undefined],
  ]) {
    const error = await write().catch((error) => error);
    assert.ok(error instanceof RequestError, String(error));
    assert.deepEqual([error.status, error.change, error.item],
      [status, change, item]);
  }
  await one.put('bob', 2, condition);
  assert.deepEqual(contents(one), [['ann', { age: 43 }], ['bob', 2]]);
  await one.remove('bob', { unchangedSince: one.position });
  const nobody = connect(test, server); // has nothing, at ":0"
  await nobody.put('cy', 1, { unchangedSince: nobody.position });
  assert.deepEqual(await server.contents(), [['ann', { age: 43 }], ['cy', 1]]);
});

test('a server that is killed again and again', options, async (test) => {
  const seed = Number(process.env.GSET_TEST_SEED ?? Date.now() % 1e6);
  console.log(`# GSET_TEST_SEED=${seed}`);
  const random = randomOf(seed);
  const pick = (...choices) => choices[Math.floor(random() * choices.length)];
  const server = await Server.start(test);
  const clients = Array.from({ length: 3 }, () => connect(test, server));
  await Promise.all(clients.map((client) => client.start()));
  const ids = ['a', 'b', 'c', 'set'];
  const write = async (client) => {
    const path = pick([pick(...ids)], ['set', pick(...ids)]);
    const act = pick(
      () => client.put(path, random()), () => client.put(path, random()),
      () => client.remove(path), () => client.makeSet(path),
      () => client.add('set', random()), () => client.sync());
    // A server that is away, or a path that isn't there, is no surprise.
    await act().catch((error) => assert.ok(
      error instanceof RequestError && error.status < 500, String(error)));
  };
  for (let round = 0; round < 4; round += 1) {
    const writers = clients.map(async (client) => {
      for (let count = 0; count < 25; count += 1) {
        await write(client);
      }
    });
    await new Promise((resolve) => setTimeout(resolve, random() * 100));
    await server.kill();
    await Promise.all(writers);
    await server.run();
    // Not waiting until they have noticed.
    await write(pick(...clients));
  }
  await Promise.all(clients.map((client) => client.sync()));
  const expected = await server.contents();
  for (const client of clients) {
    await until(() => client.online);
    await client.sync();
    assert.deepEqual(contents(client), expected);
  }
  // And they follow.
  await clients[0].put('end', 1);
  await until(() => clients.every((client) => client.items.has('end')), 70);
});

test('parts', options, async (test) => {
  const server = await Server.start(test);
  const writer = new Client(server.url);
  const client = new Client(server.url, { parts: ['a', ['rooms', 'x']] });
  test.after(() => [writer, client].forEach((each) => each.close()));
  await writer.start();
  await writer.batch([
    { op: 'set', path: 'a' }, { op: 'put', path: ['a', 'i'], item: 1 },
    { op: 'set', path: 'b' }, { op: 'put', path: ['b', 'i'], item: 1 }]);
  await client.start();
  const was = recorded(client);
  assert.deepEqual(contents(client), sorted([
    { id: 'a', contents: [['i', 1]] },
    { id: 'rooms', contents: [{ id: 'x', contents: [] }] }]));
  await writer.put(['b', 'i'], 2);
  await writer.put(['a', 'i'], 2);
  await until(() => client.items.at(['a', 'i']) === 2);
  client.parts = [...client.parts, 'b'];
  await until(() => client.items.at(['b', 'i']) === 2);
  await writer.put(['b', 'i'], 3);
  await until(() => client.items.at(['b', 'i']) === 3);
  await client.put(['a', 'i'], 4);
  assert.equal(client.items.at(['a', 'i']), 4);
  client.parts = ['b', ['rooms', 'x']];
  assert.equal(client.items.get('a'), undefined);
  await writer.batch([
    { op: 'set', path: 'rooms' }, { op: 'set', path: ['rooms', 'x'] },
    { op: 'put', path: ['rooms', 'x', 'i'], item: 1 }]);
  await until(() => client.items.at(['rooms', 'x', 'i']) === 1);
  await writer.put(['a', 'i'], 5);
  await client.sync();
  assert.equal(client.items.get('a'), undefined);
  assert.deepEqual(client.parts, [['b'], ['rooms', 'x']]);
  assert.ok(!was.some(([type]) => type === 'error' || type === 'reset'));
});

test('parts that the server refuses', options, async (test) => {
  const server = await Server.start(test);
  const client = new Client(server.url, { parts: ['a', ['a', 'b']] });
  await assert.rejects(client.start(), { status: 400, message: /within/ });
});
