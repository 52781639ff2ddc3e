/** Writes that are shown at once, and sent when the server is there. */

import {
  BatchChange, Change, Client, Condition, Id, ItemAt, ItemsOf, Patch, PathOf,
  RequestError, Value,
} from '../gset.js';

/** The events of an Outbox. */
export interface OutboxEvents {
  /** What is shown has changed. */
  updates: CustomEvent<{ changes: Change[] }>;
  /** Writes at these paths wait now, or no longer. */
  waiting: CustomEvent<{ paths: Id[][] }>;
  /**
   * The server refused a write, and what is shown no longer has it.  With the
   * status 412, `error.item` is the item as it is now.  Of a batch, each write
   * is refused, with the error of one of them.  `isOwn` tells whether this
   * outbox wrote it, and not that of another tab, or of a page that is gone.
   */
  refused: CustomEvent<{
    op: BatchChange['op']; path: Id[]; item?: Value; error: RequestError;
    isOwn: boolean;
  }>;
  /** The browser can't keep writes, or another user writes in it now. */
  error: CustomEvent<{ error: Error }>;
}

/** When a patch may be made. */
export interface PatchCondition extends Condition {
  /**
   * Members of the patch that are written whoever has changed them since, such
   * as the one that says who wrote last.  But if the patch may have been made
   * already, because a response was lost, then what others wrote later stays,
   * and a patch of such members only is refused.
   */
  over?: readonly string[];
}

/** Where writes wait: in memory, or as `kept.js` has it. */
export interface Queue {
  readonly isKept: boolean;
}

/**
 * Shows writes at once, and sends them in order, many at a time.
 *
 *     const outbox = new Outbox(client);
 *     outbox.addEventListener('updates', () => render(outbox.items));
 *     outbox.addEventListener('refused', ({detail}) => tell(detail.error));
 *     outbox.put(['cards', 'x'], {text: 'Buy milk'}).catch(() => {});
 *     outbox.items.at(['cards', 'x']); // it is there
 *
 * While the server isn't there, writes wait.  They are lost when the page ends
 * (`waiting` tells whether to warn), unless a `KeptQueue` keeps them.  If nobody
 * knows whether a write was made, it is sent again, and isn't made twice.
 *
 * A `put` and a `remove` are refused, with the status 412, if somebody else has
 * changed the item since the user could see it, a `patch` if one of its own
 * members was changed.  `refused` says so, and `items` shows what the server
 * has.  An own `unchangedSince`, or `over`, may say otherwise.
 *
 * It may stand for the client in `snapshot`, `subscribe` and `useGSet`.
 */
export class Outbox<Schema = unknown> {
  constructor(client: Client<Schema>, queue?: Queue);

  /** What the client has, with the writes that wait.  Don't change it. */
  readonly items: ItemsOf<Schema>;
  /** How many writes the server hasn't made yet. */
  readonly waiting: number;
  /** The paths of these writes, in order. */
  readonly waitingPaths: Id[][];
  /** Whether what waits survives the page. */
  readonly isKept: boolean;
  /** Whether there is something that `undo` takes back. */
  readonly canUndo: boolean;

  /**
   * Like those of the client.  The promise resolves when the server has made
   * the write, and rejects if it refuses.
   */
  put: Client<Schema>['put'];
  patch<const Where extends PathOf<Schema>>(
    path: Where, patch: Patch<ItemAt<Schema, Where>>,
    condition?: PatchCondition,
  ): Promise<void>;
  remove: Client<Schema>['remove'];
  makeSet: Client<Schema>['makeSet'];
  add: Client<Schema>['add'];
  /** Makes all of these changes, or none.  Returns their ids. */
  batch(
    changes: readonly (BatchChange<Schema> & PatchCondition)[],
  ): Promise<Id[]>;

  /**
   * Takes back what this outbox has written last, a batch as a whole.
   *
   * Rejects with the status 412, and changes nothing, if somebody else has
   * changed one of the items since.  A write that still waits is taken back
   * when the server has made it.
   */
  undo(): Promise<void>;

  /** Tries to send at once, while a failure has it wait. */
  retry(): void;

  /** Ends this; writes that wait are rejected, but a `KeptQueue` keeps them. */
  close(): void;

  addEventListener<Type extends keyof OutboxEvents>(
    type: Type,
    listener: (event: OutboxEvents[Type]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<Type extends keyof OutboxEvents>(
    type: Type,
    listener: (event: OutboxEvents[Type]) => void,
    options?: boolean | EventListenerOptions,
  ): void;
}
