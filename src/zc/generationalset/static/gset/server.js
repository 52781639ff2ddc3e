/** The URL of a server, and the token for it. */

import { refuse } from './errors.js';
import { exchange, failure } from './exchange.js';

const PATIENCE = 30; // seconds of silence

export class Server {
  url;
  #token;

  constructor(url, token) {
    this.url = checkUrl(new URL(url, globalThis.document?.baseURI));
    this.token = token;
  }

  get token() { return this.#token; }
  set token(token) { this.#token = checkToken(token); }

  /** Returns the pieces of a successful response; rejects for others. */
  async send(method, path, {
    position: {epoch, generation}, parts, cursor, wait = 0,
    patience = PATIENCE + wait, body, signal,
  }) {
    const query = new URLSearchParams({...wait && {wait},
      ...parts && {parts: `[${[...parts]}]`},
      ...generation && {generation, ...epoch !== null && {epoch}},
      ...cursor !== undefined && {cursor}});
    const headers = {
      ...this.#token && {Authorization: `Bearer ${this.#token}`},
      ...body && {'Content-Type': 'application/json'}};
    const pieces = exchange(`${this.url}/${path}?${query}`,
      {method, headers, body, signal, patience});
    const {value: response} = await pieces.next();
    if (!response.ok) {
      throw await failure(response, pieces);
    }
    return pieces;
  }
}

function checkUrl(
  {protocol, username, password, search, hash, href, origin, pathname}) {
  if (username || password) { // the text of an error must not have them
    throw new TypeError('expected a URL without user and password; ' +
      'use the option token');
  }
  if (!/^https?:$/.test(protocol) || search || hash) {
    refuse('an http or https URL without query and fragment', href);
  }
  return (origin + pathname).replace(/\/+$/, '');
}

function checkToken(token) {
  if (token === undefined || token === null) {
    return undefined;
  }
  if (typeof token !== 'string' || !/^[\x20-\x7e]+$/.test(token)) {
    throw new TypeError('expected a token of ASCII characters');
  }
  return token;
}
