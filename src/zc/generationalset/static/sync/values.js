/** Returns a text for a value, as people read it. */
export function shown(value) {
  if (typeof value === 'string') {
    return value;
  }
  if (value && typeof value === 'object' && !Array.isArray(value)) {
    const [[name, inner] = [], ...more] = Object.entries(value);
    if (name?.startsWith('$') && !more.length) { // a date, a decimal, …
      return shown(inner);
    }
  }
  return JSON.stringify(value) ?? 'nothing';
}
