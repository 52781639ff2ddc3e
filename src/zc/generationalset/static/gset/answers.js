/** Answers of servers, as docs/protocol.txt specifies them. */

import { refuse } from './errors.js';
import { keyOf } from './ids.js';

const SUBSETS = 100; // most within each other, so that recursion is safe

// These characters survive in headers and events.
const EPOCH = /^[!#-~]{1,200}$/;

/** Returns the answer that a text has; throws a TypeError for others. */
export function decode(text) {
  const answer = JSON.parse(text);
  if (!isAnswer(answer ?? {})) {
    refuse('an answer as in the protocol', answer);
  }
  setsOf(answer).forEach(updates => checkUpdates(updates, 0));
  return answer;
}

// The parts of an answer, or the answer itself.
const setsOf = answer => answer.parts ?? [answer];

function isAnswer({format, epoch, since, generation,
  since_epoch: before, reset, contents, parts = [], cursor, next}) {
  return format === 1 && [since, generation].every(Number.isSafeInteger) &&
    [cursor, next].every(text => text === undefined ||
      text && typeof text === 'string') &&
    Array.isArray(parts) && parts.every(part => Array.isArray(part?.path)) &&
    since >= 0 && generation > 0 && [epoch, before ?? null, reset ?? ''].every(
    text => text === null || typeof text === 'string') &&
    (epoch === null || EPOCH.test(epoch)) &&
    (reset === undefined ? generation >= since && before === undefined :
      contents || next || parts.length && parts.every(part => part.contents));
}

function checkUpdates(updates, depth) {
  const {contents = [], removals = [], adds = [], keep = []} = updates;
  const isBoth = 'contents' in updates &&
    ('removals' in updates || 'adds' in updates);
  if (isBoth || depth > SUBSETS ||
      ![contents, removals, adds, keep].every(Array.isArray)) {
    refuse('an answer as in the protocol', updates);
  }
  [...removals, ...keep].forEach(keyOf);
  for (const entries of [contents, adds]) {
    entries.forEach(entry => checkEntry(entry, depth));
  }
}

function checkEntry(entry, depth) {
  keyOf(idOf(entry));
  if (!Array.isArray(entry)) {
    checkUpdates(entry, depth + 1);
  } else if (entry.length !== 2) {
    refuse('an answer as in the protocol', entry);
  }
}

/** Returns the id of an entry. */
export const idOf = entry => Array.isArray(entry) ? entry[0] : entry?.id;

/** Tells whether an answer is to the question from a position. */
export const isTo = (answer, {epoch, generation}) =>
  answer.since === generation && (generation === 0 || epoch ===
    ('since_epoch' in answer ? answer.since_epoch : answer.epoch));

/**
 * Tells whether a replica at a position can apply an answer.
 *
 * An answer since an earlier generation only lists more.
 */
export const fits = (answer, position) =>
  position.generation === 0 ? isTo(answer, position) :
    !answer.parts === !position.parts && ('reset' in answer ?
      isTo(answer, position) : fittingParts(answer, position).length > 0);

/** Returns a text that only equal paths share. */
export const nameOf = path => JSON.stringify(path);

/** Returns the parts of an answer that fit; each fits by itself. */
export const fittingParts = (answer, {epoch, generation, parts}) =>
  'reset' in answer || generation === 0 ? answer.parts :
    setsOf(answer).filter(({path}) => {
      const from = parts ? parts.get(nameOf(path)) ?? 0 : generation;
      return answer.epoch === epoch && answer.since <= from &&
        from <= answer.generation;
    });

/** Returns the position at which parts are; the lowest is to be presented. */
export const positionOf = (epoch, parts) => parts.size ?
  {epoch, generation: Math.min(...parts.values()), parts} :
  {epoch: null, generation: 0, parts: undefined};

/** Returns the position after an answer that fits. */
export const advanced = (answer, position) => answer.parts ?
  positionOf(answer.epoch, new Map([
    ...'reset' in answer ? [] : position.parts ?? [],
    ...fittingParts(answer, position).map(
      ({path}) => [nameOf(path), answer.generation])])) :
  {epoch: answer.epoch, generation: answer.generation};

/** Tells whether a position is at or after another one. */
export const covers = (position, {epoch, generation}) =>
  position.epoch === epoch && position.generation >= generation;
