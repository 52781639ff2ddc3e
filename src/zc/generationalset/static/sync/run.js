import { element } from '../explore/elements.js';

/** Returns the content of a run's entry. */
export function run(item) {
  const time = element('time', '', new Date(item.at * 1000).toLocaleString());
  time.dateTime = new Date(item.at * 1000).toISOString();
  const count = item.count ?? item.steps.length;
  const heading = element(
    'summary', '', time, ` ${count === 1 ? '1 step' : `${count} steps`}`);
  const lines = [...item.steps,
                 ...item.overruled.map((text) => `overruled: ${text}`)];
  return [element('details', '', heading, element(
    'ul', 'lines', ...lines.map((line) => element('li', '', line))))];
}
