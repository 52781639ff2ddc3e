/** Values and ids as JSON: they are checked, and never rounded. */

export const DEPTH = 200; // most levels, so that recursion is safe

/** Throws a TypeError. */
export function refuse(expected, got) {
  const shown = JSON.stringify(got)?.slice(0, 99);
  throw new TypeError(`expected ${expected}, got ${shown}`);
}

const isObject = value =>
  Object.prototype.toString.call(value) === '[object Object]';

/**
 * Returns true, or throws a TypeError.
 *
 * With `isFixed`, there may be no arrays or objects, as in sets.
 */
export function check(value, depth = 0, isFixed = false) {
  if (typeof value === 'string') {
    checkText(value);
  } else if (typeof value === 'number') {
    checkNumber(value);
  } else if (value !== null && typeof value !== 'boolean') {
    checkNested(value, depth, isFixed);
  }
  return true;
}

function checkText(text) {
  if (!text.isWellFormed()) {
    refuse('well-formed text', text);
  }
}

function checkNumber(number) {
  if (!(Math.abs(number) < 2 ** 53)) {
    refuse('a number within ±(2^53 - 1)', number);
  }
}

function checkNested(value, depth, isFixed) {
  if (depth > DEPTH) {
    refuse(`at most ${DEPTH} levels`, 'more');
  }
  if (isObject(value)) {
    if (!isGoodObject(value, depth, isFixed)) {
      refuse('a value as in the protocol', value);
    }
  } else if (isFixed || !isArray(value, depth)) {
    refuse('a JSON value', typeof value);
  }
}

function isGoodObject(object, depth, isFixed) {
  const names = Object.keys(object);
  const isRight = names.length === 1 && KINDS[names[0]];
  return isRight ? isRight(object[names[0]], depth + 1, isFixed) :
    !isFixed && checkMembers(object, depth);
}

const checkMembers = (object, depth) => Object.keys(object).every(
  name => check(name) && check(object[name], depth + 1));
const isArray = (value, depth, isFixed) => Array.isArray(value) &&
  value.every(element => check(element, depth + 1, isFixed));
const isText = (pattern, test = () => true) => text =>
  typeof text === 'string' && pattern.test(text) && test(text);
const isBeyond = text => Math.abs(text) >= 2 ** 53;

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?0*\d{1,18})?$/;
const TIME = /^.{19}(\.\d{1,6})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)?$/;

function isTime(text) {
  const seconds = text.slice(0, 19);
  const date = new Date(`${seconds}Z`);
  return TIME.test(text) && text >= '0001' &&
    date.toISOString().startsWith(seconds);
}

// What extended values may contain.
const KINDS = {
  __proto__: null,
  $int: isText(/^-?[1-9]\d{0,4299}$/, isBeyond),
  $float: isText(/^/, text => /^(nan|-?inf)$/.test(text) ||
    NUMBER.test(text) && isBeyond(text) && isFinite(text)),
  $decimal: isText(NUMBER),
  $bytes: isText(/^/, text => btoa(atob(text)) === text),
  $datetime: isText(/^/, isTime),
  $date: isText(/^.{10}$/, text => isTime(`${text}T00:00:00`)),
  $time: isText(/^[\d:.]*$/, text => isTime(`2000-01-01T${text}`)),
  $timedelta: parts => Array.isArray(parts) && parts.length === 3 &&
    parts.every(Number.isInteger) && Math.abs(parts[0]) < 1e9 &&
    parts[1] >= 0 && parts[1] < 86400 && parts[2] >= 0 && parts[2] < 1e6,
  $uuid: isText(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/),
  $tuple: isArray,
  $set: (list, depth) => isArray(list, depth, true) &&
    new Set(list.map(comparable)).size === list.length,
  $map: (pairs, depth, isFixed) => !isFixed && isArray(pairs, depth) &&
    pairs.every(pair => Array.isArray(pair) && pair.length === 2) &&
    KINDS.$set(pairs.map(pair => pair[0]), depth),
  $object: (object, depth, isFixed) =>
    !isFixed && isObject(object) && checkMembers(object, depth),
};

// Equal decimals get the same text.
const comparable = value => JSON.stringify(value, (name, member) =>
  name === '$decimal' ? withoutZeros(member) : member);

// 1.0 equals 1.  A regular expression would take quadratic time for many zeros.
function withoutZeros(decimal) {
  if (!decimal.includes('.') || /e/i.test(decimal)) {
    return decimal;
  }
  let end = decimal.length;
  while (decimal[end - 1] === '0') {
    end -= 1;
  }
  return decimal.slice(0, decimal[end - 1] === '.' ? end - 1 : end);
}

// The form of ids; equal ids have one form.
const IDS = {
  __proto__: null,
  $int: () => true,
  $bytes: () => true,
  $date: () => true,
  $uuid: () => true,
  $datetime: isText(/^.{19}(\.(?!0{6})\d{6})?(\+00:00)?$/),
  $decimal: isText(
    /^-?((0\.(?!0{6})|[1-9]\d*\.)\d*[1-9]|[1-9](\.\d*[1-9])?E-([7-9]|\d\d+))$/,
    // No double equals it.
    text => Number(text).toFixed(100).replace(/0+$/, '') !== text),
  $tuple: ids => ids.every(isId),
};

function isId(value) {
  if (typeof value === 'string' || typeof value === 'number') {
    return true;
  }
  const names = isObject(value) ? Object.keys(value) : [];
  return names.length === 1 && IDS[names[0]]?.(value[names[0]]);
}

/** Returns a text that only equal ids share; throws a TypeError. */
export function keyOf(id) {
  check(id);
  if (!isId(id)) {
    refuse('an id', id);
  }
  return JSON.stringify(id);
}

/** Returns a list of ids, also for one id. */
export const asPath = path => [path].flat();
