/** A server in this process, whose faults tests choose. */

import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';

import { Model } from './model.js';

export class Faulty {
  model = new Model();
  requests = []; // "GET updates?generation=3&epoch=..."
  /** Called with (request, response, path); true if that was the response. */
  fault = () => false;
  #http = createServer((request, response) => this.#serve(request, response));
  #streams = new Set();
  #changes = new EventEmitter().setMaxListeners(0);

  static async start(test) {
    const server = new Faulty();
    await server.listen(0);
    test.after(() => server.stop());
    return server;
  }

  async listen(port) {
    this.#http.listen(port, '127.0.0.1');
    await once(this.#http, 'listening');
    this.port = this.#http.address().port;
    this.url = `http://127.0.0.1:${this.port}`;
  }

  async stop() {
    if (this.#http.listening) {
      this.#http.close();
      this.#http.closeAllConnections();
      await once(this.#http, 'close');
    }
  }

  count(start) {
    return this.requests.filter((each) => each.startsWith(start)).length;
  }

  /** How many streams are open. */
  get streams() {
    return this.#streams.size;
  }

  put(path, id, item) {
    this.model.put(path, id, item);
    this.push();
  }

  remove(path, id) {
    this.model.remove(path, id);
    this.push();
  }

  renew() {
    this.model.renew();
    this.push();
  }

  push() {
    this.#changes.emit('change');
    this.#streams.forEach((stream) => stream.push());
  }

  /** Sends text to all streams. */
  write(text) {
    this.#streams.forEach(({ response }) => response.write(text));
  }

  cut() {
    this.#streams.forEach(({ response }) => response.destroy());
  }

  async #serve(request, response) {
    const { pathname, searchParams } = new URL(request.url, this.url);
    const path = pathname.slice(1);
    const target = request.url.slice(1).replace(/\?$/, ''); // Node 24 sends it
    this.requests.push(`${request.method} ${target}`);
    const asked = {
      generation: Number(searchParams.get('generation') ?? 0),
      epoch: searchParams.get('epoch'),
    };
    if (this.fault(request, response, path)) {
      return;
    }
    if (path === 'updates') {
      await this.#changed(asked, Number(searchParams.get('wait') ?? 0));
      json(response, this.model.answer(asked));
    } else if (path === 'events') {
      this.#stream(response, asked);
    } else if (path === 'batch') {
      let text = '';
      for await (const piece of request.setEncoding('utf-8')) {
        text += piece;
      }
      this.#write(JSON.parse(text).changes);
      if (!this.fault(request, response, 'written')) {
        json(response, searchParams.has('generation') ?
          { updates: this.model.answer(asked) } : {});
      }
      this.push();
    }
  }

  #write(changes) {
    for (const { op, path, item } of changes) {
      const [where, id] = [path.slice(0, -1), path.at(-1)];
      op === 'remove' ? this.model.remove(where, id) :
        this.model.put(where, id, op === 'set' ? undefined : item);
    }
  }

  async #changed({ generation, epoch }, seconds) {
    const { model } = this;
    if (seconds && generation === model.generation && epoch === model.epoch) {
      const signal = AbortSignal.timeout(seconds * 1000);
      await once(this.#changes, 'change', { signal }).catch(() => {});
    }
  }

  #stream(response, asked) {
    let position = asked;
    const stream = {
      response,
      push: () => {
        const { epoch, generation } = this.model;
        if (position.epoch !== epoch || position.generation !== generation) {
          response.write(event(this.model.answer(position)));
          position = { epoch, generation };
        }
      },
    };
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write(':\n\n');
    this.#streams.add(stream);
    response.on('close', () => this.#streams.delete(stream));
    stream.push();
  }
}

export const event = (answer) =>
  `event: updates\ndata: ${JSON.stringify(answer)}\n\n`;

export function json(response, data, status = 200, headers = {}) {
  response.writeHead(
    status, { 'Content-Type': 'application/json', ...headers });
  response.end(JSON.stringify(data));
  return true;
}

/** Waits until something is so. */
export async function until(isSo, seconds = 20) {
  const deadline = Date.now() + seconds * 1000;
  while (!await isSo()) {
    if (Date.now() > deadline) {
      throw new Error(`it is not so after ${seconds} seconds: ${isSo}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Collects the events of a client: [type, detail]. */
export function recorded(client) {
  const events = [];
  for (const type of ['added', 'changed', 'removed', 'updates', 'online',
    'offline', 'reset', 'error']) {
    client.addEventListener(type, ({ detail }) => events.push([type, detail]));
  }
  return events;
}

/** Numbers from 0 to 1, the same for the same seed. */
export function randomOf(seed) {
  return () => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    return seed / 2 ** 31;
  };
}
