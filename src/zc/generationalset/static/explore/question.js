import { say } from './elements.js';
import { counted, number, size } from './format.js';
import { lines } from './json.js';

const LIMIT = 100_000; // characters of an answer
const RESETS = {
  epoch: 'its generation is not of the epoch of the server',
  ahead: 'it has a generation that the server hasn’t reached',
  replaced: 'the set that is served isn’t the one that it had',
};

/** Asks the server what a client at some generation would get. */
export class Question {
  #form;
  #answer;
  #get;
  #last = null; // an AbortController

  /**
   * @param {HTMLFormElement} form  Has the inputs generation and epoch.
   * @param {HTMLElement} answer  Has a .verdict, a .why and a pre.
   * @param {(path: string, signal: AbortSignal) => Promise<Response>} get
   *   Requests a path of the server.
   */
  constructor(form, answer, get) {
    this.#form = form;
    this.#answer = answer;
    this.#get = get;
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#ask();
    });
    form.elements.epoch.addEventListener('input', ({ target }) => {
      target.dataset.edited = target.value ? 'yes' : '';
    });
  }

  /** Proposes the current epoch. */
  propose(epoch) {
    const input = this.#form.elements.epoch;
    if (!input.dataset.edited && document.activeElement !== input) {
      input.value = epoch ?? '';
    }
  }

  async #ask() {
    this.#last?.abort();
    this.#last = new AbortController();
    const { signal } = this.#last;
    const { generation, epoch } = this.#form.elements;
    const query = new URLSearchParams({ generation: generation.value || '0' });
    if (epoch.value) {
      query.set('epoch', epoch.value);
    }
    const started = performance.now();
    try {
      const response = await this.#get(`updates?${query}`, signal);
      const text = await response.text();
      const took = Math.round(performance.now() - started);
      this.#show(response, text, took);
    } catch (error) {
      if (!signal.aborted) {
        this.#say('No response.', error.message, []);
      }
    }
  }

  #show(response, text, took) {
    const bytes = new Blob([text]).size;
    const verdict = `${response.status} · ${size(bytes)} · ${took} ms`;
    let json;
    try {
      json = JSON.parse(text);
    } catch {
      this.#say(verdict, 'It isn’t JSON.', [text.slice(0, LIMIT)]);
      return;
    }
    this.#say(verdict, response.ok ? explain(json) : String(json.detail),
              lines(json, LIMIT));
  }

  #say(verdict, why, found) {
    this.#answer.hidden = false;
    say(this.#answer.querySelector('.verdict'), verdict);
    say(this.#answer.querySelector('.why'), why);
    this.#answer.querySelector('pre').replaceChildren(found.join('\n'));
  }
}

/** Describes an answer in words. */
function explain(answer) {
  const { since, reset, contents } = answer;
  const tally = new Tally(answer);
  if (reset !== undefined) {
    return `Reset: the client forgets all that it has, because ${
      RESETS[reset] ?? `the server says “${reset}”`}.  It gets everything: ${
      tally}.`;
  }
  if (since === 0) {
    return `Everything, since the client has nothing: ${tally}.`;
  }
  if (contents) {
    return 'Contents in the place of a delta, since the server has forgotten '
      + 'removals that the client missed.  What isn’t listed is gone.  There '
      + `are ${tally}.`;
  }
  if (tally.empty) {
    return `Nothing changed since ${number(since)}.`;
  }
  return `Delta, what changed since ${number(since)}: ${tally}${
    tally.wholes ? `, ${number(tally.wholes)} of them with all contents` : ''
  }.`;
}

/** Counts what is in an answer. */
class Tally {
  #items = 0;
  #sets = 0;
  /** Subsets that come with contents instead of changes. */
  wholes = 0;
  #removals = 0;

  constructor(answer) {
    this.#count(answer);
  }

  get empty() {
    return this.#items + this.#sets + this.#removals === 0;
  }

  toString() {
    const parts = [
      ['item', this.#items], ['removal', this.#removals],
      ['subset', this.#sets]];
    return parts.filter(([, count]) => count).map(
      ([noun, count]) => counted(count, noun)).join(', ') || 'no items';
  }

  #count({ contents, adds, removals }) {
    this.#removals += removals?.length ?? 0;
    for (const entry of contents ?? adds ?? []) {
      if (Array.isArray(entry)) {
        this.#items += 1;
      } else {
        this.#sets += 1;
        this.wholes += entry.contents ? 1 : 0;
        this.#count(entry);
      }
    }
  }
}
