/** What the page tells its user: what failed, and what can be undone. */

const LONG = 12_000;

/** Why a write failed, in words for its user. */
function reason(error) {
  if (error.status === 403) return 'you may look, not change';
  if (error.status === 404) return 'somebody has removed it';
  if (error.status === 412) return 'somebody has changed it meanwhile';
  return error.detail ?? error.message;
}

/**
 * Shows one notice at a time, and undoes what was done last.
 *
 * element  has a text, .text, and a button to undo, .undo.
 * board    the Board that writes.
 */
export class Notices {
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
      if (isUndo && board.outbox.canUndo && !types) {
        event.preventDefault();
        this.undo();
      }
    });
  }

  /**
   * Submits an edit; returns a promise of whether it went well.
   * what  what to say if it fails, such as 'Not saved'.
   * done  what to say at once, if the button is to undo the edit.
   */
  submit(what, edit, done) {
    const submitted = this.board.submit(edit);
    if (done) this.show(done, true);
    return this.#result(what, submitted);
  }

  /** Takes back what was done last; each next call, what was before. */
  undo() {
    const undone = this.board.undo();
    this.show('Taken back.');
    return this.#result('Not taken back', undone);
  }

  async #result(what, promise) {
    try {
      await promise;
      return true;
    } catch (error) {
      // Errors of the client have a status; others are mistakes in this page.
      if (error.status === undefined) reportError(error);
      this.fail(what, error);
      return false;
    }
  }

  /** Says that something was refused, and why. */
  fail(what, error) {
    this.show(`${what}: ${reason(error)}.`);
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
