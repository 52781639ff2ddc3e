/** Clients of a faulty server. */

import { Client } from '../../static/gset.js';
import { Faulty, recorded, until } from './faulty.js';

// Times before another try are random; here they are short, too.
const { random } = Math;
Math.random = () => random() / 20;

/** A server, a client of it, and the client's events. */
export async function setUp(test, options) {
  const server = await Faulty.start(test);
  server.put([], 'ann', { name: 'Ann' });
  const client = new Client(server.url, options);
  test.after(() => client.close());
  return { server, client, events: recorded(client) };
}

export async function started(test, options) {
  const all = await setUp(test, options);
  await all.client.start();
  await until(() => all.server.streams === 1);
  return all;
}

/** Has the times be as long as they may be. */
export function slow(test) {
  const { random } = Math;
  test.after(() => {
    Math.random = random;
  });
  Math.random = () => 1;
}

export const types = (events) => events.map(([type]) => type);

/** The same, as a server would write it. */
export const reply = (server, client, members) =>
  ({ ...server.model.answer(client), ...members });
