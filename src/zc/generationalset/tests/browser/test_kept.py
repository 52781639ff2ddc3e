"""Writes that survive a tab."""

import contextlib
import unittest

from playwright.sync_api import Error

from zc.generationalset.tests.support.tabs import Tabs, wait

KEEP = '''
async (user) => {
  const [{ Outbox }, { KeptQueue }] = await Promise.all(
    ['outbox', 'kept'].map((name) => import(`/static/outbox/${name}.js`)));
  window.outbox = new Outbox(client, new KeptQueue(client, user));
  window.refused = [];
  outbox.addEventListener('refused', ({ detail: { path, error } }) =>
    refused.push([path, error.status, error.item]));
}
'''


class KeptTests(Tabs, unittest.TestCase):

    def setUp(self):
        super().setUp()
        self.browser = self.context()
        self.first = self.keeping()

    def keeping(self, user='ann'):
        """Return a tab with an outbox of a user."""
        page = self.tab(self.browser)
        page.evaluate(KEEP, user)
        return page

    def write(self, page, call):
        page.evaluate(f'() => {{ outbox.{call}.catch(() => {{}}); }}')

    def kill(self, page):
        with page.expect_event('crash'), contextlib.suppress(Error):
            page.goto('chrome://crash')

    def rests(self, page):
        self.wait(page, 'outbox.waiting === 0')

    def stored(self):
        """Return what the server has."""
        with self.changing() as things:
            return {document.id: document.value for document in things}

    def test_a_tab_is_killed_while_the_server_is_away(self):
        self.stop()
        self.wait(self.first, '!client.online')
        self.write(self.first, "put('bob', 'Bob')")
        self.write(self.first, "put('bob', 'Robert')")
        self.write(self.first, "remove('ann')")
        second = self.keeping()
        # It shows them once they are stored.
        self.wait(second, 'outbox.waiting === 3')
        self.assertEqual(
            second.evaluate("[outbox.items.get('bob'), outbox.items.size]"),
            ['Robert', 1])
        self.kill(self.first)
        second.close()
        other = self.keeping('cy')
        self.start()
        self.wait(other, 'client.online')
        self.assertEqual(other.evaluate('outbox.waiting'), 0)
        self.assertEqual(self.stored(), {'ann': 'Ann'})
        other.close()
        third = self.keeping()
        wait(lambda: self.stored() == {'bob': 'Robert'})
        self.rests(third)

    def test_a_tab_is_killed_before_it_hears_the_response(self):
        made = []
        self.first.route(
            '**/batch*', lambda route: made.append(route.fetch()))
        self.write(self.first, "put('bob', 'Bob')")
        self.write(self.first, "put('ann', 'Anne')")
        wait(lambda: self.first.title() and made)
        second = self.keeping()  # not before: any of the tabs may send them
        self.put('ann', 'Annie')  # somebody else
        self.kill(self.first)
        self.wait(second, 'refused.length')
        self.rests(second)
        self.assertEqual(second.evaluate('refused'), [[['ann'], 412, 'Annie']])
        self.assertEqual(self.stored(), {'ann': 'Annie', 'bob': 'Bob'})
        self.assertTrue(second.evaluate('outbox.isKept'))
        second.evaluate('client.forget()')
        self.assertEqual(second.evaluate('indexedDB.databases()'), [])
