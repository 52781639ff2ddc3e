/** Writes that survive the page. */

import { Client } from '../gset.js';
import { Queue } from './outbox.js';

/**
 * Keeps the writes of an outbox in the database of the client's store.
 *
 *     const client = new Client(url, {token, store: 'things'});
 *     const outbox = new Outbox(client, new KeptQueue(client, 'ann'));
 *
 * The next page of the same user sends what a page has left, in order.  All
 * tabs show what waits, and one tab at a time sends; each has the events, and
 * the promise of a write settles in the tab that wrote it, as long as that tab
 * is there.
 *
 * `user` is any text that tells users apart.  One user's writes are never sent
 * by another user's outbox; the outboxes of whoever was there before are
 * closed, with an `error`, and what waits is kept for them.  `Client.forget`
 * drops what waits, of all users, and closes their outboxes; so does a user who
 * clears the browser's data.
 *
 * When a tab is killed, what it has sent may have been made or not.  The next
 * tab sends it once more, and it is made only if the items are as they were
 * before it was sent first: nothing is made twice over what others have
 * written.  If they aren't, `refused` has the item as it is.  Only a `patch`
 * is made twice if somebody has meanwhile written exactly the old values back
 * into its members, except for those in `over`.  What was written in the last
 * milliseconds before the end of a page may not be stored yet.
 *
 * Needs https, or localhost.  Elsewhere, and if the browser stores nothing,
 * writes wait in memory: see `Outbox.isKept`.
 *
 * Throws a TypeError for a client without a store.
 */
export class KeptQueue implements Queue {
  constructor(client: Client<any>, user: string);
  readonly isKept: boolean;
}
