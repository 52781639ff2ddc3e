/** What the server refuses, when the window that wrote it may be gone. */

import { nameOf, textOf } from './contents.js';

/**
 * Says that a change was refused, and gives back its text.
 *
 * detail  of the board's event `refused`.
 * places  {page, messages, notices, giveBack}: what shows texts.
 */
export function takeBack({ path: [set, id], item, error }, places) {
  const { page, messages, notices, giveBack } = places;
  notices.fail('Not saved', error);
  const isText = set === 'columns' ? 'name' in (item ?? {})
    : 'text' in (item ?? {});
  if (!isText) return; // it was moved, or removed
  const text = set === 'columns' ? nameOf(item) : textOf(item);
  if (set === 'messages') messages.giveBack(text);
  else if (page[set].has(id)) page[set].get(id).edit(text);
  else if (set === 'columns') giveBack(text);
  else page.giveBack(text, item.column);
}
