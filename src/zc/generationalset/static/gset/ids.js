/** Ids and paths.  Ids are equal if their JSON is: no more is known of them. */

import { refuse } from './errors.js';
import { isObject, isPlain } from './json.js';

const EXTENDED = ['$int', '$decimal', '$bytes', '$datetime', '$date', '$uuid'];

/** Returns a text that only equal ids share; throws a TypeError. */
export function keyOf(id) {
  if (!isId(id)) {
    refuse('an id that JavaScript can hold', id);
  }
  return JSON.stringify(id);
}

const isId = id => isPlain(id) ||
  isObject(id) && isExtended(...Object.entries(id));

function isExtended([name, within] = [], ...others) {
  return others.length === 0 && (name === '$tuple' ?
    Array.isArray(within) && within.every(isId) :
    EXTENDED.includes(name) && typeof within === 'string');
}

/** Returns a list of ids, also for one id. */
export const asPath = path => [path].flat();

/** Returns a random id; crypto.randomUUID works only in secure pages. */
export const makeId = () => crypto.getRandomValues(new Uint32Array(3))
  .reduce((id, number) => id + number.toString(36), '');
