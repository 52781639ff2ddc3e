import assert from 'node:assert/strict';
import test from 'node:test';

import { reply, setUp, started, types } from './connected.js';
import { event, json, until } from './faulty.js';

test('bad events are refused, told, and made up for', async (test) => {
  const { server, client, events } = await started(test);
  const since = () => ({ ...reply(server, client), generation: 9 });
  let count = 1;
  for (const bad of [
    () => 'event: updates\ndata: {\n\n',
    () => 'event: updates\ndata: <html>\n\n',
    () => event({ ...since(), adds: [[2 ** 60, 1]] }),
    () => event({ ...since(), removals: ['ann'], adds: [[null, 1]] }),
    () => event({ ...since(), format: 2 }),
  ]) {
    events.length = 0;
    server.write(bad());
    await until(() => types(events).includes('error'));
    assert.deepEqual(types(events), ['error']);
    assert.equal(client.generation, 2);
    count += 1;
    await until(() => server.count('GET events') === count);
    await until(() => server.streams === 1);
  }
  server.put([], 'bob', 1);
  await until(() => client.items.has('bob'));
});

test('bad answers are refused, told, and asked for again', async (test) => {
  const { server, client, events } = await setUp(test);
  const bad = ['', '{', 'null', '{"format":1}', '<html>',
    '{"format":1,"epoch":"e","since":0,"generation":2,' +
    '"adds":[["a",1],[9007199254740993,1]]}'];
  server.fault = (request, response) => bad.length > 3 &&
    Boolean(response.end(bad.pop()));
  await client.start();
  assert.deepEqual(types(events), [
    'online', 'error', 'offline', 'online', 'error', 'offline', 'online',
    'error', 'offline', 'online', 'added', 'updates']);
  assert.ok(!client.items.has('a'));
});

test('events that do not fit', async (test) => {
  const { server, client } = await started(test);
  const first = server.model.answer({ generation: 0 });
  server.write(event(first));
  const late = reply(server, client);
  server.put([], 'bob', 1);
  await until(() => client.generation === 3);
  server.write(event(late));
  assert.equal(server.count('GET updates'), 1);
  // Newer, but not since what it has: it asks.
  server.model.put([], 'cy', 1);
  const gap = { ...server.model.answer({ generation: 3, epoch: 'epoch-1' }),
    since: 99, generation: 100, epoch: 'epoch-1' };
  server.write(event(gap));
  await until(() => client.items.has('cy'));
  assert.equal(server.count('GET updates'), 2);
  server.put([], 'dan', 1);
  await until(() => client.items.has('dan'));
  assert.equal(server.count('GET events'), 1);
});

test('answers out of a cache are ignored', async (test) => {
  const { server, client, events } = await started(test);
  const stale = [server.model.answer({ generation: 0 }), reply(server, client)];
  server.put([], 'bob', 1);
  await until(() => client.generation === 3);
  server.model.put([], 'cy', 1);
  let count = 0;
  server.fault = (request, response, path) => {
    assert.equal(request.headers['cache-control'], 'no-cache');
    count += path === 'updates';
    return path === 'updates' && count < 5 &&
      json(response, stale[count % 2]);
  };
  await client.sync();
  assert.equal(count, 5);
  assert.ok(client.items.has('cy'));
  server.fault = (request, response, path) => path === 'updates' &&
    json(response, stale[0]);
  await assert.rejects(client.sync(), /cache/);
  assert.ok(!types(events).includes('reset'));
});

test('a client that lacks what it should keep starts over', async (test) => {
  const { server, client, events } = await started(test);
  events.length = 0;
  server.model.put([], 'bob', 1);
  const wrong = { contents: [], keep: ['ann', 'eve'] };
  server.write(event({ ...reply(server, client), adds: undefined, ...wrong }));
  await until(() => client.items.size === 2);
  assert.equal(client.generation, server.model.generation);
  assert.deepEqual(types(events), [
    'removed', 'updates', 'added', 'added', 'updates']);
  server.model.put([], 'cy', 1);
  let count = 0;
  server.fault = (request, response, path) => {
    count += path === 'updates';
    return path === 'updates' && json(response, {
      ...server.model.answer({ generation: count > 1 ? 0 : 3,
        epoch: client.epoch }), adds: undefined, ...wrong });
  };
  await assert.rejects(client.sync(), /an answer since 0/);
  assert.ok(count < 10);
});

test('another epoch', async (test) => {
  const { server, client, events } = await started(test);
  server.put([], 'bob', 1);
  await until(() => client.generation === 3);
  events.length = 0;
  server.model = new (server.model.constructor)();
  server.model.renew();
  server.model.put([], 'ann', { name: 'Ann' });
  server.model.put([], 'cy', 1);
  server.push();
  await until(() => client.epoch === 'epoch-2');
  assert.deepEqual(types(events), ['reset', 'removed', 'added', 'updates']);
  assert.deepEqual(events[0][1], { reason: 'epoch' });
  assert.deepEqual([...client.items.keys()], ['ann', 'cy']);
});

test('answers to questions asked at the same time', async (test) => {
  const { server, client, events } = await started(test);
  await Promise.all(Array.from({ length: 20 }, (_, index) => [
    client.put(['bob'], index), client.sync(),
    client.put([index], index)]).flat());
  await client.sync();
  assert.equal(client.items.size, 22);
  assert.equal(client.generation, server.model.generation);
  assert.ok(!types(events).includes('error'));
});
