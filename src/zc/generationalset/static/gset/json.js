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

const isJson = value => isPlain(value) || value === null ||
  typeof value === 'boolean' || Array.isArray(value) || isObject(value);

/** Tells whether a value is a text, or a number, that JSON can have. */
export const isPlain = value => typeof value === 'string' ?
  value.isWellFormed() :
  typeof value === 'number' && Math.abs(value) < 2 ** 53;

export const isObject = value =>
  Object.prototype.toString.call(value) === '[object Object]';
