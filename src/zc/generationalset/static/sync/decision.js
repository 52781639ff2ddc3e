import { element, say } from '../explore/elements.js';

/**
 * The controls of one decision, and what came of it.
 *
 * A decision is only noted; when the next run has followed it, the entry goes.
 */
export class Decision {
  #post;
  #outcome = element('p', 'outcome');
  #box = element('div', 'decision');
  #isBusy = false;

  /**
   * @param {function} post  Sends a decision; rejects if it is refused.
   * @param {string} about   What it is about, for screen readers.
   */
  constructor(post, about) {
    this.#post = post;
    this.about = about;
    this.#outcome.setAttribute('role', 'status');
  }

  /** The element with the controls that were added. */
  get node() {
    this.#box.append(this.#outcome);
    return this.#box;
  }

  /**
   * Returns a new button.
   *
   * @param {string} text
   * @param {function} decision  Returns what to send.
   */
  button(text, decision) {
    const button = element('button', '', text);
    button.type = 'button';
    button.append(element('span', 'unseen', ` (${this.about})`));
    button.addEventListener('click', () => this.make(decision()));
    return button;
  }

  add(...nodes) {
    this.#box.append(...nodes);
  }

  /** Sends a decision, and tells what came of it. */
  async make(decision) {
    if (this.#isBusy) {
      return;
    }
    this.#isBusy = true;
    this.#tell('', 'Sending');
    try {
      await this.#post(decision);
      this.#tell('done', 'Noted; the next run follows it.');
    } catch (error) {
      this.#tell('refused', `That was refused: ${error.message}`);
    } finally {
      this.#isBusy = false;
    }
  }

  #tell(kind, text) {
    this.#outcome.className = `outcome ${kind}`;
    say(this.#outcome, text);
  }
}
