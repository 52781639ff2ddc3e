/** The error for what can't be taken. */

/** Throws a TypeError. */
export function refuse(expected, got) {
  const shown = JSON.stringify(got)?.slice(0, 99);
  throw new TypeError(`expected ${expected}, got ${shown}`);
}
