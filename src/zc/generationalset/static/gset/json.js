/** JSON that says what it was made of. */

import { refuse } from './errors.js';

/** Returns the JSON of data; throws a TypeError if it would say less. */
export const toJson = data => JSON.stringify(data, function (name, member) {
  const own = this[name]; // `member` is what a method toJSON made of it
  if (!name.isWellFormed() || !isJson(own)) {
    refuse('a JSON value', typeof own);
  }
  return member;
});

function isJson(value) {
  if (typeof value === 'number') {
    return Math.abs(value) < 2 ** 53;
  }
  return typeof value === 'string' ? value.isWellFormed() :
    value === null || typeof value === 'boolean' || Array.isArray(value) ||
    isObject(value);
}

export const isObject = value =>
  Object.prototype.toString.call(value) === '[object Object]';
