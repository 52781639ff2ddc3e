/** Tokens that expire, and users who may not see any more. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { setUp, started, types } from './connected.js';
import { json, until } from './faulty.js';

/** Has a server let in those with one token; the streams of others end. */
function want(server, token, status = 401) {
  server.fault = (request, response) =>
    request.headers.authorization !== `Bearer ${token}` &&
    json(response, { detail: 'not with this token' }, status);
  server.cut();
}

const isOffline = (events) => types(events).includes('offline');

for (const status of [401, 403, 404]) {
  test(`${status} in the middle: it stops, and tells`, async (test) => {
    const { server, client, events } = await started(test, { token: 'old' });
    want(server, 'new', status);
    await until(() => isOffline(events));
    const { error, delay } = events.at(-1)[1];
    assert.equal(error.status, status);
    assert.equal(delay, Infinity);
    assert.ok(!client.online);
    assert.ok(client.items.has('ann')); // the user has seen it
    const { length } = server.requests;
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(server.requests.length, length);
    server.put([], 'bob', 1);
    client.token = 'new';
    assert.equal(client.token, 'new');
    await until(() => client.online && client.items.has('bob'));
    assert.match(server.requests[length], /^GET updates\?generation=2/);
    await until(() => server.streams === 1);
  });
}

test('a wrong token again, and again', async (test) => {
  const { server, client, events } = await started(test, { token: 'old' });
  want(server, 'new');
  for (const [index, token] of ['old', 'older', 'oldest'].entries()) {
    client.token = token;
    await until(() => events.filter(
      ([type]) => type === 'offline').length === index + 1);
  }
  client.token = 'new';
  await until(() => client.online && server.streams === 1);
});

test('a listener may give the new token', async (test) => {
  const { server, client, events } = await started(test, { token: 'old' });
  client.addEventListener('offline', () => {
    client.token = 'new';
  });
  want(server, 'new');
  await until(() => isOffline(events) && client.online);
  await until(() => server.streams === 1);
});

test('a token that is still good may be replaced', async (test) => {
  const { server, client, events } = await started(test, { token: 'old' });
  let token;
  server.fault = (request) => {
    token = request.headers.authorization;
    return false;
  };
  client.token = 'new';
  await until(() => server.count('GET events') === 2 && server.streams === 1);
  assert.equal(token, 'Bearer new');
  assert.ok(!isOffline(events));
  assert.throws(() => {
    client.token = 'new\n';
  }, TypeError);
  assert.equal(client.token, 'new');
});

test('retry asks once more', async (test) => {
  const { server, client, events } = await started(test, { token: 'old' });
  want(server, 'new');
  await until(() => isOffline(events));
  const { length } = server.requests;
  client.retry();
  await until(() => events.filter(([type]) => type === 'offline').length === 2);
  assert.equal(server.requests.length, length + 1);
  server.fault = () => false;
  client.retry();
  await until(() => client.online);
});

test('so does a network, or a user, that is back', async (test) => {
  const window = new EventTarget();
  globalThis.addEventListener = window.addEventListener.bind(window);
  test.after(() => {
    delete globalThis.addEventListener;
  });
  const { server, client, events } = await started(test, { token: 'old' });
  want(server, 'new');
  await until(() => isOffline(events));
  server.fault = () => false;
  window.dispatchEvent(new Event('online'));
  await until(() => client.online);
});

test('writes reject, and the token can be set for the next', async (test) => {
  const { server, client } = await started(test, { token: 'old' });
  want(server, 'new');
  const error = await client.put('bob', 1).catch((error) => error);
  assert.equal(error.status, 401);
  client.token = 'new';
  await client.put('bob', 1);
  assert.ok(client.items.has('bob'));
});

test('a client may be closed while it is refused', async (test) => {
  const { server, client, events } = await started(test, { token: 'old' });
  want(server, 'new');
  await until(() => isOffline(events));
  client.close();
  const { length } = server.requests;
  client.token = 'new';
  client.retry();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(server.requests.length, length);
});

test('forgetting: nothing stays, and the client is closed', async (test) => {
  const { server, client, events } = await started(test);
  await client.forget();
  assert.equal(client.items.size, 0);
  assert.equal(client.generation, 0);
  assert.deepEqual(types(events).slice(-2), ['removed', 'updates']);
  await until(() => server.streams === 0);
  await assert.rejects(client.put('bob', 1));
  const other = await setUp(test);
  await other.client.forget(); // before it has begun
  assert.deepEqual(other.server.requests, []);
});
