/** Pages: the parts of a large answer, and how far a client has come. */

import { isTo } from './answers.js';

export const isPage = answer => 'cursor' in answer || 'next' in answer;

/**
 * Returns how far a client has come when it has applied a page.
 *
 * `copy` says how far it was.  Returns undefined for a page that doesn't fit.
 */
export function turned({cursor, next = '', ...answer}, position, copy) {
  const {epoch, generation} = answer;
  if (position.parts) {
    return undefined; // they have no pages
  }
  if (cursor === undefined) {
    return isTo(answer, position) ?
      {cursor: next, epoch, generation, start: {}} : undefined;
  }
  const isNext = copy?.cursor === cursor && copy.epoch === epoch &&
    answer.since === position.generation && answer.reset === undefined;
  return isNext ? {...copy, cursor: next,
    generation: Math.min(generation, copy.generation)} : undefined;
}

/** Tells whether a client forgets all before it applies an answer. */
export const startsOver = ({reset, epoch}, copy) =>
  reset !== undefined || copy !== undefined && copy.epoch !== epoch;
