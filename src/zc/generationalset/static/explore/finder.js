/** The search field.  One search runs at a time. */
export class Finder {
  #input;
  #search;
  #show;
  #running = null; // an AbortController
  #stale = false;

  /**
   * @param {(text: string, signal: AbortSignal) => Promise} search
   * @param {(text: string, result: *) => void} show
   *   Called with what was found; null for an empty text.
   */
  constructor(input, search, show) {
    this.#input = input;
    this.#search = search;
    this.#show = show;
    input.addEventListener('input', () => this.#start());
  }

  /** Whether there is a text to find. */
  get active() {
    return this.#text !== '';
  }

  /** Empties the field. */
  clear() {
    this.#input.value = '';
    this.#start();
  }

  /** Searches again, because the items have changed. */
  refresh() {
    if (this.#running) {
      this.#stale = true; // beginning again each time might never end
    } else if (this.active) {
      this.#start();
    }
  }

  get #text() {
    return this.#input.value.trim();
  }

  async #start() {
    this.#running?.abort();
    this.#running = null;
    const text = this.#text;
    if (!text) {
      this.#show('', null);
      return;
    }
    const running = new AbortController();
    this.#running = running;
    this.#stale = false;
    const result = await this.#search(text, running.signal);
    if (this.#running === running) {
      this.#running = null;
      this.#show(text, result);
      if (this.#stale) {
        this.#start();
      }
    }
  }
}
