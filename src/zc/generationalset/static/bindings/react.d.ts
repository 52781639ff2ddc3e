/** A hook for React. */

import { Client, Found, Given, PlaceOf } from '../gset.js';
import { Outbox } from '../outbox/outbox.js';

/**
 * What is at a path, or what a function selects of it; the component renders
 * again when that changes.
 *
 *     function Count() {
 *       return useGSet(client, 'cards', cards => cards?.size ?? 0);
 *     }
 *
 * It is a snapshot: see `snapshot`.  So in a list whose rows are in
 * `React.memo`, only the rows of changed items render again.
 */
export function useGSet<
  Schema, const Place extends PlaceOf<Schema> = readonly [],
  Selected = Found<Schema, Place>>(
  client: Client<Schema> | Outbox<Schema>, path?: Place,
  select?: (what: Given<Schema, Place>) => Selected): Selected;
