"""A real Chromium, driven by Playwright, for tests of what runs in pages."""

import os
import shutil
import sys

from playwright.sync_api import sync_playwright

from zc.generationalset.tests.serving import Served

NAMES = 'chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'
ARGUMENTS = [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update',
    '--disable-sync']
#: What the browser itself writes when a server is gone, or says no.
NETWORK = 'Failed to load resource'
#: Has each violation of a policy written to the console, as an error.
TELL_VIOLATIONS = '''
addEventListener('securitypolicyviolation', (event) => console.error(
  `violates ${event.violatedDirective}: ${event.blockedURI}`));
'''


def program():
    """Return the path of a Chromium, None if there is none."""
    named = os.environ.get('GSET_TEST_CHROMIUM')
    return named or next(filter(None, map(shutil.which, NAMES)), None)


class Chromium:
    """A layer of tests: one browser for all of them."""

    browser = None

    @classmethod
    def setUp(cls):
        path = program()
        if path is None:
            print('\nNO CHROMIUM: tests of what runs in browsers are skipped.'
                  '  Install the package chromium, or name one in '
                  'GSET_TEST_CHROMIUM.', file=sys.stderr)
            return
        cls.playwright = sync_playwright().start()
        cls.browser = cls.playwright.chromium.launch(
            executable_path=path, args=ARGUMENTS)

    @classmethod
    def tearDown(cls):
        if cls.browser is not None:
            cls.browser.close()
            cls.playwright.stop()
            cls.browser = None


class Browsing:
    """For tests with windows; fails if one of them complains.

    Mix into a TestCase.  Each context is a browser of its own, with its own
    storage; its pages are windows, or tabs, of it.
    """

    layer = Chromium
    timeout = 30_000  # milliseconds

    def setUp(self):
        if Chromium.browser is None:
            self.skipTest('there is no Chromium')
        super().setUp()
        self.complaints = []
        self.addCleanup(self.check_complaints)

    def context(self, **options):
        """Return a new browser context; see Playwright's new_context."""
        context = Chromium.browser.new_context(**options)
        self.addCleanup(context.close)
        context.set_default_timeout(self.timeout)
        context.add_init_script(TELL_VIOLATIONS)
        context.on('weberror', lambda error: self.complain(error.error))
        context.on('console', self.hear)
        return context

    def window(self, url='', context=None, **options):
        """Return a page that shows a path of the server."""
        page = (context or self.context(**options)).new_page()
        page.goto(self.url + url)
        return page

    def hear(self, message):
        if message.type in ('error', 'warning'):
            if not message.text.startswith(NETWORK):
                self.complain(message.text)

    def complain(self, what):
        self.complaints.append(str(what))

    def check_complaints(self):
        """Expect that no page said anything; tests may clear the list."""
        self.assertEqual(self.complaints, [])


class BrowsingServed(Browsing, Served):
    """The same, with a database, a set in it, and its server."""
