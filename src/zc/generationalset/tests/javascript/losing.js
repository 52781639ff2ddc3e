/** A proxy that loses requests and responses, as tests choose. */

import { once } from 'node:events';
import { createServer } from 'node:http';

import { json } from './faulty.js';

export class Losing {
  writes = []; // the changes of each request that writes
  /**
   * Returns what happens to a request that writes: undefined for nothing,
   * 'cut' if it doesn't arrive, 'lost' if its response doesn't, or a status.
   */
  fault = () => undefined;
  isAway = false;
  /** Whether nobody can read, and responses to writes don't say what's new. */
  unreadable = false;
  #http = createServer((request, response) => this.#pass(request, response));
  #target;

  static async start(test, target) {
    const proxy = new Losing();
    proxy.#target = target;
    proxy.#http.listen(0, '127.0.0.1');
    await once(proxy.#http, 'listening');
    proxy.url = `http://127.0.0.1:${proxy.#http.address().port}`;
    test.after(() => {
      proxy.#http.close();
      proxy.#http.closeAllConnections();
    });
    return proxy;
  }

  /** Ends all connections, and takes no more. */
  leave() {
    this.isAway = true;
    this.#http.closeAllConnections();
  }

  async #pass(request, response) {
    if (this.isAway) {
      response.destroy();
      return;
    }
    let body = '';
    for await (const piece of request.setEncoding('utf-8')) {
      body += piece;
    }
    let fault;
    if (request.method === 'POST') {
      this.writes.push(JSON.parse(body).changes);
      fault = this.fault(this.writes.at(-1));
    }
    if (fault === 'cut') {
      response.destroy();
    } else if (this.unreadable && request.method === 'GET') {
      response.destroy();
    } else if (typeof fault === 'number') {
      json(response, { status: fault, detail: 'as the test wants' }, fault);
    } else {
      await this.#forward(request, response, body, fault);
    }
  }

  async #forward(request, response, body, fault) {
    const ended = new AbortController();
    response.on('close', () => ended.abort());
    try {
      const answer = await fetch(this.#target + request.url, {
        method: request.method, body: body || undefined,
        headers: { 'content-type': 'application/json' },
        signal: ended.signal });
      if (fault === 'lost') {
        await answer.text();
        response.destroy();
        return;
      }
      if (this.unreadable) {
        json(response, {});
        return;
      }
      response.writeHead(answer.status, {
        'content-type': answer.headers.get('content-type') });
      for await (const piece of answer.body) {
        if (!this.unreadable) { // else a stream would bring what is new
          response.write(piece);
        }
      }
      response.end();
    } catch {
      response.destroy();
    }
  }
}
