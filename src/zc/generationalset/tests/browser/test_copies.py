"""Copies in pages, in a real browser, which stores each page."""

import unittest
from unittest import mock

from zc.generationalset.server import encoding
from zc.generationalset.tests.support.tabs import Tabs, wait

COUNT = 10
#: How many answers, or pages, are stored.
STORED = '''async () => {
  const [{ name }] = await indexedDB.databases();
  const db = await new Promise((resolve) => {
    const request = indexedDB.open(name);
    request.onsuccess = () => resolve(request.result);
  });
  const request = db.transaction('answers').objectStore('answers').count();
  await new Promise((resolve) => { request.onsuccess = resolve; });
  db.close();
  return request.result - 1;
}'''


class CopiesTests(Tabs, unittest.TestCase):

    def setUp(self):
        super().setUp()
        patch = mock.patch.multiple(encoding, PAGE=2, SMALL=1500)
        patch.start()
        self.addCleanup(patch.stop)
        for number in range(1, COUNT):
            self.put(f'id{number}', 'x' * 200)
        self.allowed = 2  # pages

    def limit(self, route):
        """Let no more pages pass than are allowed."""
        self.allowed -= 1
        if self.allowed < 0:
            route.abort()
        else:
            route.continue_()

    def test_goes_on_with_what_is_stored(self):
        context = self.context()
        context.route('**/updates?*', self.limit)
        page = self.tab(context)
        self.wait(page, 'client.items.size === 4')
        wait(lambda: page.evaluate(STORED) == 2)
        before = self.server.asked('GET /updates')
        self.allowed = 0
        self.reload(page)
        # It shows at once what is stored.
        self.wait(page, 'client.items.size === 4')
        self.remove('ann')
        self.allowed = 100
        page.evaluate('client.retry()')
        self.wait_current(page)
        self.assertEqual(page.evaluate('client.items.size'), COUNT - 1)
        after = self.server.asked('GET /updates')[len(before):]
        self.assertEqual(set(before) & set(after), set())
        self.assertIn('cursor=ey', after[0])
        # What was stored is complete, too.
        self.wait_stored(page)
        self.stop()
        self.reload(page)
        self.assertEqual(page.evaluate('client.items.size'), COUNT - 1)
