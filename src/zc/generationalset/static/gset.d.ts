/**
 * Keeps a copy of a server's generational set current.
 *
 * The protocol is docs/protocol.txt of zc.generationalset.
 */

/** What JSON knows. */
export type Value =
  | null | boolean | number | string | Value[] | { [name: string]: Value };

/**
 * A string, a number within ±(2^53 - 1), or an extended id as an object, such
 * as `{$int: '9007199254740993'}`, `{$tuple: [1, 'a']}`,
 * `{$uuid: '6f1d2c34-0000-4000-8000-000000000001'}`.
 *
 * An id that JavaScript can't hold is a TypeError; no id is rounded.
 */
export type Id = string | number | { [name: string]: Value };

/** Ids, from the top of the tree. */
export type Path = readonly Id[];

/**
 * The items of a set by id; the item that changed last comes last.
 *
 * Its methods throw a TypeError for what can't be an id.
 */
export class Items<Item = Value | Items<any>> implements Iterable<[Id, Item]> {
  /** How many items and subsets there are. */
  readonly size: number;

  /** Whether there is an item or subset. */
  has(id: Id): boolean;

  /** An item, a subset, or undefined. */
  get(id: Id): Item | undefined;

  /**
   * The item or subset at a path, or with an id; undefined if there is none.
   *
   *     client.items.at(['cards', 'x'])
   */
  at(path: Path | Id): Value | Items | undefined;

  keys(): IterableIterator<Id>;
  values(): IterableIterator<Item>;
  entries(): IterableIterator<[Id, Item]>;
  [Symbol.iterator](): IterableIterator<[Id, Item]>;
}

/**
 * The items of a tree with a schema: the type of the items in each subset.
 *
 *     interface Board {
 *       cards: {text: string};
 *       columns: {name: string};
 *     }
 *     const client = new Client<Board>('./');
 *     client.items.at('cards')?.get('x')?.text; // string | undefined
 *     client.items.at(['cards', 'x'])?.text;
 *     await client.put(['cards', 'x'], {text: 'Buy milk'});
 *
 * Nobody checks it but the compiler: the server may have other items.
 */
export interface Sets<Schema> extends Iterable<SetEntry<Schema>> {
  readonly size: number;
  has(id: keyof Schema): boolean;
  get<Name extends keyof Schema>(id: Name): Items<Schema[Name]> | undefined;
  at<Name extends keyof Schema>(
    path: Name | readonly [Name]): Items<Schema[Name]> | undefined;
  at<Name extends keyof Schema>(
    path: readonly [Name, Id]): Schema[Name] | undefined;
  keys(): IterableIterator<keyof Schema>;
  values(): IterableIterator<SetEntry<Schema>[1]>;
  entries(): IterableIterator<SetEntry<Schema>>;
}

/** The name of a set, and the set. */
export type SetEntry<Schema> = {
  [Name in keyof Schema]: [Name, Items<Schema[Name]>] }[keyof Schema];

/** What a client with a schema has; without one, anything. */
export type ItemsOf<Schema> = unknown extends Schema ? Items : Sets<Schema>;

/** The paths at which a client with a schema puts items. */
export type PathOf<Schema> = unknown extends Schema ? Path | Id :
  readonly [keyof Schema, Id];

/** The paths of the sets to which a client with a schema adds items. */
export type SetOf<Schema> = unknown extends Schema ? Path | Id :
  keyof Schema | readonly [keyof Schema];

/** The paths of the tree, its sets and their items. */
export type PlaceOf<Schema> =
  readonly [] | SetOf<Schema> | PathOf<Schema>;

/** What is at a place. */
export type Found<Schema, Place> = unknown extends Schema ?
  Items | Value | undefined :
  Place extends readonly [] ? Sets<Schema> :
    Place extends readonly [unknown, unknown] ?
      ItemAt<Schema, Place> | undefined :
      NameOf<Place> extends infer Name extends keyof Schema ?
        Items<Schema[Name]> | undefined : never;

/** What a function gets that selects of it. */
export type Given<Schema, Place> =
  unknown extends Schema ? any : Found<Schema, Place>;

/** The name of a set. */
export type NameOf<Where> =
  Where extends readonly [infer Name] ? Name : Where;

/** A JSON merge patch of an item: null removes a member. */
export type Patch<Item> = Item extends readonly unknown[] ? Item :
  Item extends object ? { [Name in keyof Item]?: Patch<Item[Name]> | null } :
    Item;

/** What is at a path. */
export type ItemAt<Schema, Where> = unknown extends Schema ? Value :
  Where extends readonly [infer Name extends keyof Schema, unknown] ?
    Schema[Name] : never;

/** What an answer changed. */
export interface Change {
  kind: 'added' | 'changed' | 'removed';
  path: Id[];
  /** The item as it is now; for a removal, the item as it was. */
  item: Value | Items;
}

/** A checked answer of the protocol, as `decode` returns it. */
export interface Answer {
  format: 1;
  epoch: string | null;
  since: number;
  generation: number;
  since_epoch?: string | null;
  reset?: string;
  removals?: Id[];
  adds?: Entry[];
  contents?: Entry[];
  parts?: Part[];
  /** Only in pages, which are parts of a large answer. */
  cursor?: string;
  next?: string;
}

/** What changed in a part. */
export interface Part {
  path: Id[];
  removals?: Id[];
  adds?: Entry[];
  contents?: Entry[];
}

/** An item, or what changed in a subset. */
export type Entry = [Id, Value] | Subset;

export interface Subset {
  id: Id;
  removals?: Id[];
  adds?: Entry[];
  contents?: Entry[];
}

/**
 * Reads an answer.
 *
 * Items are as `JSON.parse` makes them.
 *
 * Throws an Error for a text that isn't an answer, and for ids that JavaScript
 * can't hold.
 */
export function decode(text: string): Answer;

/**
 * Yields the events in the pieces of a `text/event-stream`.
 *
 * Comments are events of the type ''; they are signs of life.
 */
export function parseEvents(
  pieces: AsyncIterable<string>,
): AsyncGenerator<{ type: string; data: string }, void>;

/** The answer is late, or one before it is missing: ignore it. */
export class Misfit extends Error {}

/** A copy of a set, in memory. */
export class Replica {
  /** The history that the generation belongs to. */
  readonly epoch: string | null;
  /** The generation to present; 0 if there is nothing yet. */
  readonly generation: number;
  readonly items: Items;

  /**
   * Applies an answer, all or nothing, and returns what it changed, in order.
   *
   *     replica.apply(decode(text))
   *
   * A new subset is a change, followed by one for each item in it.  A subset
   * that goes is one change.  An item that comes again, and is equal, is no
   * change.
   *
   * Throws Misfit.
   */
  apply(answer: Answer): Change[];

  /** The cursor of the next page; empty if no page is missing. */
  readonly cursor: string;

  /** Tells whether an answer, or a page, fits. */
  takes(answer: Answer): boolean;

  /** The generation of each part, by its path as JSON; undefined if whole. */
  readonly parts: Map<string, number> | undefined;

  /** Forgets all parts but these. */
  keep(paths: Id[][]): Change[];
}

/** There was no response, or the server refused the request. */
export class RequestError extends Error {
  /** The HTTP status; 0 if there was no response. */
  readonly status: number;
  /** The server's explanation. */
  readonly detail: string;
  /** Seconds until the server wants the next request. */
  readonly retryAfter?: number;
  /** Which change of a batch is to blame, from 0. */
  readonly change?: number;
  /**
   * With the status 412: the item as it is now; undefined if there is none, or
   * if it is a set.
   */
  readonly item?: Value;
}

/**
 * A write was sent, and nobody knows whether it was made.
 *
 * Look at the items before you write it again.  `status` is 0 if there was no
 * response, else the status with which the server failed.
 */
export class MaybeWritten extends RequestError {}

export interface Options<Schema = unknown> {
  /** Sent as `Authorization: Bearer TOKEN`; see `Client.token`. */
  token?: string | null;
  /**
   * The name under which the browser keeps the data, so that the next start
   * has it at once, even without the server.  All tabs with the same name and
   * URL share the data and one event stream.  Different users need different
   * names, or `Client.forget`.
   *
   * The data is in the IndexedDB database `${store} ${url}`.
   */
  store?: string | null;
  /** Seconds between signs of life on the server's streams; 15 by default. */
  heartbeat?: number;
  /** Paths of up to 100 subsets, in place of the whole tree; `Client.parts`. */
  parts?: SetOf<Schema>[];
}

export interface Condition {
  /**
   * A `Client.position`.  The server refuses the write, with the status 412,
   * unless the path has what it had then.
   */
  unchangedSince?: string;
}

export type BatchChange<Schema = unknown> = Condition & (
  unknown extends Schema ?
    | { op: 'put' | 'patch' | 'add'; path: Path | Id; item: Value }
    | { op: 'set' | 'remove'; path: Path | Id } :
    | { op: 'set'; path: SetOf<Schema> }
    | { op: 'remove'; path: SetOf<Schema> | PathOf<Schema> }
    | ItemChange<Schema, keyof Schema>);

/** A change of an item in one of the sets of a schema. */
export type ItemChange<Schema, Name> = Name extends keyof Schema ?
  | { op: 'put'; path: readonly [Name, Id]; item: Schema[Name] }
  | { op: 'patch'; path: readonly [Name, Id]; item: Patch<Schema[Name]> }
  | { op: 'add'; path: Name | readonly [Name]; item: Schema[Name] } : never;

export interface Events {
  /** An item or subset is new. */
  added: CustomEvent<{ path: Id[]; item: Value | Items }>;
  /** An item has changed. */
  changed: CustomEvent<{ path: Id[]; item: Value | Items }>;
  /** An item or subset is gone; `item` is what it was. */
  removed: CustomEvent<{ path: Id[]; item: Value | Items }>;
  /**
   * Once for each answer that was applied, after its `added`, `changed` and
   * `removed`.  `size` is the number of characters of its JSON, 0 if it came
   * from the store.
   */
  updates: CustomEvent<{
    changes: Change[];
    epoch: string | null;
    generation: number;
    size: number;
  }>;
  /** The server answers. */
  online: CustomEvent<null>;
  /**
   * The server doesn't answer.  `delay` is the number of seconds until the
   * next try; it is Infinity if the server refuses this user, or if another
   * tab made the browser forget everything.  `error` is a RequestError in the
   * tab that asked; in other tabs it only has a message.
   */
  offline: CustomEvent<{ error: Error; delay: number }>;
  /** The `updates` that follow replace everything. */
  reset: CustomEvent<{ reason: string }>;
  /** What the developer should know; the client goes on. */
  error: CustomEvent<{ error: Error }>;
}

/**
 * Keeps a copy of a server's set current, and writes.
 *
 *     const client = new Client('https://example.org/sync', {token});
 *     client.addEventListener('updates', () => render(client.items));
 *     await client.start();
 *     await client.put(['people', 'ann'], {name: 'Ann'});
 *
 * Writes go to the server.  When the promise of a write resolves, the change
 * is in `items`.  It rejects with a RequestError, at once if there is no
 * server; nothing is queued.  A write whose response is lost is sent once
 * again.  If it is still unknown whether the write was made, the promise
 * rejects with MaybeWritten.
 *
 * It is an EventTarget.
 */
export class Client<Schema = unknown> {
  /**
   * `url` may be relative to the page.
   *
   * Throws a TypeError for a URL with a query, a fragment, a user or a
   * password, and for options that can't be used or don't exist.
   */
  constructor(url: string | URL, options?: Options<NoInfer<Schema>>);

  /** The name of the IndexedDB database; undefined without a store. */
  readonly database: string | undefined;
  /** Whether the server answered last time. */
  readonly online: boolean;
  /** The generation of what the client has; 0 if it has nothing. */
  readonly generation: number;
  readonly epoch: string | null;
  /** What a write with `unchangedSince` is compared with. */
  readonly position: string;
  /** Don't change it; use `put` and so on. */
  readonly items: ItemsOf<Schema>;

  /**
   * The paths of the subsets that the client follows; undefined for the whole
   * tree.  You may replace it any time:
   *
   *     client.parts = [...client.parts, ['rooms', 'b']];
   *
   * What is new is asked for, and the rest goes on; `items` forgets what is no
   * part at once.  No part may be within another.  A subset that isn't there
   * yet is empty.  Tabs that share a store have the same parts.
   */
  parts: SetOf<Schema>[] | undefined;

  /**
   * What is sent as `Authorization: Bearer TOKEN`; may be replaced any time.
   *
   *     client.addEventListener('offline', async ({detail: {error}}) => {
   *       if (error.status === 401) client.token = await login();
   *     });
   *
   * The next request has the new token, and the event stream is opened anew.
   * A client that the server refused goes on.  For another user, call
   * `forget`.
   *
   * Throws a TypeError for what can't be a token.
   */
  token: string | null | undefined;

  /**
   * Goes on following the server until `close`.
   *
   * Resolves when there is something to show, from the store or else from the
   * server, or when the client is closed.  Much comes in pages, each with an
   * event `updates`; the first page is something to show.  Rejects if the
   * server refuses the first question, such as for a wrong token; then the
   * client is closed.
   *
   * If the server refuses a later question (with a status from 400 to 499,
   * except 408, 425 and 429), `offline` says so.  The client stops until it
   * gets a new `token`, until `retry`, or until the network or the user is
   * back.  After 401 and 403, it hides what came from the store and isn't yet
   * confirmed by the server.
   */
  start(): Promise<void>;

  /**
   * Tries at once to reach the server, when it is away: for a button "Try now".
   *
   *     button.onclick = () => client.retry();
   *
   * Costs one request, in the tab that follows the server.  `online` or
   * `offline` says whether the server answers.  Does nothing while the server
   * answers.  A client that was refused asks again.
   */
  retry(): void;

  /**
   * Makes this browser forget the data, in all tabs: for a user who leaves.
   *
   *     await client.forget();
   *
   * `items` become empty, the client is closed, and the store is deleted.
   * Clients in other tabs say so with `offline`, and are closed, too.
   *
   * Rejects if another page doesn't close the database within seconds.  The
   * database is deleted as soon as that page is closed.
   */
  forget(): Promise<void>;

  /** Asks once what changed. */
  sync(): Promise<void>;

  /**
   * Stores an item at a path, and replaces the item that is there.
   *
   *     await client.put(['people', 'ann'], {name: 'Ann'})
   *
   * Nobody's change is lost if you say what you have seen.
   *
   *     const {position} = client;
   *     const item = await edited(client.items.at(['people', 'ann']));
   *     try {
   *       await client.put(['people', 'ann'], item, {unchangedSince: position});
   *     } catch (error) {
   *       if (error.status === 412) showWhatIsThereNow(error.item);
   *     }
   *
   * Rejects with a TypeError for an item that isn't JSON, or a path that has
   * no ids.
   */
  put<const Where extends PathOf<Schema>>(
    path: Where, item: ItemAt<Schema, Where>, condition?: Condition,
  ): Promise<void>;

  /**
   * Changes some members of an item, and leaves the others as they are.
   *
   *     await client.patch(['people', 'ann'], {age: 43, address: null})
   *
   * `patch` is a JSON merge patch (RFC 7396), which the server applies: null
   * removes a member, objects within are patches, too.
   */
  patch<const Where extends PathOf<Schema>>(
    path: Where, patch: Patch<ItemAt<Schema, Where>>, condition?: Condition,
  ): Promise<void>;

  /** Adds an item to the set at a path, [] for the top; returns its id. */
  add<const Where extends SetOf<Schema>>(
    path: Where, item: ItemAt<Schema, readonly [NameOf<Where>, Id]>,
  ): Promise<string>;

  /** Makes an empty subset; a subset that is there stays as it is. */
  makeSet(path: SetOf<Schema>): Promise<void>;

  /**
   * Removes an item, or a subset with all that is in it.
   *
   * What is gone already is no error.
   */
  remove(
    path: SetOf<Schema> | PathOf<Schema>, condition?: Condition,
  ): Promise<void>;

  /**
   * Makes several changes in one transaction, all or none; returns their ids.
   *
   *     await client.batch([
   *       {op: 'put', path: 'a', item: 1}, {op: 'remove', path: 'b'}])
   */
  batch(changes: readonly BatchChange<Schema>[]): Promise<Id[]>;

  /** Ends everything: connections, timers, database, talk with other tabs. */
  close(): void;

  addEventListener<Type extends keyof Events>(
    type: Type,
    listener: (event: Events[Type]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<Type extends keyof Events>(
    type: Type,
    listener: (event: Events[Type]) => void,
    options?: boolean | EventListenerOptions,
  ): void;
}
