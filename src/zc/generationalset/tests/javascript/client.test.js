import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'node:test';

import { Client, Items, MaybeWritten, RequestError } from '../../static/gset.js';
import { setUp, started, types } from './connected.js';
import { json, until } from './faulty.js';

test('it starts, follows, and says what happens', async (test) => {
  const { server, client, events } = await started(test);
  assert.ok(client.online);
  assert.equal(client.generation, 2);
  assert.deepEqual(client.items.get('ann'), { name: 'Ann' });
  assert.deepEqual(types(events), ['online', 'added', 'updates']);
  const size = JSON.stringify(server.model.answer(
    { generation: 0 })).length;
  assert.deepEqual(events[2][1], {
    changes: [{ kind: 'added', path: ['ann'], item: { name: 'Ann' } }],
    epoch: 'epoch-1', generation: 2, size });
  server.put([], 'cards');
  server.put(['cards'], 1, 'x');
  await until(() => client.generation === 4);
  server.put(['cards'], 1, 'y');
  server.remove([], 'cards');
  await until(() => client.generation === 6);
  assert.deepEqual(events.slice(3).filter(([type]) => type !== 'updates'), [
    ['added', { path: ['cards'], item: events.at(-2)[1].item }],
    ['added', { path: ['cards', 1], item: 'x' }],
    ['changed', { path: ['cards', 1], item: 'y' }],
    ['removed', { path: ['cards'], item: events.at(-2)[1].item }]]);
  assert.ok(events.at(-2)[1].item instanceof Items);
  assert.equal(server.count('GET events'), 1);
});

test('it is started once', async (test) => {
  const { server, client } = await setUp(test);
  assert.equal(client.start(), client.start());
  await client.start();
  await until(() => server.streams);
  assert.equal(server.count('GET'), 2);
});

test('what has asked before it starts has something to show', async (test) => {
  const { server, client, events } = await setUp(test);
  await client.sync();
  await client.start();
  await until(() => server.streams === 1);
  assert.deepEqual(types(events), ['online', 'added', 'updates']);
});

test('what is written is there when the promise resolves', async (test) => {
  const { client } = await started(test);
  await client.put('bob', { name: 'Bob' });
  assert.deepEqual(client.items.get('bob'), { name: 'Bob' });
  await client.makeSet(['cards']);
  const id = await client.add('cards', 'x');
  assert.match(id, /^\w{10,22}$/);
  assert.equal(client.items.at(['cards', id]), 'x');
  assert.notEqual(await client.add(['cards'], 'x'), id);
  assert.match(await client.add([], 'top'), /^\w+$/);
  const ids = await client.batch([
    { op: 'remove', path: 'cards' }, { op: 'put', path: [1], item: null },
    { op: 'set', path: { $tuple: [] } }, { op: 'add', path: [], item: 0 }]);
  assert.deepEqual(ids.slice(0, 3), ['cards', 1, { $tuple: [] }]);
  assert.equal(client.items.get(ids[3]), 0);
  assert.ok(!client.items.has('cards'));
  await client.remove('bob');
  assert.ok(!client.items.has('bob'));
});

test('own writes are reported once', async (test) => {
  const { server, client, events } = await started(test);
  await client.put('bob', 1);
  await client.put('bob', 1);
  await client.put('cy', 1);
  await until(() => server.streams);
  server.put([], 'dan', 1);
  await until(() => client.items.has('dan'));
  assert.deepEqual(
    events.filter(([type]) => type === 'added').map(([, { path }]) => path),
    [['ann'], ['bob'], ['cy'], ['dan']]);
  assert.deepEqual(types(events).filter((type) => type === 'changed'), []);
});

test('what can not be written is an error before it is sent', async (test) => {
  const { server, client } = await started(test);
  const cyclic = [];
  cyclic.push(cyclic);
  for (const item of [undefined, NaN, 2 ** 53, 10n, () => 0, new Date(0),
    new Map(), '\ud800', { a: undefined }, { '\ud800': 1 }, Array(1), cyclic,
    Symbol()]) {
    await assert.rejects(client.put('a', item), TypeError);
    await assert.rejects(client.batch([{ op: 'add', path: [], item }]));
  }
  for (const id of [2 ** 53, null, {}, { $int: 1 }, [], true, undefined]) {
    await assert.rejects(client.put([id], 1), TypeError);
    await assert.rejects(client.remove(['a', id]), TypeError);
  }
  assert.equal(server.count('POST'), 0);
});

test('what the server says no to is told', async (test) => {
  const { server, client } = await started(test);
  server.fault = (request, response) => json(response, {
    title: 'Conflict', status: 409, detail: 'expected a set', change: 1 }, 409);
  const error = await client.put('a', 1).catch((error) => error);
  assert.ok(error instanceof RequestError);
  assert.equal(error.status, 409);
  assert.equal(error.detail, 'expected a set');
  assert.equal(error.change, 1);
  assert.match(error.message, /409.*expected a set/);
  assert.ok(client.online);
  for (const body of ['', 'null', '[]', '<html>', '{"detail": 7}']) {
    server.fault = (request, response) => {
      response.writeHead(500).end(body);
      return true;
    };
    assert.equal((await client.put('a', 1).catch((e) => e)).status, 500);
  }
});

test('before there is anything, a write brings nothing', async (test) => {
  const { server, client } = await setUp(test);
  await client.put('bob', 1);
  assert.equal(client.generation, 0);
  assert.deepEqual(server.requests, ['POST batch']);
});

test('a lost response: written again, and there once', async (test) => {
  const { server, client } = await started(test);
  let lost = 1;
  server.fault = (request, response, path) =>
    path === 'written' && lost-- > 0 && Boolean(response.destroy());
  const id = await client.add([], 'x');
  assert.equal(server.count('POST'), 2);
  assert.deepEqual([...client.items.keys()], ['ann', id]);
  lost = 2;
  const error = await client.put('bob', 1).catch((error) => error);
  assert.ok(error instanceof MaybeWritten);
  assert.ok(error instanceof RequestError);
  assert.equal(error.status, 0);
  await until(() => client.items.has('bob'));
});

/** Has a server lose the first response, and make nothing twice. */
function loseOnce(server, second) {
  let isMade = false;
  server.fault = (request, response, path) => {
    if (path === 'batch' && isMade) {
      return second(response);
    }
    isMade ||= path === 'written';
    return path === 'written' && Boolean(response.destroy());
  };
}

const gone = (response) =>
  json(response, { detail: 'there is no such item', change: 0 }, 404);

test('a lost response to several changes is no refusal', async (test) => {
  const { server, client } = await started(test);
  loseOnce(server, (response) => {
    server.put([], 'bob', 2); // by somebody else
    return gone(response);
  });
  const error = await client.batch([
    { op: 'remove', path: 'ann' }, { op: 'put', path: 'bob', item: 1 },
  ]).catch((error) => error);
  assert.ok(error instanceof MaybeWritten);
  assert.equal(error.status, 0);
  assert.equal(error.change, undefined);
  assert.match(error.message, /may have been written.*no such item/);
  await until(() => client.items.has('bob') && !client.items.has('ann'));
});

test('nor is one to a write that is refused then', async (test) => {
  const { server, client } = await started(test);
  for (const status of [401, 403, 409, 429, 503]) {
    loseOnce(server, (response) => json(response, {}, status));
    const error = await client.put('bob', status).catch((error) => error);
    assert.ok(error instanceof MaybeWritten, String(error));
  }
});

test('what failed after the write was begun may be there', async (test) => {
  const { server, client } = await started(test);
  for (const [status, isLost] of [[500, true], [502, true], [503, false]]) {
    server.fault = (request, response) => json(response, {}, status);
    const error = await client.put('bob', 1).catch((error) => error);
    assert.equal(error instanceof MaybeWritten, isLost);
    assert.equal(error.status, status);
  }
  server.fault = (request, response) => Boolean(response.end('<html>')) | true;
  const error = await client.put('bob', 1).catch((error) => error);
  assert.ok(error instanceof MaybeWritten);
});

test('a write is made, though its updates make no sense', async (test) => {
  const { server, client, events } = await started(test);
  server.fault = (request, response, path) => path === 'written' &&
    json(response, { updates: { format: 2 } });
  await client.put('bob', 1);
  assert.equal(events.find(([type]) => type === 'error')[1].error.name,
    'TypeError');
  await until(() => client.items.has('bob'));
});

test('a request that was lost is sent again', async (test) => {
  const { server, client } = await started(test);
  let lost = 1;
  server.fault = (request, response, path) =>
    path === 'batch' && lost-- > 0 && Boolean(response.destroy());
  await client.put('bob', 1);
  assert.ok(client.items.has('bob'));
});

test('without a server, writes reject at once', async (test) => {
  const { server, client, events } = await started(test);
  await server.stop();
  await until(() => !client.online);
  const began = Date.now();
  await assert.rejects(client.put('bob', 1), RequestError);
  assert.ok(Date.now() - began < 1000);
  const offline = events.find(([type]) => type === 'offline')[1];
  assert.ok(offline.error instanceof RequestError);
  assert.ok(offline.delay >= 0 && offline.delay <= 2);
});

test('closing ends everything', async (test) => {
  const { server, client, events } = await started(test);
  const pending = [client.put('bob', 1), client.sync()];
  events.length = 0;
  client.close();
  client.close();
  for (const promise of pending) {
    await assert.rejects(promise, RequestError);
  }
  await assert.rejects(client.put('bob', 1), RequestError);
  await until(() => server.streams === 0);
  server.put([], 'cy', 1);
  assert.deepEqual(events, []);
  await client.start();
});

test('closing at any time of the start', async (test) => {
  for (let delay = 0; delay < 20; delay += 1) {
    const { server, client } = await setUp(test);
    const promise = client.start();
    await new Promise((resolve) => setTimeout(resolve, delay));
    client.close();
    await promise;
    await until(() => server.streams === 0);
    const { length } = server.requests;
    server.cut();
    await new Promise((resolve) => setTimeout(resolve, 5));
    assert.ok(server.requests.length <= length + 1);
  }
});

test('a listener may close it, or write', async (test) => {
  const { server, client, events } = await started(test);
  client.addEventListener('added', ({ detail: { path } }) =>
    path[0] === 'bob' && client.put('cy', 1), { once: true });
  server.put([], 'bob', 1);
  await until(() => client.items.has('cy'));
  client.addEventListener('added', () => client.close());
  server.put([], 'dan', 1);
  await until(() => server.streams === 0);
  assert.equal(events.at(-1)[0], 'added');
});

/** Runs a module that has a client; returns its exit code and output. */
async function runNode(source) {
  const module = new URL('../../static/gset.js', import.meta.url);
  const child = spawn(process.execPath, ['--input-type=module', '-e',
    `import { Client } from '${module}';\n${source}`]);
  let output = '';
  child.stdout.on('data', (data) => {
    output += data;
  });
  child.stderr.on('data', (data) => {
    output += data;
  });
  const [code] = await once(child, 'exit');
  return [code, output];
}

test('when it is closed, Node ends by itself', async (test) => {
  const { server } = await setUp(test);
  assert.deepEqual(await runNode(`
    const client = new Client('${server.url}', { store: 'things' });
    client.addEventListener('error', ({ detail }) =>
      console.log(detail.error.message));
    await client.start();
    await client.put('bob', 1);
    console.log(client.items.size);
    client.close();
  `), [0, 'indexedDB is not defined\n2\n']);
});

test('also while it waits', async (test) => {
  const { server } = await setUp(test);
  server.fault = (request, response) =>
    json(response, {}, 503, { 'Retry-After': '600' });
  const began = Date.now();
  assert.deepEqual(await runNode(`
    const client = new Client('${server.url}');
    client.addEventListener('offline', () => client.close());
    await client.start();
    await new Promise((resolve) => setImmediate(resolve));
    client.close();
  `), [0, '']);
  assert.ok(Date.now() - began < 20_000);
});

test('what it is made of is checked', () => {
  assert.throws(() => new Client('./'), TypeError);
  assert.throws(() => new Client(''), TypeError);
  const refuse = (options, pattern) => assert.throws(
    () => new Client('http://localhost', options), (error) =>
      error instanceof TypeError && pattern.test(error.message));
  for (const token of ['a\nb', 'é', '', 7]) {
    refuse({ token }, /token of ASCII/);
  }
  refuse({ tokn: 'x' }, /got "tokn"/);
  refuse({ store: 7 }, /name of the store/);
  for (const heartbeat of [0, -1, NaN, Infinity, 'soon']) {
    refuse({ heartbeat }, /heartbeat/);
  }
  for (const token of [undefined, null]) {
    assert.equal(new Client('http://localhost', { token }).token, undefined);
  }
});

test('nothing of a URL is dropped silently', () => {
  for (const url of ['http://localhost/sync?tenant=acme', 'http://localhost/#x',
    'ftp://localhost/', 'file:///sync', 'data:,x']) {
    assert.throws(() => new Client(url), (error) =>
      error instanceof TypeError && error.message.includes(url));
  }
  for (const url of ['http://ann@localhost', 'http://ann:secret@localhost',
    'http://:secret@localhost']) {
    assert.throws(() => new Client(url), (error) =>
      error instanceof TypeError && /user and password/.test(error.message) &&
      !error.message.includes('secret'));
  }
});

test('the URL may end in slashes', async (test) => {
  const { server } = await setUp(test);
  for (const end of ['', '/', '//', '/?', '/#']) {
    const client = new Client(server.url + end);
    await client.sync();
    client.close();
    assert.equal(server.requests.pop(), 'GET updates?cursor=');
  }
});
