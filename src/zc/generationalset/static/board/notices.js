/** What the page tells its user: what failed, and what can be undone. */

const LONG = 12_000;
/** How many removals can be undone. */
const MOST_UNDOS = 100;

/** Why a write failed, in words for its user. */
function reason(error) {
  if (error.status === 401) return 'the server does not know you any more';
  if (error.status === 403) return 'you may look, not change';
  if (error.status === 404) return 'somebody has removed it';
  if (error.status === 0) {
    return `the server can’t be reached${
      error.name === 'MaybeWritten' ? '; it may have been saved' : ''}`;
  }
  return error.detail ?? error.message;
}

/**
 * Shows one notice at a time, and remembers what can be undone.
 *
 * element  has a text, .text, and a button to undo, .undo.
 * board    the Board that writes.
 */
export class Notices {
  #removals = []; // {name, undo}, the oldest first
  #timer = 0;

  constructor(element, board) {
    this.element = element;
    this.board = board;
    this.button = element.querySelector('.undo');
    this.button.addEventListener('click', () => this.undo());
    element.querySelector('.close').addEventListener(
      'click', () => this.hide());
    addEventListener('keydown', (event) => {
      const isUndo = event.key === 'z' && (event.ctrlKey || event.metaKey);
      const types = event.target.matches?.('input, textarea');
      if (isUndo && this.#removals.length && !types) {
        event.preventDefault();
        this.undo();
      }
    });
  }

  /** Whether something can be written now; if not, shows why. */
  mayTry(what) {
    if (this.board.client.online) return true;
    this.show(`${what}: you are offline. Try again when you are back.`);
    return false;
  }

  /**
   * Submits an edit; returns whether it went well.
   * what  what to say if it fails, such as 'Not saved'.
   */
  async submit(what, edit) {
    return Boolean(await this.#try(what, edit));
  }

  /** Returns the changes that were made; null if the edit failed. */
  async #try(what, edit) {
    if (!this.mayTry(what)) return null;
    try {
      return await this.board.submit(edit);
    } catch (error) {
      // Errors of the client have a status; others are mistakes in this page.
      if (error.status === undefined) reportError(error);
      this.show(`${what}: ${reason(error)}.`);
      return null;
    }
  }

  /** Removes something, and remembers how to undo that. */
  async remove(name, { edit, undo }) {
    if (!this.mayTry('Not removed')) return;
    const removal = { name, undo };
    const removed = this.submit('Not removed', edit);
    this.#removals = [...this.#removals, removal].slice(-MOST_UNDOS);
    this.show(`Removed ${name}.`, true);
    if (!await removed) {
      this.#removals = this.#removals.filter((each) => each !== removal);
    }
  }

  /** Puts back what was removed last; each next call, what was before. */
  async undo() {
    const removal = this.#removals.pop();
    if (!removal) return;
    this.hide();
    const changes = await this.#try('Not put back', removal.undo);
    if (!changes) {
      this.#removals.push(removal);
      this.button.hidden = false;
    } else if (!changes.length) {
      this.show(`${removal.name} is there already.`);
    }
  }

  show(text, canUndo = false) {
    clearTimeout(this.#timer);
    this.button.hidden = !canUndo;
    this.element.classList.add('shown');
    this.element.querySelector('.text').textContent = text;
    this.#hideLater();
  }

  hide() {
    clearTimeout(this.#timer);
    this.element.classList.remove('shown');
    this.element.querySelector('.text').textContent = '';
    this.button.hidden = true;
  }

  #hideLater() {
    this.#timer = setTimeout(() => {
      // The notice stays while the user is about to press its button.
      if (this.element.matches(':focus-within, :hover')) this.#hideLater();
      else this.hide();
    }, LONG);
  }
}
