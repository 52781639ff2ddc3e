/** A request, and its response in pieces. */

import { refuse } from './errors.js';
import { within } from './waiting.js';

const LENGTH = 2 ** 27; // characters of an answer or event
const OBEYED = 3600; // most seconds of Retry-After, which may be wrong

export class RequestError extends Error {
  name = 'RequestError';

  constructor(text, members) {
    super(text);
    Object.assign(this, {status: 0, detail: text}, members);
  }
}

/** The response to a write is lost: the write may have been made. */
export class MaybeWritten extends RequestError {
  name = 'MaybeWritten';
}

/** Tells whether the same request would be refused again. */
export const isRefusal = ({status}) => /^4(?!08|25|29)/.test(status);

/** Tells whether this user may not see the data. */
export const isForbidden = ({status}) => status === 401 || status === 403;

/** Yields a response, and then its text in pieces. */
export async function* exchange(url, {signal, patience, ...options}) {
  const abort = new AbortController();
  const heard = promise => within(patience, promise, 'a sign of life');
  try {
    const response = await heard(fetch(url, {...options, cache: 'no-store',
      signal: AbortSignal.any([signal, abort.signal])}));
    yield response;
    const reader = response.body.pipeThrough(
      new TextDecoderStream('utf-8', {fatal: true})).getReader();
    for (let piece; !(piece = await heard(reader.read())).done;) {
      yield piece.value;
    }
  } catch (error) {
    throw new RequestError(`the server was not heard: ${error.message}`);
  } finally {
    abort.abort();
  }
}

/** Returns the text of pieces. */
export async function joined(pieces) {
  let text = '';
  for await (const piece of pieces) {
    text += piece;
    checkLength(text.length);
  }
  return text;
}

export function checkLength(length) {
  if (length > LENGTH) {
    refuse(`at most ${LENGTH} characters`, length);
  }
}

/** Returns the error for a response. */
export async function failure({status, statusText, headers}, pieces) {
  const {detail = statusText, change, item} =
    await joined(pieces).then(JSON.parse).catch(() => '') ?? '';
  const retryAfter = parseRetryAfter(
    headers.get('retry-after'), headers.get('date'));
  return new RequestError(
    `${status} ${detail}`, {status, detail, change, item, retryAfter});
}

// A date is by the server's clock, which may differ from ours.
function parseRetryAfter(text, date) {
  const now = Date.parse(date) || Date.now();
  const seconds = text / 1 || (Date.parse(text) - now) / 1000 || 0;
  return Math.min(Math.max(seconds, 0), OBEYED);
}
