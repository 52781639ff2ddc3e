/** Lets the board start without a server, where browsers can do that. */

/** Returns the registration of the service worker; null if there is none. */
export async function installWorker() {
  // Pages that didn't come over TLS, or from this machine, have none.
  if (!navigator.serviceWorker) return null;
  try {
    return await navigator.serviceWorker.register(
      new URL('worker.js', document.baseURI)) ?? null;
  } catch (error) {
    console.info(error); // The board works without it.
    return null;
  }
}
