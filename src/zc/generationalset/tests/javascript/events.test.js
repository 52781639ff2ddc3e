import assert from 'node:assert/strict';
import test from 'node:test';

import { Client, parseEvents } from '../../static/gset.js';

const collect = async (pieces) => {
  const events = [];
  for await (const event of parseEvents(pieces)) {
    event.type && events.push(event);
  }
  return events;
};

const STREAM = [
  ':', ': alive', '', 'id: 1', 'event: updates', 'data: {"a":1}', '',
  'data:x', 'data: y', 'data', '', 'event: ask', 'data:  {}', '',
  'event: nothing', '', 'data: é日😀:', 'unknown: z', '', 'event: cut',
  'data: cut', ''];
const EVENTS = [
  { type: 'updates', data: '{"a":1}' }, { type: 'message', data: 'x\ny\n' },
  { type: 'ask', data: ' {}' }, { type: 'message', data: 'é日😀:' }];

for (const [name, end] of [['LF', '\n'], ['CRLF', '\r\n']]) {
  const text = STREAM.join(end);

  test(`events, ${name}, in one piece`, async () => {
    assert.deepEqual(await collect([text]), EVENTS);
  });

  test(`events, ${name}, cut in two anywhere`, async () => {
    for (let at = 0; at <= text.length; at += 1) {
      assert.deepEqual(
        await collect([text.slice(0, at), '', text.slice(at)]), EVENTS);
    }
  });

  test(`events, ${name}, one character at a time`, async () => {
    assert.deepEqual(await collect(text), EVENTS);
  });
}

test('an event that is too long is refused, not kept', async () => {
  const million = 'x'.repeat(1_000_000);
  let taken = 0;
  const endless = function* (end) {
    for (yield 'data: '; ; taken += 1) {
      yield million + end;
    }
  };
  for (const end of ['', '\ndata: ']) {
    taken = 0;
    await assert.rejects(collect(endless(end)), /at most/);
    assert.ok(taken < 140, `${taken} million characters`);
  }
});

/** The URL and options of the requests; the bodies are streams of bytes. */
function stubFetch(test, bodies) {
  const { fetch } = globalThis;
  test.after(() => {
    globalThis.fetch = fetch;
  });
  globalThis.fetch = async (url, options) => {
    const pieces = bodies(new URL(url).pathname, options);
    if (!pieces) {
      await new Promise((_, reject) => options.signal.addEventListener(
        'abort', () => reject(options.signal.reason)));
    }
    return new Response(new ReadableStream({
      start(controller) {
        pieces.forEach((piece) => controller.enqueue(piece));
        controller.close();
      },
    }));
  };
}

const bytes = (text) => new TextEncoder().encode(text);

test('bytes may be cut anywhere, within a letter, too', async (test) => {
  const answer = (since, item) => JSON.stringify({
    format: 1, epoch: 'e', since, generation: since + 1,
    adds: [['a', item]] });
  const stream = bytes(`:\n\nevent: updates\ndata: ${answer(1, 'é日😀')}\n\n`);
  for (let at = 0; at <= stream.length; at += 1) {
    let answers = [[bytes(answer(0, 0))]];
    let streams = [[stream.slice(0, at), stream.slice(at)]];
    stubFetch(test, (path) =>
      path === '/events' ? streams.pop() : answers.pop());
    const client = new Client('http://localhost');
    client.start();
    await new Promise((resolve) => client.addEventListener('changed', resolve));
    assert.equal(client.items.get('a'), 'é日😀');
    client.close();
    answers = streams = [];
  }
});

test('what is not UTF-8 is refused', async (test) => {
  const [before, after] = JSON.stringify({
    format: 1, epoch: 'e', since: 0, generation: 2, adds: [['a', '?']],
  }).split('?');
  for (const wrong of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0xaf]]) {
    stubFetch(test, () =>
      [bytes(before), new Uint8Array(wrong), bytes(after)]);
    const client = new Client('http://localhost');
    await assert.rejects(client.sync());
    assert.equal(client.generation, 0);
  }
});
