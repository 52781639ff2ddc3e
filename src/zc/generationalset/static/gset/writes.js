/** Writes: batches, each of which may be sent twice. */

import { joined, MaybeWritten } from './exchange.js';
import { asPath, keyOf, makeId } from './ids.js';
import { toJson } from './json.js';

/** Makes changes, and returns their ids; see `Client.batch`. */
export async function write(session, changes) {
  const made = changes.map(prepared);
  const {updates} = await send(session, toJson({changes: made}));
  try {
    await catchUp(session, updates);
  } catch (error) {
    // The changes are written; the next answer brings the items.
    session.emit('error', {error});
  }
  return made.map(({path}) => path.at(-1));
}

async function catchUp(session, updates) {
  if (updates) {
    await session.accept(JSON.stringify(updates));
  } else if (session.replica.generation) {
    await session.ask();
  }
}

async function send(session, body, isAgain = false) {
  const {online} = session;
  try {
    return JSON.parse(
      await joined(await session.send('POST', 'batch', {body})));
  } catch (error) {
    if (!isAgain && !isLost(error)) {
      throw error;
    } else if (!isAgain && online && !error.status) {
      return send(session, body, true);
    }
    throw new MaybeWritten(`it may have been written: ${error.message}`,
      {status: error.status >= 500 ? error.status : 0});
  }
}

// 503, and any status below 500, promise that nothing was written.
const isLost = ({status}) => !status || status >= 500 && status !== 503;

function prepared({op, path, item, unchangedSince}) {
  path = asPath(path);
  path.forEach(keyOf);
  if (op === 'add') {
    op = 'put';
    path.push(makeId());
  }
  return {
    op, path, ...op !== 'set' && op !== 'remove' && {item},
    ...unchangedSince !== undefined && {unchanged_since: unchangedSince}};
}
