/** The client, with a token if the server wants one. */

import { Client } from '../gset.js';
import { KeptQueue } from '../outbox/kept.js';
import { Outbox } from '../outbox/outbox.js';

const base = new URL('./', document.baseURI);
// The explorer of the same server keeps its token there, too.
const KEY = `gset-token ${base.pathname}`;
const token = read();
const HEADERS = token ? { Authorization: `Bearer ${token}` } : {};

function read() {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null; // the user doesn't let pages store anything
  }
}

/** Returns a client for the server that this page came from. */
export function makeClient() {
  // Data that needs a token shouldn't stay in the browser.
  const client = new Client(base, token ? { token } : { store: 'board' });
  client.addEventListener('offline', ({ detail }) => lookAt(detail.error));
  client.addEventListener('error', warn);
  return client;
}

/** Returns an outbox; where data may stay in the browser, writes stay, too. */
export function makeOutbox(client) {
  const outbox = new Outbox(
    client, token ? undefined : new KeptQueue(client, 'board'));
  outbox.addEventListener('error', warn);
  return outbox;
}

function warn({ detail: { error } }) {
  // The page shows by itself that the server doesn't answer.
  if (error.status !== 0) console.warn(error);
}

/** Starts a client; asks the user for a token if the server wants one. */
export async function start(client) {
  try {
    await client.start();
  } catch (error) {
    if (!lookAt(error)) throw error;
  }
}

/** Asks whether the server lets this user change anything. */
export async function askAccess() {
  try {
    const { headers } = await ask('items/', { method: 'OPTIONS' });
    return (headers.get('allow') ?? 'POST').includes('POST');
  } catch {
    return true; // a write will tell
  }
}

/** Removes an item, even if the page is closing. */
export function removeAtEnd(path) {
  // Nobody is left to hear of a failure.
  ask(`items/${path.map(encodeURIComponent).join('/')}`,
    { method: 'DELETE', keepalive: true }).catch(() => {});
}

/** Sends a request to the server, as this user. */
export function ask(path, { headers, ...options } = {}) {
  return fetch(new URL(path, base), {
    ...options, headers: { ...HEADERS, ...headers } });
}

function lookAt({ status }) {
  if (status === 401) askToken();
  return status === 401;
}

function askToken() {
  const dialog = document.querySelector('.token-dialog');
  if (dialog.open) return;
  dialog.querySelector('.wrong').hidden = !token;
  dialog.querySelector('form').addEventListener('submit', (event) => {
    event.preventDefault();
    sessionStorage.setItem(KEY, dialog.querySelector('input').value);
    location.reload();
  });
  dialog.showModal();
}
