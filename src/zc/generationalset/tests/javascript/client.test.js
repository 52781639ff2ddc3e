import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'node:test';

import { Client, Items, RequestError } from '../../static/gset.js';
import { event, Faulty, json, recorded, until } from './faulty.js';

// Times before another try are random; here they are short, too.
const { random } = Math;
Math.random = () => random() / 20;

/** A server, a client of it, and the client's events. */
async function setUp(test, options) {
  const server = await Faulty.start(test);
  server.put([], 'ann', { name: 'Ann' });
  const client = new Client(server.url, options);
  test.after(() => client.close());
  return { server, client, events: recorded(client) };
}

async function started(test, options) {
  const all = await setUp(test, options);
  await all.client.start();
  await until(() => all.server.streams === 1);
  return all;
}

/** Has the times be as long as they may be. */
function slow(test) {
  const { random } = Math;
  test.after(() => {
    Math.random = random;
  });
  Math.random = () => 1;
}

const types = (events) => events.map(([type]) => type);

/** The same, as a server would write it. */
const reply = (server, client, members) =>
  ({ ...server.model.answer(client), ...members });

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
    epoch: 'epoch 1', generation: 2, size });
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
    new Map(), '\ud800', { $int: '1' }, { a: undefined }, cyclic, Symbol()]) {
    await assert.rejects(client.put('a', item), TypeError);
    await assert.rejects(client.batch([{ op: 'add', path: [], item }]));
  }
  for (const id of [2 ** 53, null, {}, { $int: '1' }, [], true, undefined]) {
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
  assert.ok(error instanceof RequestError);
  assert.equal(error.status, 0);
  await until(() => client.items.has('bob'));
});

test('a lost response to a removal', async (test) => {
  const { server, client } = await started(test);
  let lost = 1;
  server.fault = (request, response, path) => {
    if (path === 'batch' && !server.model.root.entries.has('"ann"')) {
      return json(response, { detail: 'there is no such item' }, 404);
    }
    return path === 'written' && lost-- > 0 && Boolean(response.destroy());
  };
  await client.remove('ann');
  assert.ok(!client.items.has('ann'));
  assert.equal(server.count('POST'), 2);
  const error = await client.remove('ann').catch((error) => error);
  assert.equal(error.status, 404);
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

test('it comes back after the server, with what it has', async (test) => {
  const { server, client, events } = await started(test);
  await server.stop();
  await until(() => !client.online);
  server.put([], 'bob', 1);
  server.requests.length = 0;
  await server.listen(server.port);
  await until(() => client.items.has('bob'));
  assert.equal(server.requests[0], 'GET updates?generation=2&epoch=epoch+1');
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
  assert.equal(server.requests[0], 'GET updates?generation=2&epoch=epoch+1');
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

test('times grow to a minute, are random, and begin anew', async (test) => {
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
  // After a success the first time is for the stream, which isn't told.
  assert.deepEqual(delays, [1, 2, 4, 8, 16, 32, 60, 60, 60, 2, 4, 8]);
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

test('later it is not', async (test) => {
  const { server, client, events } = await started(test);
  server.fault = (request, response) => json(response, {}, 401);
  server.cut();
  await until(() => types(events).includes('offline'));
  assert.equal(events.at(-1)[1].error.status, 401);
  server.fault = () => false;
  await until(() => client.online);
});

test('at the start, other failures are not', async (test) => {
  const { server, client } = await setUp(test);
  let left = 3;
  server.fault = (request, response) => left-- > 0 &&
    json(response, {}, [429, 500, 503][left]);
  await client.start();
  assert.ok(client.items.has('ann'));
});

test('bad events are refused, told, and made up for', async (test) => {
  const { server, client, events } = await started(test);
  const since = () => ({ ...reply(server, client), generation: 9 });
  let count = 1;
  for (const bad of [
    () => 'event: updates\ndata: {\n\n',
    () => 'event: updates\ndata: <html>\n\n',
    () => event({ ...since(), adds: [['a', 2 ** 60]] }),
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
  const gap = { ...server.model.answer({ generation: 3, epoch: 'epoch 1' }),
    since: 99, generation: 100, epoch: 'epoch 1' };
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
  await until(() => client.epoch === 'epoch 2');
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
  assert.throws(() => new Client('http://localhost', { token: 'a\nb' }),
    TypeError);
});

test('the URL may end in slashes', async (test) => {
  const { server } = await setUp(test);
  for (const end of ['', '/', '//', '/?x#y']) {
    const client = new Client(server.url + end);
    await client.sync();
    client.close();
    assert.equal(server.requests.pop(), 'GET updates');
  }
});
