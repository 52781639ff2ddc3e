/** The messages on the page. */

import { textOf } from './contents.js';
import { say } from './edits.js';
import { arrange, clone } from './elements.js';
import { takeText } from './field.js';
import { person } from './names.js';
import { showTime } from './times.js';

/** Milliseconds after which the next message has a heading of its own. */
const PAUSE = 5 * 60_000;

/**
 * Shows the messages, and takes new messages.
 *
 * element  has a list, ol, in the part that scrolls, .log, and a form.
 * unread   shows how many came while the messages were not visible.
 */
export class Messages {
  #views = new Map();
  #unread = 0;

  constructor(element, unread, board, notices) {
    this.board = board;
    this.log = element.querySelector('.log');
    this.list = element.querySelector('ol');
    this.unread = unread;
    this.notices = notices;
    this.giveBack = takeText(
      element.querySelector('form'), (text) => this.#say(text));
    board.addEventListener('change', ({ detail }) => {
      if (detail.sets.has('messages')) this.#show(detail);
    });
    new IntersectionObserver(() => this.#see()).observe(this.log);
  }

  async #say(text) {
    const said = this.notices.submit('Not sent', say(text));
    this.#scrollToEnd();
    if (!await said) return false;
    this.board.removeOldMessages();
    return true;
  }

  get #isVisible() {
    return this.log.checkVisibility();
  }

  #show({ changes, isNews }) {
    const isAtEnd = this.log.scrollHeight - this.log.scrollTop
      - this.log.clientHeight < 40;
    this.render();
    if (isAtEnd) this.#scrollToEnd();
    if (!this.#isVisible && isNews) {
      this.#unread += changes.filter(({ set, kind }) => (
        set === 'messages' && kind === 'added')).length;
      this.#showUnread();
    }
  }

  render() {
    const { messages } = this.board;
    const shown = new Map();
    messages.forEach(({ id, item }, index) => {
      const view = this.#views.get(id) ?? clone('message');
      showMessage(view, item, messages[index - 1]?.item);
      view.classList.toggle(
        'pending', this.board.isPending('messages', id));
      shown.set(id, view);
    });
    this.#views = shown;
    arrange(this.list, [...shown.values()]);
  }

  #see() {
    if (!this.#isVisible) return;
    this.#scrollToEnd();
    this.#unread = 0;
    this.#showUnread();
  }

  #showUnread() {
    this.unread.textContent = this.#unread || '';
    this.unread.hidden = !this.#unread;
  }

  #scrollToEnd() {
    this.log.scrollTop = this.log.scrollHeight;
  }
}

function showMessage(element, item, before) {
  const { name, color } = person(item.by);
  element.dataset.color = color;
  element.querySelector('.by').textContent = name;
  element.querySelector('.text').textContent = textOf(item);
  showTime(element.querySelector('time'), item.at);
  const isSame = before && person(before.by).name === name
    && item.at - before.at < PAUSE;
  element.classList.toggle('goes-on', Boolean(isSame));
}
