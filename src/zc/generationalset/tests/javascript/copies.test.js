import assert from 'node:assert/strict';
import test from 'node:test';

import { setUp, types } from './connected.js';
import { json, until } from './faulty.js';

const COUNT = 10;

/** Has a server answer clients that have nothing in pages of two items. */
async function paged(test, { fault = () => false, isPast = () => false }) {
  const all = await setUp(test);
  const { server } = all;
  for (let number = 1; number < COUNT; number += 1) {
    server.put([], `id${number}`, number);
  }
  const asked = [];
  server.fault = (request, response, path) => {
    const { searchParams } = new URL(request.url, server.url);
    if (path !== 'updates' || searchParams.has('generation')) {
      return false;
    }
    const cursor = searchParams.get('cursor');
    asked.push(cursor);
    if (cursor && isPast(server, asked)) {
      return json(response, { detail: 'gone' }, 410) ?? true;
    }
    const { contents, ...answer } = server.model.answer({ generation: 0 });
    const start = Number(cursor);
    const page = contents.slice(start, start + 2);
    const isLast = start + 2 >= contents.length;
    if (!fault(response, asked)) {
      json(response, {
        ...answer, ...cursor && { cursor }, ...isLast ? { contents: page } :
          { adds: page, next: String(start + 2) } });
    }
    return true;
  };
  return { ...all, asked };
}

const cursors = ['', '2', '4', '6', '8'];

test('a copy in pages', async (test) => {
  const { server, client, events, asked } = await paged(test, {});
  let shown;
  client.addEventListener('updates', () => {
    shown ??= client.items.size;
  });
  await client.start();
  assert.equal(shown, 2);
  await until(() => client.generation === server.model.generation);
  assert.deepEqual(asked, cursors);
  assert.equal(client.items.size, COUNT);
  assert.equal(types(events).filter((type) => type === 'added').length, COUNT);
  assert.ok(!types(events).includes('removed'));
});

test('each page is cut once', async (test) => {
  const { server, client, asked } = await paged(test, {
    fault: (response, asked) => asked.length % 2 && response.destroy() });
  await client.start();
  await until(() => client.generation === server.model.generation);
  assert.deepEqual(asked, cursors.flatMap((cursor) => [cursor, cursor]));
  assert.equal(client.items.size, COUNT);
});

test('the server forgets the cursor', async (test) => {
  const { server, client, asked } = await paged(test, {
    isPast: (server, asked) => {
      if (asked.length === 4) {
        server.model.remove([], 'ann');
      }
      return asked.length === 4;
    } });
  await client.start();
  await until(() => client.generation === server.model.generation);
  assert.deepEqual(asked, ['', '2', '4', '6', '', '2', '4', '6', '8']);
  assert.equal(client.items.size, COUNT - 1);
  assert.ok(!client.items.has('ann'));
});

test('something changes while pages are read', async (test) => {
  const { server, client } = await paged(test, {
    fault: (response, asked) => {
      if (asked.length === 3) {
        server.model.put([], 'ann', 'changed');
        server.model.remove([], 'id9');
      }
      return false;
    } });
  await client.start();
  await until(() => client.generation === server.model.generation);
  await client.sync();
  assert.equal(client.items.get('ann'), 'changed');
  assert.ok(!client.items.has('id9'));
});
