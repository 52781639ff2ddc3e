/** What the page tells its user: what failed, and what can be undone. */

const LONG = 12_000;

/** Why a write failed, in words for whoever wanted it. */
function reason(error) {
  if (error.status === 401 || error.status === 403) {
    return 'the server does not allow you to do that';
  }
  if (error.status === 404) return 'somebody has removed it';
  if (error.status === 0) return 'the server can’t be reached';
  return error.detail ?? error.message;
}

/**
 * Shows one notice at a time.
 *
 * element  has a text, .text, and a button to undo, .undo.
 * client   the Client that writes.
 */
export class Notices {
  #undo = null;
  #timer = 0;

  constructor(element, client) {
    this.element = element;
    this.client = client;
    this.button = element.querySelector('.undo');
    this.button.addEventListener('click', () => this.undo());
    element.querySelector('.close').addEventListener(
      'click', () => this.hide());
    addEventListener('keydown', (event) => {
      const isUndo = event.key === 'z' && (event.ctrlKey || event.metaKey);
      const types = event.target.matches?.('input, textarea');
      if (isUndo && this.#undo && !types) {
        event.preventDefault();
        this.undo();
      }
    });
  }

  /**
   * Does what writes; returns whether it went well.
   *
   * what    what isn't so if it fails, such as 'Not saved'.
   * action  an async function.
   */
  async attempt(what, action) {
    if (!this.client.online) {
      this.show(`${what}: you are offline. Try again when you are back.`);
      return false;
    }
    try {
      await action();
      return true;
    } catch (error) {
      // Those of the client have one; others are mistakes in this page.
      if (error.status === undefined) reportError(error);
      this.show(`${what}: ${reason(error)}.`);
      return false;
    }
  }

  /** Removes something; what `action` returns puts it back. */
  async remove(name, action) {
    return this.attempt('Not removed', async () => {
      const undo = await action();
      this.show(`Removed ${name}.`, () => this.attempt('Not put back', undo));
    });
  }

  show(text, undo = null) {
    clearTimeout(this.#timer);
    this.#undo = undo;
    this.button.hidden = !undo;
    this.element.classList.add('shown');
    this.element.querySelector('.text').textContent = text;
    this.#hideLater();
  }

  async undo() {
    const undo = this.#undo;
    if (!undo) return;
    this.#undo = null;
    if (await undo()) {
      this.hide();
    } else {
      this.#undo = undo;
      this.button.hidden = false;
    }
  }

  hide() {
    clearTimeout(this.#timer);
    this.#undo = null;
    this.element.classList.remove('shown');
    this.element.querySelector('.text').textContent = '';
    this.button.hidden = true;
  }

  #hideLater() {
    this.#timer = setTimeout(() => {
      // While somebody is about to press its button, it stays.
      if (this.element.matches(':focus-within, :hover')) this.#hideLater();
      else this.hide();
    }, LONG);
  }
}
