/** An outbox behind a proxy that loses requests, and another client. */

import { Client, Items } from '../../static/gset.js';
import { Outbox } from '../../static/outbox/outbox.js';
import { Losing } from './losing.js';
import { Server } from './real.js';
import { entries, sorted } from './vectors.js';

// Times before another try are random; here they are short, too.
const { random } = Math;
Math.random = () => random() / 100 - 0.99;

export async function start(test) {
  const server = await Server.start(test);
  const proxy = await Losing.start(test, server.url);
  const client = new Client(proxy.url);
  const other = new Client(server.url);
  test.after(() => [client, other].forEach(each => each.close()));
  await Promise.all([client.start(), other.start()]);
  const outbox = new Outbox(client);
  const refused = [];
  outbox.addEventListener('refused', ({ detail }) => refused.push(detail));
  return { server, proxy, client, other, outbox, refused };
}

/** Returns all items of a client, or an outbox. */
export const all = client => sorted(entries(Items, client.items));
