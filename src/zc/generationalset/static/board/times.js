/** Times, relative to now. */

const UNITS = [['d', 86_400], ['h', 3600], ['min', 60]];

/** Returns words for a time, in milliseconds since 1970. */
export function ago(at, now = Date.now()) {
  // Somebody's clock may be ahead of ours.
  const seconds = Math.max(0, (now - at) / 1000);
  const [unit, length] = UNITS.find(([, least]) => seconds >= least) ?? [];
  return unit ? `${Math.floor(seconds / length)} ${unit} ago` : 'just now';
}

/** Shows a time in a <time> element. */
export function showTime(element, at) {
  const date = new Date(at);
  element.hidden = Number.isNaN(date.getTime());
  if (element.hidden) return;
  element.dateTime = date.toISOString();
  element.title = date.toLocaleString();
  element.textContent = ago(at);
}

/** Shows all times of the page anew, as they pass. */
export function keepTimes() {
  setInterval(() => {
    for (const element of document.querySelectorAll('time[datetime]')) {
      const text = ago(Date.parse(element.dateTime));
      if (element.textContent !== text) element.textContent = text;
    }
  }, 15_000);
}
