/** Times, relative to now. */

const UNITS = [['d', 86_400], ['h', 3600], ['min', 60]];
/** Seconds after which a date is shown. */
const WEEK = 7 * 86_400;
/** There was no board before this: a lower number isn't in milliseconds. */
const LEAST = Date.UTC(2000);
const dates = new Intl.DateTimeFormat(
  'en-GB', { day: 'numeric', month: 'short', year: 'numeric' });

/** Returns words for a time, in milliseconds since 1970. */
export function ago(at, now = Date.now()) {
  const passed = (now - at) / 1000;
  if (Math.abs(passed) > WEEK) return dates.format(at);
  // Another user's clock may be ahead of ours.
  const seconds = Math.max(0, passed);
  const [unit, length] = UNITS.find(([, least]) => seconds >= least) ?? [];
  return unit ? `${Math.floor(seconds / length)} ${unit} ago` : 'just now';
}

/** Shows a time in a <time> element; hides the element if it is no time. */
export function showTime(element, at) {
  const date = new Date(at);
  element.hidden = !(date.getTime() >= LEAST);
  if (element.hidden) return;
  element.dateTime = date.toISOString();
  element.title = date.toLocaleString();
  element.textContent = ago(date.getTime());
}

/** Updates all times of the page as time passes. */
export function keepTimes() {
  setInterval(() => {
    for (const element of document.querySelectorAll('time[datetime]')) {
      const text = ago(Date.parse(element.dateTime));
      if (element.textContent !== text) element.textContent = text;
    }
  }, 15_000);
}
