// Compiled, never run: the types allow what is right, and nothing else.

import {
  Answer, Change, Client, Id, Items, MaybeWritten, Misfit, Path, Replica,
  RequestError, Value, decode, parseEvents,
} from '../../static/gset.js';
import { Outbox } from '../../static/outbox/outbox.js';
import { KeptQueue } from '../../static/outbox/kept.js';
import { useGSet } from '../../static/bindings/react.js';
import { snapshot, subscribe } from '../../static/bindings/snapshots.js';

const client: Client = new Client(new URL('http://localhost'), {
  token: 'secret', store: 'things', heartbeat: 15,
});

client.addEventListener('added', ({ detail: { path, item } }) => {
  const ids: Id[] = path;
  const what: Value | Items = item;
  console.log(ids, what);
});
client.addEventListener('updates', ({ detail }) => {
  const { changes, epoch, generation, size } = detail;
  const kinds: ('added' | 'changed' | 'removed')[] =
    changes.map((change: Change) => change.kind);
  const position: [string | null, number] = [epoch, generation];
  console.log(kinds, position, size.toFixed());
}, { once: true });
client.addEventListener('offline', ({ detail: { error, delay } }) =>
  console.log(error.message, delay.toFixed()));
client.addEventListener('reset', ({ detail }) => detail.reason.trim());
client.addEventListener('error', ({ detail }) => detail.error.stack);
const listener = (event: CustomEvent<null>) => console.log(event.type);
client.addEventListener('online', listener);
client.removeEventListener('online', listener);
// @ts-expect-error there is no such event
client.addEventListener('updated', () => {});
// @ts-expect-error it is read only
client.online = true;

export async function use(): Promise<void> {
  await client.start();
  await client.put('milk', { text: 'Buy milk', tags: ['x', null, 1.5] });
  await client.put(['cards', 1], null);
  await client.put([{ $uuid: '6f1d2c34-0000-4000-8000-000000000001' }], 1);
  const path: Path = ['cards', { $tuple: [1, 'a'] }] as const;
  await client.makeSet(path);
  const id: string = await client.add([], 'x');
  const made: Id[] = await client.batch([
    { op: 'put', path, item: 1 }, { op: 'remove', path: id },
    { op: 'set', path: ['x'] }, { op: 'add', path: [], item: [] }]);
  await client.remove(made[0]!);
  await client.sync();
  client.token = 'renewed';
  client.token = undefined;
  // @ts-expect-error a number is no token
  client.token = 7;
  client.retry();
  await client.forget();
  // @ts-expect-error undefined is no JSON
  await client.put('a', undefined);
  // @ts-expect-error null is no id
  await client.put([null], 1);
  // @ts-expect-error a put without an item
  await client.batch([{ op: 'put', path: 'a' }]);

  const cards = client.items.at('cards');
  if (cards instanceof Items) {
    for (const [id, item] of cards) {
      console.log(id, item, cards.has(id), cards.get(id), cards.size);
    }
    console.log([...cards.keys()], [...cards.values()], [...cards.entries()]);
  }
  try {
    await client.remove('x');
  } catch (error) {
    if (error instanceof MaybeWritten) {
      console.log(error.detail);
    } else if (error instanceof RequestError) {
      const status: number = error.status;
      console.log(status, error.detail, error.retryAfter, error.change);
    }
  }
  client.close();
}

const replica = new Replica();
const answer: Answer = decode('{}');
try {
  const changes: Change[] = replica.apply(answer);
  console.log(changes.length, replica.epoch, replica.generation);
} catch (error) {
  console.log(error instanceof Misfit);
}

export async function read(pieces: AsyncIterable<string>): Promise<void> {
  for await (const { type, data } of parseEvents(pieces)) {
    console.log(type, data);
  }
}

export function bind(): void {
  const end: () => void = subscribe(client, ['cards', 'x'], () => {});
  const cards: Items | Value | undefined = snapshot(client, 'cards');
  const count: number = useGSet(client, 'cards', (all: Items) => all.size);
  console.log(cards, count, useGSet(client));
  end();
  // @ts-expect-error a path is of ids
  snapshot(client, [null]);
  const outbox = new Outbox(client);
  outbox.addEventListener('refused', ({ detail: { path, item, error } }) =>
    console.log(path.length, item, error.status));
  outbox.put('a', 1, { unchangedSince: client.position }).then(outbox.undo);
  console.log(useGSet(outbox, 'cards'), snapshot(outbox), outbox.waiting);
  const kept = new Outbox(client, new KeptQueue(client, 'ann'));
  const isKept: boolean = kept.isKept;
  kept.addEventListener('error', ({ detail }) => detail.error.stack);
  console.log(isKept, client.database?.length);
  // @ts-expect-error whose writes?
  new KeptQueue(client);
}

interface Board {
  cards: { text: string; done?: boolean };
  columns: { name: string };
}

export async function write(board: Client<Board>): Promise<void> {
  const text: string | undefined = board.items.at(['cards', 'x'])?.text;
  const name: string | undefined =
    board.items.at('columns')?.get('y')?.name;
  for (const [id, card] of board.items.get('cards') ?? []) {
    console.log(id, card.text, name, text);
  }
  await board.put(['cards', 'x'], { text: 'Buy milk' });
  await board.patch(['cards', 'x'], { done: null });
  const id: string = await board.add('columns', { name: 'Done' });
  await board.remove(['cards', id]);
  // @ts-expect-error there is no such set
  await board.put(['people', 'x'], { name: 'Ann' });
  // @ts-expect-error a card has a text
  await board.put(['cards', 'x'], { name: 'Done' });
  // @ts-expect-error a text is no number
  await board.patch(['cards', 'x'], { text: 7 });
  // @ts-expect-error that is no column
  await board.add('columns', { text: 'Buy milk' });
  // @ts-expect-error cards have no name
  console.log(board.items.at(['cards', 'x'])?.name);
  const outbox = new Outbox(board);
  console.log(snapshot(board, 'cards'), useGSet(outbox, 'cards'));
}
