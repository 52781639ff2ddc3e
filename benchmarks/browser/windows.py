"""Real browsers, each with a disk of its own, without a screen."""

import os
import shutil
from contextlib import ExitStack, contextmanager

from benchmarks.browser.front import Front, Loop
from benchmarks.lib.processes import Failed
from playwright.sync_api import Error, sync_playwright

NAMES = 'chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'
ARGUMENTS = [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update',
    '--disable-sync']
#: Seconds that a page may take for anything.
PATIENCE = 300
CALL = '''
([name, given, patience]) => Promise.race([bench[name](...given),
  new Promise((resolve, reject) => setTimeout(
    reject, patience * 1000, new Error(`no end in ${patience} seconds`)))])
'''


def program():
    """Return the path of a Chromium, None if there is none."""
    named = os.environ.get('GSET_TEST_CHROMIUM')
    return named or next(filter(None, map(shutil.which, NAMES)), None)


class Windows:
    """Two browsers that show the pages of servers."""

    def __init__(self, directory, pages):
        self._directory = directory
        self._pages = pages
        self._stack = ExitStack()

    def __enter__(self):
        with ExitStack() as stack:
            self._loop = stack.enter_context(Loop())
            chromium = stack.enter_context(sync_playwright()).chromium
            self._browsers = []
            for number in range(2):
                # A context that isn't persistent would keep IndexedDB in
                # memory.
                browser = chromium.launch_persistent_context(
                    self._directory / f'browser-{number}', args=ARGUMENTS,
                    executable_path=program())
                stack.callback(browser.close)
                self._browsers.append(browser)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception):
        self._stack.close()

    @property
    def version(self):
        return self._browsers[0].browser.version

    def front(self, server):
        return Front(self._loop, server.port, self._pages)

    def open(self, front, name, browser=0, query=''):
        """Open the page of a server in a new tab of a browser."""
        return Window(self._browsers[browser],
                      f'{front.url}{name}.html{query}')


class Window:
    """A tab with a page; a complaint of the page is an error."""

    def __init__(self, browser, url):
        self._complaints = []
        self._page = browser.new_page()
        self._page.set_default_timeout(PATIENCE * 1000)
        self._page.on('pageerror', self._complain)
        with self._failing(url):
            self._page.goto(url)
            self._page.wait_for_function('window.bench')

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._page.close()

    def _complain(self, error):
        self._complaints.append(str(error))

    @contextmanager
    def _failing(self, what):
        try:
            yield
        except Error as error:
            raise Failed(f'{what}: {error}') from error
        if self._complaints:
            raise Failed(f'{what}: {self._complaints}')

    def ask(self, what, *arguments):
        """Call a function of pages/measure.js, return its result."""
        with self._failing(what):
            return self._page.evaluate(CALL, [what, arguments, PATIENCE])
