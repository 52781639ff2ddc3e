import { element, say } from './elements.js';

const REASONS = {
  401: 'The server wants a token.',
  403: 'The server doesn’t let this user see the tree.',
  404: 'There is no set at this address, or none for this user.',
};

/**
 * The user's token, if the server wants one.  It is kept only in this tab, as
 * long as the tab is open.
 */
export class Access {
  #reason = element('span', 'reason');
  #detail = element('span', 'detail');
  #input = Object.assign(element('input'), {
    id: 'token', type: 'password', autocomplete: 'off', spellcheck: false });
  #base;
  #key;

  /** @param {URL} base  Where the server is. */
  constructor(base) {
    this.#base = base;
    this.#key = `gset-token ${base.pathname}`;
  }

  /** The token; undefined if there is none. */
  get token() {
    return sessionStorage.getItem(this.#key) ?? undefined;
  }

  /** Forgets the token, and starts again. */
  forget() {
    sessionStorage.removeItem(this.#key);
    location.reload();
  }

  /** Gets what is at a path of the server, with the token. */
  get(path, signal, method = 'GET') {
    return this.#fetch(path, { method, signal, cache: 'no-store' });
  }

  #fetch(path, { headers = {}, ...options }) {
    return fetch(new URL(path, this.#base), { ...options, headers: {
      ...headers, ...this.token && { Authorization: `Bearer ${this.token}` } },
    });
  }

  /** Asks whether the server lets this user change anything at a path. */
  async mayWrite(path = 'items/') {
    try {
      const { headers } = await this.get(path, null, 'OPTIONS');
      return (headers.get('allow') ?? 'POST').includes('POST');
    } catch {
      return true; // nobody has refused anything
    }
  }

  /** Says why the server, or the client, refused, and asks for a token. */
  ask({ status, detail, message }) {
    if (!this.#input.isConnected) {
      document.getElementById('main').before(this.#form());
    }
    say(this.#reason, status === 401 && this.token
      ? 'The server doesn’t know this token.'
      : REASONS[status] ?? 'That doesn’t work.');
    say(this.#detail, status ? `${status}: ${detail}` : message);
    this.#input.focus();
  }

  #form() {
    const form = element('form', '',
      element('h2', '', 'No access'), Object.assign(
        element('p', '', this.#reason, ' ', this.#detail), { role: 'alert' }),
      Object.assign(element('label', '', 'Token'), { htmlFor: 'token' }),
      this.#input, element('button', '', 'Try again'),
      element('p', 'hint', 'It is kept until you close this tab, and sent to ',
        'this server only.'));
    form.id = 'access';
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#use(this.#input.value.trim());
    });
    return form;
  }

  /** Posts an object of JSON.  Rejects with what the server says. */
  async post(path, body = {}) {
    const response = await this.#fetch(path, {
      method: 'POST', headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body) });
    if (!response.ok) {
      const { detail } = await response.json().catch(() => ({}));
      throw new Error(detail ?? `the server answers ${response.status}`);
    }
    return response;
  }

  #use(token) {
    if (token) {
      sessionStorage.setItem(this.#key, token);
    }
    location.reload();
  }
}
