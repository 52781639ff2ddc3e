/** Numbers, sizes and times as text for people. */

const numbers = new Intl.NumberFormat('en');
const short = new Intl.NumberFormat('en', { notation: 'compact' });
const times = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit', minute: '2-digit', second: '2-digit',
});
const UNITS = ['B', 'KB', 'MB', 'GB'];

/** Returns 12345 as '12,345'. */
export function number(value) {
  return numbers.format(value);
}

/** Returns 12345 as '12K'. */
export function roughly(value) {
  return short.format(value);
}

/** Returns 1 and 'item' as '1 item', 2 as '2 items'. */
export function counted(value, noun) {
  return `${number(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** Returns a number of bytes as '512 B' or '1.5 MB'; a MB has 1024 KB. */
export function size(bytes) {
  let unit = 0;
  while (bytes >= 1024 && unit < UNITS.length - 1) {
    bytes /= 1024;
    unit += 1;
  }
  return `${bytes.toFixed(unit && bytes < 100 ? 1 : 0)} ${UNITS[unit]}`;
}

/** Returns a Date as '10:23:45.678'. */
export function time(date) {
  const fraction = String(date.getMilliseconds()).padStart(3, '0');
  return `${times.format(date)}.${fraction}`;
}
