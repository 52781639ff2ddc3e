/** Whatever goes wrong on the way, clients end with what the server has. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { Client, Items } from '../../static/gset.js';
import { event, Faulty, json, randomOf, until } from './faulty.js';
import { entries, sorted } from './vectors.js';

const { random } = Math;
Math.random = () => random() / 20;

/** A server that does what it should in half of the cases. */
class Chaos {
  answers = []; // that were given, to be given again

  constructor(server, chance) {
    this.server = server;
    this.chance = chance;
  }

  pick(...choices) {
    return choices[Math.floor(this.chance() * choices.length)];
  }

  old() {
    return this.pick(...this.answers) ?? '{}';
  }

  fault(request, response, path) {
    if (path === 'updates') {
      this.answers.push(JSON.stringify(this.server.model.answer(
        { generation: 0 })));
    }
    if (this.chance() < 0.5) {
      return false;
    }
    const faults = [
      () => response.destroy(),
      () => json(response, {}, this.pick(429, 500, 503), {
        'Retry-After': this.pick('0', 'soon', '-1') }),
      () => response.end('<html>'),
      () => response.end('{"format":1,"epoch":"e","since":0,"gener'),
      () => response.end(this.old()),
      () => {
        response.writeHead(200, { 'Content-Length': 1000 });
        response.write(this.old().slice(0, 50));
        setTimeout(() => response.destroy(), 5);
      },
      () => setTimeout(() => response.end(this.old()), this.chance() * 50),
    ];
    if (path === 'events') {
      faults.push(...[
        'event: ask\ndata: {}\n\n', ':\n\n', 'event: updates\ndata: {\n\n',
        event({}), `event: updates\ndata: ${this.old()}\n\n`, 'data: cut',
      ].map((text) => () => {
        response.writeHead(200, { 'Content-Type': 'text/event-stream' });
        response.write(text);
        setTimeout(() => response.destroy(), this.chance() * 100);
      }));
    }
    this.pick(...faults)();
    return true;
  }

  change() {
    const { server } = this;
    const path = this.pick([], [], ['set']);
    const id = this.pick('a', 'b', 'c', 'set');
    this.pick(
      () => server.put(path, id, this.chance()),
      () => server.put(path, id, this.chance()),
      () => server.put([], 'set'), () => server.remove(path, id),
      () => this.chance() < 0.1 && server.renew(),
      () => server.cut(),
      () => server.write(`event: updates\ndata: ${this.old()}\n\n`))();
  }

  async write(client) {
    const id = this.pick('a', 'b', 'c');
    await this.pick(
      () => client.put(id, this.chance()), () => client.add([], 1),
      () => client.remove(id), () => client.sync())().catch((error) =>
      assert.match(String(error),
        /^(RequestError|MaybeWritten|SyntaxError|TypeError: expected)/));
  }
}

const contents = (client) => sorted(entries(Items, client.items));

const seed = Number(process.env.GSET_TEST_SEED ?? Date.now() % 1e6);

for (let round = 0; round < 4; round += 1) {
  test(`faults, GSET_TEST_SEED=${seed}, round ${round}`, async (test) => {
    const server = await Faulty.start(test);
    const chaos = new Chaos(server, randomOf(seed + round));
    server.fault = (...request) => chaos.fault(...request);
    const clients = Array.from({ length: 3 }, () =>
      new Client(server.url, { heartbeat: 0.1 }));
    test.after(() => clients.forEach((client) => client.close()));
    const beat = setInterval(() => server.write(':\n\n'), 30);
    test.after(() => clearInterval(beat));
    clients.forEach((client) => client.start());
    for (let count = 0; count < 150; count += 1) {
      chaos.change();
      if (chaos.chance() < 0.3) {
        await chaos.write(chaos.pick(...clients));
      } else {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
    server.fault = () => false;
    await until(() => clients.every((client) =>
      client.online && client.generation === server.model.generation &&
      client.epoch === server.model.epoch));
    const { epoch, generation } = server.model;
    const expected = sorted(server.model.states.get(`${epoch} ${generation}`));
    for (const client of clients) {
      assert.deepEqual(contents(client), expected);
    }
    // And they follow.
    server.put([], 'end', 1);
    await until(() => clients.every((client) => client.items.has('end')));
  });
}
