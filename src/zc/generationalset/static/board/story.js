/** What others do, in words. */

import { nameOf, textOf } from './contents.js';
import { quote } from './elements.js';
import { person } from './names.js';

/**
 * Returns a sentence about changes that others made, '' for nothing.
 *
 *     tell(changes, board)        // 'Teal Otter moved “Buy milk” to Done.'
 */
export function tell(changes, board) {
  const told = changes.filter(({ isOwn, set }) => (
    !isOwn && (set === 'cards' || set === 'columns')));
  if (told.length > 3) return `${told.length} things changed.`;
  return told.map((change) => (
    change.set === 'cards' ? card(change, board) : column(change)))
    .join(' ');
}

function card({ kind, item, old }, board) {
  const name = quote(textOf(item ?? old ?? {}) || 'an empty card');
  if (kind === 'removed') return `${name} was removed.`;
  const who = person(item.by).name || 'Somebody';
  const place = nameOf(board.find('columns', item.column) ?? {});
  if (kind === 'added') return `${who} added ${name} to ${place}.`;
  if (old?.column !== item.column) return `${who} moved ${name} to ${place}.`;
  if (old.text !== item.text) return `${who} changed ${name}.`;
  return `${who} moved ${name}.`;
}

function column({ kind, item, old }) {
  const name = quote(nameOf(item ?? old ?? {}));
  if (kind === 'removed') return `The column ${name} was removed.`;
  if (kind === 'added') return `The column ${name} was added.`;
  return old && nameOf(old) !== nameOf(item)
    ? `The column ${quote(nameOf(old))} is ${name} now.`
    : `The column ${name} was moved.`;
}
