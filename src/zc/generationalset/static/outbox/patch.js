/** JSON merge patch, RFC 7396, as servers apply it. */

import { isSame } from '../gset/items.js';
import { isObject } from '../gset/json.js';

/** Returns a document after a patch. */
export function patched(document, patch) {
  if (!isPlain(patch)) {
    return patch;
  }
  const result = {...members(document)};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) {
      delete result[name];
    } else {
      set(result, name, patched(memberOf(result, name), value));
    }
  }
  return isPlain(result) ? result : {$object: result};
}

/** Tells whether two documents have the same wherever a patch has something. */
export const agree = (one, other, patch) =>
  [one, other, patch].every(isPlain) ? Object.keys(patch).every(name =>
    agree(memberOf(one, name), memberOf(other, name), patch[name])) :
    isSame(one, other);

const memberOf = (document, name) =>
  Object.hasOwn(document, name) ? document[name] : undefined;

// An extended value, such as {$date: '...'}, is no object.
const isPlain = data => isObject(data) && !isExtended(data);

function isExtended(data) {
  const names = Object.keys(data);
  return names.length === 1 && names[0].startsWith('$');
}

const members = document => isPlain(document) ? document :
  isObject(document) && isObject(document.$object) ? document.$object : {};

// A member may be named __proto__.
const set = (object, name, value) => Object.defineProperty(object, name, {
  value, configurable: true, enumerable: true, writable: true});
