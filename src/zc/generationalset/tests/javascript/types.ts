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
  // @ts-expect-error it may be an item
  console.log(snapshot(client, 'cards').size);
  // @ts-expect-error a path is of ids
  snapshot(client, [null]);
  const outbox = new Outbox(client);
  outbox.addEventListener('refused', ({ detail: { path, item, error } }) =>
    console.log(path.length, item, error.status));
  outbox.put('a', 1, { unchangedSince: client.position }).then(outbox.undo);
  outbox.batch([{ op: 'patch', path: 'a', item: { by: 1 }, over: ['by'] }]);
  outbox.addEventListener('waiting', ({ detail: { paths } }) =>
    console.log(paths, outbox.waitingPaths));
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
  // @ts-expect-error there is no such field
  await board.put(['cards', 'x'], { text: '', txt: '' });
  // @ts-expect-error there is no such field
  await board.patch(['cards', 'x'], { txt: '' });
  // @ts-expect-error that is no column
  await board.add('columns', { text: 'Buy milk' });
  // @ts-expect-error cards have no name
  console.log(board.items.at(['cards', 'x'])?.name);
  await board.remove('columns');
  await board.makeSet(['cards']);
  board.parts = ['cards', ['columns']];
  // @ts-expect-error there is no such set
  board.parts = ['people'];
  // @ts-expect-error there is no such set
  console.log(new Client<Board>('./', { parts: ['people'] }));
  // @ts-expect-error there is no such set
  await board.makeSet('people');
  // @ts-expect-error there is no such set
  await board.remove(['people', id]);
  // @ts-expect-error there is no such set
  console.log(board.items.at('people'), board.items.get('cards'));
  // @ts-expect-error there is no such set
  console.log(board.items.get('people'));
  for (const [key, items] of board.items) {
    const names: 'cards' | 'columns' = key;
    console.log(names, items.size, [...board.items.keys()].length);
  }
}

export async function change(board: Client<Board>): Promise<void> {
  await board.batch([
    { op: 'put', path: ['cards', 'x'], item: { text: 'Buy milk' } },
    { op: 'patch', path: ['cards', 'x'], item: { done: null } },
    { op: 'add', path: 'columns', item: { name: 'Done' } },
    { op: 'add', path: ['columns'], item: { name: 'Done' } },
    { op: 'remove', path: ['cards', 'y'], unchangedSince: board.position },
    { op: 'remove', path: 'cards' }, { op: 'set', path: ['cards'] }]);
  // @ts-expect-error there is no such set
  await board.batch([{ op: 'put', path: ['people', 'x'], item: { text: '' } }]);
  // @ts-expect-error a card has a text
  await board.batch([{ op: 'put', path: ['cards', 'x'], item: { name: '' } }]);
  // @ts-expect-error a text is no number
  await board.batch([{ op: 'patch', path: ['cards', 'x'], item: { text: 7 } }]);
  // @ts-expect-error there is no such field
  await board.batch([{ op: 'patch', path: ['cards', 'x'], item: { txt: '' } }]);
  // @ts-expect-error that is no column
  await board.batch([{ op: 'add', path: 'columns', item: { text: '' } }]);
  // @ts-expect-error there is no such set
  await board.batch([{ op: 'remove', path: ['people', 'x'] }]);
  // @ts-expect-error there is no such set
  await board.batch([{ op: 'set', path: 'people' }]);

  const outbox = new Outbox(board);
  const text: string | undefined = outbox.items.at(['cards', 'x'])?.text;
  await outbox.put(['cards', 'x'], { text: text ?? '' });
  await outbox.patch(['cards', 'x'], { done: null });
  const id: string = await outbox.add('columns', { name: 'Done' });
  await outbox.remove(['columns', id], { unchangedSince: board.position });
  await outbox.makeSet('cards');
  // @ts-expect-error there is no such set
  await outbox.put(['people', 'x'], { name: 'Ann' });
  // @ts-expect-error a card has a text
  await outbox.put(['cards', 'x'], { name: 'Done' });
  // @ts-expect-error a text is no number
  await outbox.patch(['cards', 'x'], { text: 7 });
  // @ts-expect-error there is no such field
  await outbox.patch(['cards', 'x'], { txt: '' });
  // @ts-expect-error that is no column
  await outbox.add('columns', { text: 'Buy milk' });
  // @ts-expect-error there is no such set
  await outbox.remove(['people', 'x']);
  // @ts-expect-error there is no such set
  console.log(outbox.items.at('people'));
  const kept: Outbox<Board> = new Outbox(board, new KeptQueue(board, 'ann'));
  console.log(kept.waiting);
}

export function show(board: Client<Board>, outbox: Outbox<Board>): void {
  const text: string | undefined = snapshot(board, ['cards', 'x'])?.text;
  const names: string[] = [...useGSet(outbox, 'columns')?.values() ?? []].map(
    column => column.name);
  const count: number = useGSet(board, ['cards'], cards => cards?.size ?? 0);
  const done: boolean = useGSet(
    board, ['cards', 'x'], card => card?.done ?? false);
  const all: number = snapshot(outbox).size + useGSet(board).size;
  const end: () => void = subscribe(outbox, ['cards', 'x'], () => {});
  subscribe(board, [], end);
  subscribe(board, 'columns', end);
  console.log(text, names, count, done, all);
  // @ts-expect-error there is no such set
  snapshot(board, 'people');
  // @ts-expect-error there is no such set
  useGSet(outbox, ['people', 'x']);
  // @ts-expect-error there is no such set
  subscribe(board, 'people', end);
  // @ts-expect-error cards have no name
  console.log(snapshot(outbox, ['cards', 'x'])?.name);
  // @ts-expect-error a column has no text
  console.log(useGSet(board, ['columns', 'y'], column => column?.text));
}
