"""Several tabs of one browser share a store and a stream."""

import contextlib
import os
import random
import sys
import threading
import unittest

from playwright.sync_api import Error

from zc.generationalset.documents import Document
from zc.generationalset.tests.support.properties import THOROUGH
from zc.generationalset.tests.support.tabs import PATIENT, Tabs, TwoTabs, wait


class SharingTests(TwoTabs, unittest.TestCase):

    def test_one_stream(self):
        for number in range(5):
            self.put('n', number)
            self.wait_current(self.first, self.second)
        for page in self.first, self.second:
            self.assertEqual(self.contents(page), {'ann': 'Ann', 'n': 4})
            self.assertEqual(self.types(page).count('changed'), 4)
        self.assertEqual(len(self.server.asked('GET /events')), 1)
        # The second one found all that it needed in the browser.
        self.assertEqual(len(self.server.asked('GET /updates')), 1)

    def test_what_one_writes_the_other_has(self):
        self.second.evaluate("client.put('bob', 'Bob')")
        self.assertEqual(
            self.second.evaluate("client.items.get('bob')"), 'Bob')
        self.wait(self.first, "client.items.get('bob') === 'Bob'")
        self.first.evaluate("client.put('bob', 'Robert')")
        self.wait(self.second, "client.items.get('bob') === 'Robert'")
        self.wait_current(self.first, self.second)
        self.assertEqual(self.types(self.second).count('changed'), 1)
        self.assertEqual(len(self.server.asked('GET /events')), 1)

    def test_only_one_stores(self):
        self.second.evaluate('''() => {
          const { put, add } = IDBObjectStore.prototype;
          window.stored = 0;
          IDBObjectStore.prototype.put = function (...values) {
            window.stored += 1;
            return put.apply(this, values);
          };
        }''')
        self.put('bob', 'Bob')
        self.wait_current(self.first, self.second)
        self.wait_stored(self.first)
        self.assertEqual(self.second.evaluate('stored'), 0)

    def test_another_one_starts_without_the_server(self):
        self.wait_stored(self.first)
        self.stop()
        third = self.tab(self.browser)
        self.assertEqual(self.contents(third), {'ann': 'Ann'})
        self.offline(third)
        self.put('bob', 'Bob')
        self.start()
        self.wait_current(self.first, self.second, third)
        wait(lambda: self.server.streams == 1)
        self.assertEqual(len(self.server.asked('GET /events')), 1)

    def test_all_are_told_when_the_server_is_away(self):
        self.first.evaluate('() => { Math.random = () => 1; }')
        self.first.evaluate(PATIENT)
        self.stop()
        for page in self.first, self.second:
            self.wait(page, """events.filter(
              ([type]) => type === 'offline').length === 3""")
            self.assertIn(
                'the server was not heard', page.evaluate(
                    "events.find(([type]) => type === 'offline')[1]"))
        self.start()
        # The next try is an hour away.  Whichever is told that the network is
        # back:
        self.second.evaluate("dispatchEvent(new Event('online'))")
        for page in self.first, self.second:
            page.wait_for_function('client.online')

    def test_one_that_does_not_lead_may_try_now(self):
        self.first.evaluate('() => { Math.random = () => 1; }')
        refuse = '''() => {
          const refused = JSON.stringify({ detail: 'busy' });
          window.reach = window.fetch;
          window.fetch = async () => new Response(
            refused, { status: 503, headers: { 'Retry-After': '600' } });
        }'''
        self.first.evaluate(refuse)
        self.stop()
        self.start()
        for page in self.first, self.second:
            self.offline(page)
        self.first.evaluate('() => { window.fetch = reach; }')
        self.second.evaluate('client.retry()')
        for page in self.first, self.second:
            self.wait(page, 'client.online')

    def test_one_that_missed_something_asks(self):
        self.second.evaluate('''() => {
          BroadcastChannel.prototype.postMessage = () => {};
        }''')
        self.first.evaluate('''() => {
          const { postMessage } = BroadcastChannel.prototype;
          BroadcastChannel.prototype.postMessage = () => {};
          window.restore = () => {
            BroadcastChannel.prototype.postMessage = postMessage;
          };
        }''')
        self.put('bob', 'Bob')
        self.wait_current(self.first)
        self.first.evaluate('restore()')
        self.put('cy', 'Cy')
        self.wait_current(self.second)
        self.assertEqual(len(self.server.asked('GET /updates')), 2)
        self.put('dan', 'Dan')
        self.wait_current(self.second)
        self.assertEqual(len(self.server.asked('GET /updates')), 2)

    def test_two_clients_in_one_tab(self):
        page = self.first
        page.evaluate('''async () => {
          const { Client } = await import('/static/gset.js');
          window.other = new Client('./', { store: 'things' });
          await other.start();
        }''')
        self.put('bob', 'Bob')
        self.wait_current(page)
        self.wait(page, 'other.generation === client.generation')
        page.evaluate('client.close()')
        self.put('cy', 'Cy')
        self.wait(page, "other.items.get('cy') === 'Cy'")
        wait(lambda: self.server.streams == 1)

    def test_reset(self):
        with self.changing() as things:
            things.renew()
            del things['ann']
        self.put('bob', 'Bob')
        for page in self.first, self.second:
            self.wait_current(page)
            self.assertIn('reset', self.types(page))
            self.assertEqual(self.contents(page), {'bob': 'Bob'})
        self.reload(self.second)
        self.wait_current(self.second)


class TakingOverTests(TwoTabs, unittest.TestCase):

    def check_takes_over(self, leave):
        generation, epoch = self.second.evaluate(
            '[client.generation, client.epoch]')
        count = len(self.server.requests)
        leave()
        wait(lambda: len(self.server.asked('GET /events')) == 2)
        self.assertEqual(
            self.server.requests[count],
            f'GET /updates?generation={generation}&epoch={epoch}&cursor=')
        wait(lambda: self.server.streams == 1)
        self.put('bob', 'Bob')
        self.wait_current(self.second)
        self.wait_stored(self.second)
        self.assertNotIn('offline', self.types(self.second))

    def test_tab_is_closed(self):
        self.check_takes_over(self.first.close)

    def test_client_is_closed(self):
        self.check_takes_over(lambda: self.first.evaluate('client.close()'))

    def test_tab_is_left(self):
        self.check_takes_over(lambda: self.first.goto('about:blank'))

    def test_tab_crashes(self):
        def crash():
            with self.first.expect_event('crash'), contextlib.suppress(Error):
                self.first.goto('chrome://crash')
        self.check_takes_over(crash)

    def test_again_and_again(self):
        pages = [self.first, self.second]
        for number in range(6):
            pages.append(self.tab(self.browser))
            self.put('n', number)
            pages.pop(0).close()
            self.put('m', number)
            self.wait_current(*pages)
        self.assertEqual(
            self.contents(pages[0]), {'ann': 'Ann', 'n': 5, 'm': 5})
        wait(lambda: self.server.streams == 1)

    def test_a_write_meanwhile(self):
        promises = 'Promise.all([1, 2, 3].map((n) => client.put("n", n)))'
        self.second.evaluate(f'() => {{ window.written = {promises}; }}')
        self.first.close()
        self.second.evaluate('written')
        self.second.evaluate("client.put('bob', 'Bob')")
        self.assertEqual(
            self.second.evaluate("client.items.get('bob')"), 'Bob')
        wait(lambda: len(self.server.asked('GET /events')) == 2)
        self.wait_current(self.second)
        self.wait_stored(self.second)


class Writer(threading.Thread):
    """Changes two items, always to the same value, as fast as it can."""

    def __init__(self, test):
        super().__init__()
        self.test = test
        self.ended = threading.Event()
        self.count = 0

    def run(self):
        while not self.ended.wait(0.002):
            self.count += 1
            with self.test.changing() as things:
                for id in 'x', 'y':
                    things.add(Document(id, self.count))

    def __enter__(self):
        self.start()

    def __exit__(self, *error):
        self.ended.set()
        self.join()


class RushTests(Tabs, unittest.TestCase):

    def watch(self, page):
        """Have a page note when the two items differ."""
        page.evaluate('''() => {
          window.torn = [];
          const look = () => {
            const [x, y] = [client.items.get('x'), client.items.get('y')];
            if (x !== y) {
              torn.push([x, y, client.generation]);
            }
          };
          look();
          client.addEventListener('updates', look);
        }''')

    def check_whole(self, page):
        self.assertEqual(page.evaluate('torn'), [])

    def test_tabs_come_and_go_in_a_rush(self):
        browser = self.context()
        pages = [self.tab(browser) for _ in range(3)]
        with Writer(self):
            for number in range(24):
                page = pages.pop(0)
                self.watch(page)
                if number % 3 == 0:
                    page.close()
                    page = self.tab(browser)
                elif number % 3 == 1:
                    self.reload(page)
                else:
                    page.evaluate("client.put('n', 1)")
                self.watch(page)
                self.check_whole(page)
                pages.append(page)
        self.wait_current(*pages)
        for page in pages:
            self.check_whole(page)
            self.assertNotIn('error', self.types(page))
            self.wait_stored(page)
        self.stop()
        # What is stored, is stored together.
        for page in pages:
            self.reload(page)
            self.watch(page)
            self.check_whole(page)


class ConvergenceTests(Tabs, unittest.TestCase):

    def test_random_edits(self):
        seed = int(os.environ.get(
            'GSET_TEST_SEED', random.randrange(10 ** 6) if THOROUGH else 1))
        print(f'GSET_TEST_SEED={seed}', file=sys.stderr)
        chance = random.Random(seed)
        browsers = [self.context(), self.context()]
        pages = [self.tab(browser) for browser in browsers for _ in range(2)]
        for _ in range(60):
            which = chance.randrange(len(pages))
            self.act(chance, browsers, pages, which)
        for page in pages:
            page.evaluate('Promise.all(window.writes ?? [])')
        wait(lambda: not self.server.busy)  # with writes of tabs that left
        for page in pages:
            page.evaluate('client.sync()')
        # A tab that was closed while it stored an answer leaves the store
        # behind.  The next answer makes up for that.
        self.put('last', 1)
        self.wait_current(*pages)
        expected = dict(pages[0].evaluate(
            "fetch('/updates').then((r) => r.json())")['contents'])
        for page in pages:
            self.assertEqual(self.contents(page), expected)
            self.assertNotIn('error', self.types(page))
        for page in pages:
            self.wait_stored(page)
            self.reload(page)
            self.wait_current(page)
            self.assertEqual(self.contents(page), expected)

    def act(self, chance, browsers, pages, which):
        id = chance.choice('abcdef')
        page = pages[which]
        match chance.randrange(12):
            case 0 | 1 | 2:
                page.evaluate('([id, n]) => client.put(id, n)',
                              [id, chance.random()])
            case 3 | 4 | 5:  # not waiting for it
                page.evaluate(
                    '''([id, n]) => {
                      (window.writes ??= []).push(client.put(id, n)); }''',
                    [id, chance.random()])
            case 6:
                page.evaluate('(id) => client.remove(id).catch(() => {})', id)
            case 7 | 8:
                self.put(id, chance.random())
            case 9:
                page.evaluate('client.sync()')
            case 10:
                self.reload(page, waits=chance.random() < 0.5)
            case 11:
                page.close()
                pages[which] = self.tab(browsers[which // 2])
