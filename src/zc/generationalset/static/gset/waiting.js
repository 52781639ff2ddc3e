/** Waiting.  Times are in seconds. */

/** Resolves after some time, or when a signal is aborted. */
export const sleep = (seconds, signal) => new Promise(resolve => {
  const end = () => {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
    resolve();
  };
  const timer = setTimeout(end, signal.aborted ? 0 : seconds * 1000);
  signal.addEventListener('abort', end);
});

/** Settles as a promise does, or rejects in time: browsers may forget one. */
export async function within(seconds, promise, what) {
  const settled = new AbortController();
  const late = sleep(seconds, settled.signal).then(() => {
    throw new Error(`expected ${what} within ${seconds} s, got nothing`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    settled.abort();
  }
}

/** Tells whether there is a page, and it is visible. */
export const isVisible = () => globalThis.document?.hidden === false;
