/** JSON as text for people: of ids and paths, in one line, in many. */

const LINE = 46; // characters

/** Yields the JSON of a value in pieces, so that callers can stop early. */
function* pieces(value) {
  if (value === null || typeof value !== 'object') {
    yield JSON.stringify(value);
  } else if (Array.isArray(value)) {
    yield* joined('[', value.keys(), value, ']');
  } else {
    yield* joined('{', Object.keys(value), value, '}');
  }
}

function* joined(open, names, value, close) {
  yield open;
  let between = '';
  for (const name of names) {
    yield between + label(name);
    yield* pieces(value[name]);
    between = ', ';
  }
  yield close;
}

function label(name) {
  return typeof name === 'string' ? `${JSON.stringify(name)}: ` : '';
}

/**
 * Returns a value as one line of JSON, of at most `room` characters.
 *
 *     line({name: 'Ann'}, 80)    // '{"name": "Ann"}'
 */
export function line(value, room) {
  let text = '';
  for (const piece of pieces(value)) {
    text += piece;
    if (text.length > room) {
      return `${text.slice(0, room - 1)}…`;
    }
  }
  return text;
}

/** Yields a value as lines of JSON; doesn't break what fits into a line. */
function* broken(value, indent = '', before = '', after = '') {
  const start = indent + before;
  const names = namesOf(value);
  if (!names.length) {
    yield start + JSON.stringify(value) + after;
    return;
  }
  const room = LINE - start.length - after.length;
  const short = indent && line(value, Math.max(room, 0) + 1);
  if (short && short.length <= room) {
    yield start + short + after;
    return;
  }
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  yield start + open;
  for (const [index, name] of names.entries()) {
    const comma = index < names.length - 1 ? ',' : '';
    yield* broken(value[name], `${indent}  `, label(name), comma);
  }
  yield indent + close + after;
}

function namesOf(value) {
  if (Array.isArray(value)) {
    return [...value.keys()];
  }
  return value && typeof value === 'object' ? Object.keys(value) : [];
}

/**
 * Returns a value as lines of JSON, of at most `limit` characters.
 *
 *     lines({ name: 'Ann' }, 1000)    // ['{', '  "name": "Ann"', '}']
 */
export function lines(value, limit) {
  const found = [];
  let left = limit;
  for (const each of broken(value)) {
    if (each.length > left) {
      return [...found, `${each.slice(0, left)}…`, '', '(cut here)'];
    }
    found.push(each);
    left -= each.length + 1;
  }
  return found;
}

/**
 * Returns an id as text.  A string is as it is, unless it would look like
 * another id.
 *
 *     idText('ann'), idText(42), idText('42')    // 'ann', '42', '"42"'
 */
export function idText(id) {
  const plain = typeof id === 'string' && id === id.trim()
    && /^[^\d"{+.\p{Cc}\p{Cs}-][^\p{Cc}\p{Cs}]*$/u.test(id);
  return plain ? id : JSON.stringify(id);
}

/** Returns the ids of a path as text: 'rooms / 42'. */
export function pathText(path) {
  return path.map(idText).join(' / ') || 'the top';
}

/** Returns a string that differs for each path. */
export function keyOf(path) {
  return JSON.stringify(path);
}
