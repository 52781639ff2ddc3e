"""A real Chromium, driven by Playwright, for tests of what runs in pages."""

import os

from playwright.sync_api import expect, sync_playwright

from zc.generationalset.tests.support import programs
from zc.generationalset.tests.support.serving import Served

#: What costs time in each window, or does what no test asks for.  This list
#: replaces the one that Playwright gives.
FEATURES = [
    'WebUIOmniboxPopup', 'WebUIOmniboxAimPopup',
    'SpareRendererForSitePerProcess', 'MediaRouter', 'OptimizationHints',
    'HttpsUpgrades', 'AvoidUnnecessaryBeforeUnloadCheckSync',
    'DestroyProfileOnBrowserClose']
ARGUMENTS = [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update',
    '--disable-sync', f'--disable-features={",".join(FEATURES)}']
TIMEOUT = 90_000  # milliseconds, for a busy machine
expect.set_options(timeout=TIMEOUT)
#: What the browser itself writes when a server is gone, or refuses.
NETWORK = 'Failed to load resource'
#: What Playwright writes when a page registers a service worker.
BLOCKED = 'Service Worker registration blocked'
#: Writes each violation of a policy to the console, as an error.
TELL_VIOLATIONS = '''
addEventListener('securitypolicyviolation', (event) => console.error(
  `violates ${event.violatedDirective}: ${event.blockedURI}`));
'''

#: The generation of what a page's origin stores; null for nothing.
STORED = '''
async () => {
  const { name } = (await indexedDB.databases())[0] ?? {};
  if (name === undefined) {
    return null;
  }
  const db = await new Promise((resolve) => {
    const request = indexedDB.open(name);
    request.onsuccess = () => resolve(request.result);
  });
  const last = await new Promise((resolve) => {
    const request = db.transaction('answers').objectStore('answers')
      .get('last');
    request.onsuccess = () => resolve(request.result);
  });
  db.close();
  return last?.generation ?? null;
}
'''


def launch(playwright, found):
    """Return a browser of a Chromium that ``programs`` found."""
    return playwright.chromium.launch(
        executable_path=found.path, args=ARGUMENTS, timeout=TIMEOUT,
        env={**os.environ, **found.environment})


def stop_clock(page):
    """Stop the timers of a page, on which clock.install was called."""
    page.clock.pause_at(page.evaluate('Date.now() + 1000'))


class Chromium:
    """A layer of tests: one browser for all of them."""

    browser = None
    missing = None

    @classmethod
    def setUp(cls):
        try:
            found = programs.chromium()
        except programs.Missing as missing:
            cls.missing = str(missing)
            return
        cls.playwright = sync_playwright().start()
        cls.browser = launch(cls.playwright, found)

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
    def setUp(self):
        if Chromium.missing:
            self.skipTest(Chromium.missing)
        super().setUp()
        self.complaints = []
        self.addCleanup(self.check_complaints)

    def context(self, **options):
        """Return a new browser context; see Playwright's new_context.

        It has no service workers, unless a test wants them: they would load
        all pages once more.
        """
        context = Chromium.browser.new_context(
            **{'service_workers': 'block', **options})
        self.addCleanup(context.close)
        context.set_default_timeout(TIMEOUT)
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
            if not message.text.startswith((NETWORK, BLOCKED)):
                self.complain(message.text)

    def complain(self, what):
        self.complaints.append(str(what))

    def check_complaints(self):
        """Expect that no page complained; tests may clear the list."""
        self.assertEqual(self.complaints, [])


class BrowsingServed(Browsing, Served):
    """A Browsing with a database, a set in it, and its server."""
