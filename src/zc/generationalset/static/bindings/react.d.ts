/** A hook for React. */

import { Client, Id, Items, Path, Value } from '../gset.js';
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
export function useGSet<Selected = Items | Value | undefined>(
  client: Client<any> | Outbox, path?: Path | Id,
  select?: (what: any) => Selected): Selected;
