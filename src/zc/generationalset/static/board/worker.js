/**
 * The service worker of the board: starts it without a server, and tells of
 * changes while it isn't open.
 *
 * The server puts a line before this text, with VERSION: a text that differs
 * whenever any file of the board does.  So browsers install the worker again,
 * and with it all files of one version.
 */

const CACHES = `board ${registration.scope} `;
const CACHE = CACHES + VERSION;
const ANY = { ignoreSearch: true, ignoreVary: true };

addEventListener('install', (event) => {
  skipWaiting();
  event.waitUntil(store());
});

addEventListener('activate', (event) => {
  event.waitUntil(Promise.all([removeOld(), clients.claim()]));
});

addEventListener('fetch', (event) => {
  const { request } = event;
  const isPage = request.mode === 'navigate' && isBoard(request.url);
  const isFile = request.url.startsWith(`${registration.scope}static/`);
  if (request.method === 'GET' && (isPage || isFile)) {
    event.respondWith(answer(request, isPage ? './' : request));
  }
});

addEventListener('push', (event) => {
  event.waitUntil(tell());
});

addEventListener('pushsubscriptionchange', (event) => {
  event.waitUntil(subscribe(event));
});

addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(open());
});

function isBoard(url) {
  return url.replace(/[?#].*/, '') === registration.scope;
}

/** Stores the page, and all files that it names. */
async function store() {
  const page = await fetch('./', { cache: 'no-cache' });
  if (!page.ok) throw new Error(`the page has status ${page.status}`);
  const named = (await page.clone().text()).matchAll(
    /(?:href|src)="(static\/[^"]+)"/g);
  const cache = await caches.open(CACHE);
  await cache.addAll([...named].map(
    ([, name]) => new Request(name, { cache: 'no-cache' })));
  await cache.put('./', page);
}

async function removeOld() {
  const names = await caches.keys();
  await Promise.all(names
    .filter((name) => name.startsWith(CACHES) && name !== CACHE)
    .map((name) => caches.delete(name)));
}

/** Asks the server first, so what is shown is new while there is one. */
async function answer(request, key) {
  const [response, error] = await fetch(request).then(
    (found) => [found, null], (reason) => [null, reason]);
  if (response && response.status < 500) return response;
  // A proxy may answer for a server that is away.
  const stored = await (await caches.open(CACHE)).match(key, ANY);
  if (stored) return stored;
  if (response) return response;
  throw error;
}

async function boards() {
  const windows = await clients.matchAll(
    { type: 'window', includeUncontrolled: true });
  return windows.filter(({ url }) => isBoard(url));
}

/** Shows a notification, unless the user sees the change already. */
async function tell() {
  const found = await boards();
  if (found.some(({ visibilityState }) => visibilityState === 'visible')) {
    return;
  }
  await registration.showNotification('The board has changed', {
    body: 'Open it to see what is new.',
    icon: 'static/board/icon-192.png',
    tag: 'board', // one at a time
  });
}

/** Subscribes again, and tells the server, when the browser wants that. */
async function subscribe({ newSubscription }) {
  const response = await fetch('push');
  // With a token, which only pages have, the next page tells the server.
  if (response.status !== 200) return;
  const subscription = newSubscription
    ?? await registration.pushManager.subscribe({
      userVisibleOnly: true,
      applicationServerKey: (await response.json()).public_key });
  await fetch('push', {
    method: 'PUT', body: JSON.stringify(subscription),
    headers: { 'Content-Type': 'application/json' } });
}

async function open() {
  const [found] = await boards();
  await (found ? found.focus() : clients.openWindow('./'));
}
