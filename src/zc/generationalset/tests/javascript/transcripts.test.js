/**
 * The client does what the transcripts say; see docs/protocol.txt, Conformance.
 *
 * Unlike the transcripts, it asks once more before it opens another stream.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import { Client, Items } from '../../static/gset.js';
import { until } from './faulty.js';
import { entries, sorted } from './vectors.js';

const file = new URL('../vectors/transcripts.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(file));
const bytes = (text) => new TextEncoder().encode(text);

/** A server that does what the steps say. */
class Scripted {
  constructor(steps) {
    this.steps = [...steps];
  }

  fetch = async (text, { signal }) => {
    const url = new URL(text);
    const [step] = this.steps;
    if (!isFor(step, url)) {
      return this.respond(url.pathname === '/events' ? { stream: true } :
        { answer: nothingSince(url.searchParams) }, signal);
    }
    this.steps.shift();
    if (step.response === 'lost') {
      throw new TypeError('lost');
    }
    return this.respond(step.response, signal);
  };

  respond({ status = 200, stream, answer, text }, signal) {
    return stream ? new Response(new ReadableStream({
      start: (controller) => {
        signal.addEventListener('abort', () => controller.error(signal.reason));
      },
      pull: (controller) => this.push(controller, signal),
    })) : new Response(text ?? (answer && JSON.stringify(answer)), { status });
  }

  /** Sends the next piece of the stream, as soon as it is its turn. */
  async push(controller, signal) {
    const isTurn = () => signal.aborted || isPiece(this.steps[0]);
    while (!isTurn()) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    if (!signal.aborted) {
      const { event, bytes: text } = this.steps.shift();
      if (text !== '') {
        controller.enqueue(bytes(text ?? eventOf(event)));
      }
      if (text === '' || event === 'ask') {
        controller.close();
      }
    }
  }
}

const isPiece = (step) => step && ('event' in step || 'bytes' in step);

const isFor = (step, { pathname, searchParams }) =>
  step?.request === pathname &&
  searchParams.has('generation') === 'generation' in step.query &&
  Object.entries(step.query).every(
    ([name, value]) => searchParams.get(name) === value);

const nothingSince = (query) => ({
  format: 1, epoch: query.get('epoch'), since: Number(query.get('generation')),
  generation: Number(query.get('generation')),
  ...query.has('parts') && {
    parts: JSON.parse(query.get('parts')).map((path) => ({ path })) } });

const eventOf = (event) => event === 'ask' ? 'event: ask\ndata: {}\n\n' :
  `event: updates\ndata: ${JSON.stringify(event)}\n\n`;

for (const { name, parts, steps, epoch, generation, contents } of cases) {
  test(`transcript: ${name}`, async (test) => {
    const server = new Scripted(steps);
    test.mock.method(globalThis, 'fetch', server.fetch);
    test.mock.method(Math, 'random', () => 0);
    const client = new Client('http://host', { parts });
    test.after(() => client.close());
    client.start().catch(() => {});
    await until(() => server.steps.length === 0 &&
      client.generation === generation);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(
      [client.epoch, client.generation, sorted(entries(Items, client.items))],
      [epoch, generation, sorted(contents)]);
  });
}
