"""The board in a real browser: helpers for its tests."""

import contextlib
import re
import signal
import subprocess
import sys
import tempfile
from typing import Any

import httpx
from playwright.sync_api import expect

from zc.generationalset.commands import demo
from zc.generationalset.tests.support.browsing import STORED, Browsing
from zc.generationalset.tests.support.serving import ENVIRONMENT, Served, wait

#: Requests to the server, except for pages and their modules.
API = re.compile(r'/(updates|events|items|batch)([/?]|$)')
#: The end of the message when a browser takes long to store something.
LATE = ' s, got nothing'
#: Returns what a window shows: columns with cards, and messages.
SHOWN = '''() => ({
  columns: [...document.querySelectorAll('.column')].map((column) => [
    column.querySelector('.handle .open').textContent,
    [...column.querySelectorAll('.card .text')].map(
      (text) => text.textContent),
  ]),
  messages: [...document.querySelectorAll('.message .text')].map(
    (text) => text.textContent),
})'''

#: Has notices stay, however long a test takes until it looks at them.
STAY = '''
const start = window.setTimeout;
window.setTimeout = (call, milliseconds, ...rest) => start(
  call, milliseconds === 12_000 ? 3_600_000 : milliseconds, ...rest);
'''

#: Makes a promise, `arrived`, of what a function returns for the next card
#: that has some text.
ARRIVED = '''(text) => {{
  window.arrived = new Promise((resolve) => {{
    new MutationObserver((_, observer) => {{
      const card = [...document.querySelectorAll('.card')].find(
        (each) => each.textContent.includes(text));
      if (!card) return;
      observer.disconnect();
      resolve(({read})(card));
    }}).observe(document.querySelector('.columns'),
                {{childList: true, subtree: true}});
  }});
}}'''


def in_order(set, by):
    return sorted(set.items(), key=lambda pair: (pair[1][by], pair[0]))


def shown(page):
    return page.evaluate(SHOWN)


def contents(http):
    """Return what windows should show, from what the server has."""
    answer = http.get('/updates').json()
    sets = {entry['id']: dict(entry.get('contents', []))
            for entry in answer['contents']}
    columns = in_order(sets['columns'], 'rank')
    lists = {id: [] for id, _ in columns}
    for _, card in in_order(sets['cards'], 'rank'):
        # Cards whose column is gone are in the first column.
        column = card['column'] if card['column'] in lists else columns[0][0]
        lists[column].append(card['text'])
    return {
        'columns': [[item['name'], lists[id]] for id, item in columns],
        'messages': [item['text'] for _, item
                     in in_order(sets['messages'], 'at')]}


class Windows(Browsing):
    """Windows with a board that is served at ``self.url``."""

    def context(self, **options):
        context = super().context(**options)
        context.add_init_script(STAY)
        return context

    def complain(self, what):
        # On a busy machine, a browser stores late, and the client tries again.
        if LATE not in str(what):
            super().complain(what)

    def board(self, context=None, **options):
        """Return a window that shows the board, and is live."""
        page = self.window('/', context, **options)
        self.is_live(page)
        page.locator('.column').first.wait_for()
        return page

    def is_live(self, page, state='online'):
        page.locator(f'html[data-connection={state}]').wait_for()

    def card(self, page, text):
        return page.locator('.card').get_by_role(
            'button', name=text, exact=True)

    def column(self, page, name):
        return page.get_by_role('region', name=name, exact=True)

    def cards(self, page, name):
        """Return the texts of the cards in a column."""
        return self.column(page, name).locator(
            '.card .text').all_text_contents()

    def add(self, page, column, text):
        field = page.get_by_label(f'Add a card to {column}', exact=True)
        field.fill(text)
        field.press('Enter')

    def show(self, page, column, *texts):
        """Wait until a column has these cards."""
        self.until(lambda: self.cards(page, column), list(texts))

    def focused(self, page, text):
        """Wait until what has the focus has this text."""
        expect(page.locator(':focus')).to_have_text(text)

    @contextlib.contextmanager
    def arriving(self, page, text, read):
        """Have a function look at a card as soon as it is in a window.

        Yields a list, which has its result in the end.
        """
        page.evaluate(ARRIVED.format(read=read), text)
        results = []
        yield results
        results.append(page.evaluate('arrived'))

    def generation(self, page):
        return int(page.locator('.generation b').text_content())

    def is_stored(self, page):
        """Wait until the browser stores what a window shows."""
        self.until(lambda: page.evaluate(STORED) == self.generation(page),
                   True)

    def rests(self, page):
        """Wait until a window has an answer to all that it wrote."""
        expect(page.locator('.pending')).to_have_count(0)

    def until(self, get, expected):
        """Wait until something is as expected."""
        try:
            wait(lambda: get() == expected)
        except wait.TimeOutWaitingFor:
            self.assertEqual(get(), expected)

    def agree(self, *pages):
        """Wait until all windows show what the server has."""
        def differ():
            expected = contents(self.http)
            return [page for page in pages if shown(page) != expected]
        try:
            wait(lambda: not differ())
        except wait.TimeOutWaitingFor:
            for page in differ():
                self.assertEqual(shown(page), contents(self.http))


class BoardServed(Windows, Served):
    """A test of the board, with its sample or what ``fill`` puts into it."""

    options: dict[str, Any] = {'routes': demo.routes()}

    def setUp(self):
        super().setUp()
        with self.changing() as things:
            self.fill(things)

    def fill(self, things):
        demo.fill(things)


class Demo:
    """``gset serve --demo`` in a process of its own."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        super().setUp()

    @contextlib.contextmanager
    def serving(self, *arguments, **environment):
        """Run it, and yield the process, whose first line has the URL."""
        process = subprocess.Popen(
            self.command(*arguments), cwd=self.directory,
            env={**ENVIRONMENT, **environment}, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        try:
            line = process.stdout.readline()
            if not line:
                self.fail(process.stderr.read())
            process.lines = [line, process.stdout.readline()]
            process.url = line.split()[1]
            with httpx.Client(base_url=process.url) as self.http:
                yield process
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                self.assertEqual(process.wait(timeout=90), 0)
        finally:
            process.kill()
            process.communicate()

    def command(self, *arguments):
        return [sys.executable, '-m', 'zc.generationalset', 'serve', '--demo',
                *arguments]
