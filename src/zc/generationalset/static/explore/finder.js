/** The field for what to find.  One search runs at a time. */
export class Finder {
  #input;
  #search;
  #show;
  #running = null; // an AbortController
  #stale = false;

  /**
   * @param {(text: string, signal: AbortSignal) => Promise} search
   * @param {(text: string, result: *) => void} show
   *   Given what was found; for an empty text, null.
   */
  constructor(input, search, show) {
    this.#input = input;
    this.#search = search;
    this.#show = show;
    input.addEventListener('input', () => this.#start());
  }

  /** Is there anything to find? */
  get active() {
    return this.#text !== '';
  }

  /** Empties the field. */
  clear() {
    this.#input.value = '';
    this.#start();
  }

  /** Searches once more, since there may be something else to find. */
  refresh() {
    if (this.#running) {
      this.#stale = true; // to begin again each time might never end
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
