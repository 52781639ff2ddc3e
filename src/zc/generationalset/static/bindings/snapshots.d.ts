/** Snapshots: the same object as long as nothing in it changes. */

import { Client, Found, PlaceOf } from '../gset.js';
import { Outbox } from '../outbox/outbox.js';

/**
 * What is at a path: a set, an item, or undefined if there is nothing.
 *
 *     const cards = snapshot(client, 'cards');
 *     for (const [id, card] of cards) ...
 *
 * A snapshot never changes.  While nothing at the path has changed, you get the
 * same object; if one item has changed, all others in the new snapshot are the
 * objects that they were.  Items stay in the order in which they came: one that
 * changes doesn't move.
 *
 * O(n) the first time, and for each set in which something has changed.
 */
export function snapshot<
  Schema, const Place extends PlaceOf<Schema> = readonly []>(
  client: Client<Schema> | Outbox<Schema>, path?: Place,
): Found<Schema, Place>;

/**
 * Calls back after each answer that has changed something at a path, in it, or
 * above it; returns a function that ends that.
 *
 *     const end = subscribe(client, ['cards', 'x'], () =>
 *       show(snapshot(client, ['cards', 'x'])));
 *
 * It costs nothing while other paths change.
 */
export function subscribe<Schema>(
  client: Client<Schema> | Outbox<Schema>, path: PlaceOf<NoInfer<Schema>>,
  callback: () => void): () => void;
