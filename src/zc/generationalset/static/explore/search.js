import { isSet } from './census.js';
import { idText } from './json.js';

const MOST = 1000; // items that are shown
const SLICE = 8; // milliseconds until the page may do other things

/**
 * Finds items, in all sets, whose id or JSON contains a text; ignores case.
 *
 *     const {paths, more} = await find(items, 'milk', signal);
 *
 * @param {AbortSignal} signal  Ends the search early, with what was found.
 * @returns {Promise<{paths: Array[], more: boolean}>}
 *   The paths of at most 1,000 items, and whether there are more.
 */
export async function find(items, text, signal) {
  const wanted = text.toLowerCase();
  const paths = [];
  let until = performance.now() + SLICE;
  for (const [path, id, item] of walk(items, [])) {
    if (performance.now() > until) {
      await new Promise((resolve) => { setTimeout(resolve); });
      until = performance.now() + SLICE;
      if (signal.aborted) {
        break;
      }
    }
    if (contains(id, item, wanted)) {
      if (paths.length === MOST) {
        return { paths, more: true };
      }
      paths.push([...path, id]);
    }
  }
  return { paths, more: false };
}

function* walk(items, path) {
  for (const [id, item] of items) {
    if (isSet(item)) {
      yield* walk(item, [...path, id]);
    } else {
      yield [path, id, item];
    }
  }
}

function contains(id, item, wanted) {
  return idText(id).toLowerCase().includes(wanted)
    || JSON.stringify(item).toLowerCase().includes(wanted);
}
