import assert from 'node:assert/strict';
import test from 'node:test';

import { Client } from '../../static/gset.js';
import { setUp, slow, started, types } from './connected.js';
import { json, until } from './faulty.js';

test('it comes back after the server, with what it has', async (test) => {
  const { server, client, events } = await started(test);
  await server.stop();
  await until(() => !client.online);
  server.put([], 'bob', 1);
  server.requests.length = 0;
  await server.listen(server.port);
  await until(() => client.items.has('bob'));
  assert.equal(server.requests[0],
    'GET updates?generation=2&epoch=epoch-1&cursor=');
  const kinds = types(events);
  assert.deepEqual(
    kinds.filter((type) => !['added', 'updates'].includes(type)),
    ['online', ...kinds.filter((type) => type === 'offline'), 'online']);
});

test('a write that gets through wakes it', async (test) => {
  slow(test); // 1, 2, 4, 8, 16 ... seconds
  const { server, client, events } = await started(test);
  const refuse = (request, response) =>
    json(response, {}, 500);
  server.fault = refuse;
  server.cut();
  await until(() => types(events).filter(
    (type) => type === 'offline').length === 3);
  const began = Date.now();
  server.fault = () => false;
  await client.put('bob', 1);
  await until(() => server.streams === 1);
  assert.ok(client.online);
  assert.ok(Date.now() - began < 3000);
});

test('streams that end are opened again, nobody is told', async (test) => {
  const { server, client, events } = await started(test);
  for (let time = 1; time <= 3; time += 1) {
    server.cut();
    await until(() => server.count('GET events') === time + 1);
    server.put([], time, time);
    await until(() => client.items.has(time) && server.streams === 1);
  }
  assert.deepEqual(types(events).filter(
    (type) => !['added', 'updates'].includes(type)), ['online']);
});

test('after each stream there is a rest', async (test) => {
  const { server } = await started(test);
  slow(test);
  server.fault = (request, response, path) => path === 'events' &&
    Boolean(response.writeHead(200).end(':\n\n')) | true;
  server.cut();
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.ok(server.count('GET events') <= 2, server.requests.join());
});

test('silence: another stream', async (test) => {
  const { server, client } = await started(test, { heartbeat: 0.02 });
  // The second and later ones are opened, and say nothing more.
  await until(() => server.count('GET events') >= 3);
  assert.ok(client.online);
  const beat = setInterval(() => server.write(':\n\n'), 10);
  test.after(() => clearInterval(beat));
  await until(() => server.streams === 1);
  const count = server.count('GET events');
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.ok(server.count('GET events') <= count + 1);
});

test('a stream that says so is left to ask', async (test) => {
  const { server, client } = await started(test);
  server.model.put([], 'bob', 1);
  server.requests.length = 0;
  server.write('event: ask\ndata: {}\n\n');
  server.cut();
  await until(() => client.items.has('bob') && server.streams === 1);
  assert.equal(server.requests[0],
    'GET updates?generation=2&epoch=epoch-1&cursor=');
  assert.match(server.requests.at(-1), /^GET events\?generation=3/);
});

for (const [name, fault] of [
  ['404', (response) => json(response, {}, 404)],
  ['405', (response) => json(response, {}, 405)],
  ['something else', (response) => json(response, { hello: 'world' })],
  ['HTML', (response) => response.end('<html>\nevent: x\n\n</html>')],
]) {
  test(`without streams (${name}) it polls`, async (test) => {
    const { server, client, events } = await setUp(test);
    server.fault = (request, response, path) =>
      path === 'events' && Boolean(fault(response)) | true;
    await client.start();
    await until(() => server.requests.at(-1).includes('wait=25'));
    assert.ok(client.online);
    assert.equal(server.count('GET events'), 3);
    server.put([], 'bob', 1);
    await until(() => client.items.has('bob'));
    assert.deepEqual(types(events).filter((type) => type !== 'added'
      && type !== 'updates'), ['online']);
  });
}

test('streams in which nothing arrives: it polls', async (test) => {
  const { server, client } = await setUp(test, { heartbeat: 0.02 });
  server.fault = (request, response, path) => path === 'events' &&
    Boolean(response.writeHead(
      200, { 'Content-Type': 'text/event-stream' }).flushHeaders()) | true;
  await client.start();
  await until(() => server.requests.at(-1).includes('wait=25'));
  assert.equal(server.count('GET events'), 3);
});

test('Retry-After is obeyed', async (test) => {
  const { server, client, events } = await setUp(test);
  const later = (seconds) =>
    new Date(Date.now() + seconds * 1000).toUTCString();
  const cases = [
    ['2', 2], [later(4), 2], ['0', 0], ['-5', 0], ['soon', 0], ['', 0],
    [later(-60), 0], ['999999999', 3600]];
  let header;
  server.fault = (request, response) => json(
    response, {}, 503, header === undefined ? {} : { 'Retry-After': header });
  for (const [text, least] of cases) {
    header = text;
    const error = await client.sync().catch((error) => error);
    assert.equal(error.status, 503);
    assert.ok(error.retryAfter >= least && error.retryAfter <= least + 3,
      `${text}: ${error.retryAfter}`);
  }
  header = '1';
  client.start();
  await until(() => types(events).includes('offline'));
  const began = Date.now();
  const { delay } = events.at(-1)[1];
  assert.ok(delay >= 1 && delay <= 2, String(delay));
  header = undefined;
  server.fault = () => false;
  await client.start();
  assert.ok(Date.now() - began > 900);
});

test('a date in Retry-After is by the clock of the server', async (test) => {
  const { server, client } = await setUp(test);
  server.fault = (request, response) => json(response, {}, 503, {
    'Retry-After': 'Fri, 20 Nov 2020 10:00:30 GMT',
    Date: 'Fri, 20 Nov 2020 10:00:00 GMT',
  });
  const error = await client.sync().catch((error) => error);
  assert.equal(error.retryAfter, 30);
});

/** The times that a client waits; the tenth try is a success. */
async function delaysOf(test) {
  const { fetch, setTimeout } = globalThis;
  test.after(() => Object.assign(globalThis, { fetch, setTimeout }));
  slow(test);
  let works = false;
  globalThis.fetch = async () => {
    if (!works) {
      throw new TypeError('fetch failed');
    }
    works = false;
    return new Response('{"format":1,"epoch":"e","since":0,"generation":1}');
  };
  // All are over at once but the one that waits for the response.
  globalThis.setTimeout = (task, delay, ...rest) =>
    setTimeout(task, delay === 30_000 ? delay : 0, ...rest);
  const client = new Client('http://localhost');
  const delays = [];
  client.addEventListener('offline', ({ detail: { delay } }) => {
    delays.push(delay);
    if (delays.length === 9) {
      works = true;
    } else if (delays.length === 12) {
      client.close();
    }
  });
  client.start();
  await until(() => delays.length === 12);
  return delays;
}

test('times grow to a minute, are random, and begin anew', async (test) => {
  // After a success the first time is for the stream, which isn't told.
  assert.deepEqual(await delaysOf(test),
    [1, 2, 4, 8, 16, 32, 60, 60, 60, 2, 4, 8]);
});

/** Has a page that is visible, or isn't. */
function show(test, hidden) {
  globalThis.document = { hidden };
  test.after(() => {
    delete globalThis.document;
  });
}

test('nobody who looks at a page waits longer than 5 s', async (test) => {
  show(test, false);
  assert.deepEqual(await delaysOf(test),
    [1, 2, 4, 5, 5, 5, 5, 5, 5, 2, 4, 5]);
});

test('a page that is hidden waits as Node does', async (test) => {
  show(test, true);
  assert.equal(Math.max(...await delaysOf(test)), 60);
});

test('retry tries at once', async (test) => {
  const { server, client, events } = await setUp(test);
  client.retry(); // nothing is there to be tried
  server.fault = (request, response) =>
    json(response, {}, 503, { 'Retry-After': '600' });
  client.start();
  await until(() => types(events).includes('offline'));
  client.retry();
  await until(() => types(events).length === 2);
  assert.equal(events[1][0], 'offline');
  server.fault = () => false;
  client.retry();
  await until(() => client.online && server.streams === 1);
  client.retry();
  assert.equal(server.count('GET events'), 1);
  assert.equal(server.streams, 1);
});

test('at the start, a refusal is the end', async (test) => {
  const { server, client, events } = await setUp(test, { token: 'x' });
  server.fault = (request, response) => {
    assert.equal(request.headers.authorization, 'Bearer x');
    return json(response, { detail: 'a wrong token' }, 401);
  };
  const error = await client.start().catch((error) => error);
  assert.equal(error.status, 401);
  assert.equal(error.detail, 'a wrong token');
  await assert.rejects(client.sync());
  assert.equal(server.requests.length, 1);
  assert.deepEqual(types(events), ['offline']);
});

test('at the start, other failures are not', async (test) => {
  const { server, client } = await setUp(test);
  let left = 5;
  server.fault = (request, response) => left-- > 0 &&
    json(response, {}, [408, 425, 429, 500, 503][left]);
  await client.start();
  assert.ok(client.items.has('ann'));
});
