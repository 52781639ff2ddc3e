/** When a write may be made. */

import { agree, patched } from './patch.js';
import { after, isSame } from './shown.js';

/**
 * Returns the change that a write asks for.
 *
 * A write that was sent before may have been made, so it is made only if
 * nothing has changed since.  `earlier` are the writes in the same request.
 */
export function changeOf(write, earlier, client) {
  const {op, path, item, unchangedSince, sentSince} = write;
  return {op, path, item, unchangedSince: sentSince ?? (
    isAsSeen(write, earlier, client) ? client.position : unchangedSince)};
}

/** Remembers that a write may have been made. */
export function noteSent(write, {unchangedSince}, client) {
  write.sentSince ??= unchangedSince ?? client.position;
}

/**
 * Tells whether a write may be sent once more, though something has changed.
 *
 * A patch may if all that it names is as it was: the server hasn't made it; or
 * as it is to be: then nothing is lost.
 */
export function maySendAgain(write, earlier, client) {
  const {before, item} = write;
  const may = write.op === 'patch' && (isAsSeen(write, earlier, client) ||
    isAsSeen({...write, before: patched(before, item)}, earlier, client));
  if (may) {
    write.sentSince = client.position;
  }
  return may;
}

// Whether there is what the user saw.  Then nothing is lost, whatever happened
// meanwhile.
function isAsSeen({op, path, item, sees, before, over}, earlier, client) {
  if (!sees || !client.generation) {
    return false;
  }
  const now = earlier.reduce((now, write) => after(write, path, now),
    client.items.at(path));
  return op === 'patch' ? agree(before, now, without(item, over)) :
    isSame(before, now);
}

const without = (patch, names = []) => names.length ? Object.fromEntries(
  Object.entries(patch).filter(([name]) => !names.includes(name))) : patch;
