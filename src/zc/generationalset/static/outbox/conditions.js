/** When a write may be made. */

import { isObject } from '../gset/json.js';
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
 * Tells whether a write that wasn't made may be made, though something has
 * changed.
 *
 * A patch may if all that it names is as it was, or as it is to be: then
 * nothing is lost.
 */
export function maySend(write, earlier, client) {
  const may = write.op === 'patch' &&
    [write, made(write)].some(each => isAsSeen(each, earlier, client));
  if (may) {
    write.unchangedSince = client.position;
  }
  return may;
}

/**
 * Tells the same of a write that may have been made.
 *
 * Members that it writes over others tell nothing then: whoever has changed
 * them may have done so later.  If the other members are as they are to be,
 * only these are written again.
 */
export function mayMakeAgain(write, earlier, client) {
  const {op, item, over} = write;
  if (op !== 'patch') {
    return false;
  }
  const isSeen = each => isAsSeen(each, earlier, client);
  const kept = without(item, over);
  const isTold = !isObject(kept) || Object.keys(kept).length > 0;
  const isWhole = [write, made(write)].some(
    each => isSeen({...each, over: undefined}));
  const isMade = isTold && isSeen(made(write));
  if (!isWhole && isMade) {
    write.item = kept;
  }
  const may = isWhole || isMade || isTold && isSeen(write);
  if (may) {
    write.sentSince = client.position;
  }
  return may;
}

// A write of one who sees what it makes.
const made = write => ({...write, before: patched(write.before, write.item)});

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
