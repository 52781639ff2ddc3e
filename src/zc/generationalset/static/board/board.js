/**
 * A shared task board: all who have this page open see the same, at once.
 *
 * Everything is in one set with four subsets.  The client of gset.js keeps a
 * copy of the set; this page shows the copy, and writes through the client.
 */

import {
  askAccess, makeClient, makeOutbox, removeAtEnd, start,
} from './access.js';
import { Board } from './data.js';
import { Dragging } from './dragging.js';
import { addColumn } from './edits.js';
import { takeText } from './field.js';
import { Keys } from './keys.js';
import { Messages } from './messages.js';
import { Me } from './names.js';
import { Notices } from './notices.js';
import { installWorker } from './offline.js';
import { Page } from './page.js';
import { People } from './people.js';
import { Presence } from './presence.js';
import { PushButton } from './push.js';
import { takeBack } from './refused.js';
import { Status } from './status.js';
import { keepTimes } from './times.js';

const find = (selector) => document.querySelector(selector);
const root = document.documentElement;

// The board

const client = makeClient();
const me = new Me();
const board = new Board(client, makeOutbox(client), me);
board.addEventListener('change', () => {
  find('.waiting').remove();
  me.differFrom(board.people.map(({ item }) => item.color));
}, { once: true });
client.addEventListener('online', async () => {
  board.tellAccess(await askAccess());
});
const notices = new Notices(find('.notice-bar'), board);
const status = new Status(find('.status'), board);
const page = new Page(find('.columns'), board, notices);
const presence = new Presence(board, removeAtEnd);
const messages = new Messages(
  find('.messages'), find('.unread'), board, notices);
new People(find('.people'), board, presence);
new Keys(page, (words) => status.say(words));
new Dragging(find('.board'), (target) => page.drop(target));
const giveBack = takeText(find('.new-column'), (name) => (
  notices.submit('Not added', addColumn(name))));
board.addEventListener('refused', ({ detail }) => (
  takeBack(detail, { page, messages, notices, giveBack })));
keepTimes();
addEventListener('beforeunload', (event) => {
  const { waiting, isKept } = board.outbox;
  if (waiting && !isKept) event.preventDefault(); // the browser asks
});

// The views that a phone shows one at a time

function show(view) {
  root.dataset.view = view;
  for (const button of document.querySelectorAll('.views button')) {
    button.ariaPressed = String(button.dataset.view === view);
  }
}

find('.views').addEventListener('click', ({ target }) => {
  const button = target.closest('button');
  if (button) show(button.dataset.view);
});

// Help

const help = find('.help-dialog');
find('button.help').addEventListener('click', () => help.showModal());
help.querySelector('.close').addEventListener('click', () => help.close());
addEventListener('keydown', ({ key, target }) => {
  const types = target.matches?.('input, textarea, select');
  if (key === '?' && !types && !help.open) help.showModal();
});

// The service worker loads all files, too, so the page comes first.
const worker = start(client).then(installWorker);
client.addEventListener('online', async () => {
  new PushButton(find('button.notify'), await worker, notices).start();
}, { once: true });
await worker;
