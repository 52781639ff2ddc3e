"""The browser client, in a real browser."""

import json
import re
import unittest

from playwright.sync_api import expect

from zc.generationalset.tests.support.places import JAVASCRIPT, STATIC, VECTORS
from zc.generationalset.tests.support.tabs import PATIENT, Tabs, wait


class ReadmeTests(Tabs, unittest.TestCase):

    def test_a_live_list(self):
        readme = (STATIC / 'README.md').read_text(encoding='utf-8')
        example = re.search('```html\n(.*?)```', readme, re.DOTALL)[1]
        context = self.context()
        context.route('**/list', lambda route: route.fulfill(
            body=example, content_type='text/html'))
        page = self.window('/list', context)
        lines = page.locator('#list li')
        expect(lines).to_have_text(['ann: undefined'])
        self.put('milk', {'text': 'Buy milk'})
        expect(lines).to_have_text(['ann: undefined', 'milk: Buy milk'])
        self.remove('ann')
        expect(lines).to_have_text(['milk: Buy milk'])


class VectorsTests(Tabs, unittest.TestCase):

    def test_vectors(self):
        context = self.context()
        context.route('**/vectors.js', lambda route: route.fulfill(
            body=(JAVASCRIPT / 'vectors.js').read_text(),
            content_type='text/javascript'))
        page = self.window('/tab', context)
        for name, function in (
                ('values', 'values'), ('ids', 'ids'), ('apply', 'answers'),
                ('parts', 'answers')):
            with open(VECTORS / f'{name}.json') as file:
                cases = json.load(file)['cases']
            # As text: Playwright has its own idea of what JSON is.
            failures = page.evaluate('''async ([name, text]) => {
              const gset = await import('/static/gset.js');
              const vectors = await import('/vectors.js');
              return vectors[name](gset, JSON.parse(text)).map(
                (each) => JSON.stringify(each));
            }''', [function, json.dumps(cases)])
            self.assertEqual(failures, [], name)


class NetworkTests(Tabs, unittest.TestCase):

    def test_stale_responses(self):
        page = self.tab(self.context())
        stale = page.evaluate("fetch('/updates').then(r => r.text())")
        self.put('bob', 'Bob')
        self.wait_current(page)
        left = [3]

        def respond(route):
            left[0] -= 1
            if left[0] > 0:
                route.fulfill(body=stale, content_type='application/json')
            else:
                route.continue_()
        page.route('**/updates*', respond)
        page.evaluate('client.sync()')
        self.assertEqual(left, [0])
        self.assertEqual(self.contents(page), {'ann': 'Ann', 'bob': 'Bob'})

    def test_it_does_not_use_the_browser_s_cache(self):
        page = self.tab(self.context())
        wait(lambda: self.server.streams == 1)
        page.evaluate('client.sync()')
        self.assertEqual(self.server.headers[b'cache-control'], b'no-cache')

    def test_a_removed_subset(self):
        page = self.tab(self.context())
        page.evaluate("client.makeSet('cards')")
        page.evaluate("client.put(['cards', 'x'], 1)")
        self.forget(page)
        self.remove('cards')
        self.wait_current(page)
        self.assertEqual(self.types(page), ['removed', 'updates'])
        self.assertEqual(self.contents(page), {'ann': 'Ann'})

    def test_offline(self):
        context = self.context()
        page = self.tab(context)
        self.wait_stored(page)
        generation = page.evaluate('client.generation')
        wait(lambda: self.server.streams == 1)
        context.set_offline(True)
        # The stream may be kept alive by the browser, as a dead one.
        self.assertRaisesRegex(
            Exception, 'RequestError|not heard', page.evaluate,
            "client.put('x', 1)")
        self.put('bob', 'Bob')
        context.set_offline(False)
        self.wait_current(page)
        self.assertGreater(page.evaluate('client.generation'), generation)
        self.assertEqual(self.contents(page), {'ann': 'Ann', 'bob': 'Bob'})

    def test_killed_server(self):
        page = self.tab(self.context())
        for number in range(3):
            self.stop()
            self.wait(page, '!client.online')
            self.put('n', number)
            self.start()
            page.evaluate("dispatchEvent(new Event('online'))")
            self.wait_current(page)
            self.assertEqual(
                self.contents(page), {'ann': 'Ann', 'n': number})

    def refuse(self, page, **options):
        """Have the server refuse, and times be as long as they may be."""
        page.evaluate('() => { Math.random = () => 1; }')
        page.route('**/updates*', lambda route: route.fulfill(**options))
        page.evaluate('client.sync().catch(() => {})')
        self.stop()
        self.start()
        self.wait(page, "events.some(([type]) => type === 'offline')")

    def test_seen_again(self):
        page = self.tab(self.context())
        page.evaluate(PATIENT)
        self.refuse(page, status=500)
        self.wait(page, """events.filter(
          ([type]) => type === 'offline').length === 3""")
        page.unroute('**/updates*')
        # The next try is an hour away.
        for is_hidden in True, False:
            self.assertFalse(page.evaluate('client.online'))
            page.evaluate("""(value) => {
              Object.defineProperty(
                document, 'hidden', { value, configurable: true });
              document.dispatchEvent(
                new Event('visibilitychange', { bubbles: true }));
            }""", is_hidden)
        page.wait_for_function('client.online')

    def test_retry_after_is_obeyed_nevertheless(self):
        page = self.tab(self.context())
        self.refuse(page, status=503, headers={'Retry-After': '3600'})
        page.unroute('**/updates*')
        count = len(self.server.requests)
        page.evaluate("""async () => {
          dispatchEvent(new Event('online'));
          await new Promise((resolve) => setTimeout(resolve, 200));
        }""")
        self.assertFalse(page.evaluate('client.online'))
        self.assertEqual(len(self.server.requests), count)

    def test_after_a_sleep(self):
        page = self.tab(self.context())
        wait(lambda: self.server.streams == 1)
        page.evaluate("dispatchEvent(new Event('online'))")
        self.put('bob', 'Bob')
        self.wait_current(page)
        self.assertEqual(len(self.server.asked('GET /events')), 1)
        # A stream that was silent for long is given up.
        page.evaluate("""() => {
          const { now } = Date;
          Date.now = () => now() + 30_000;
          dispatchEvent(new Event('online'));
        }""")
        wait(lambda: len(self.server.asked('GET /events')) == 2)
        wait(lambda: self.server.streams == 1)
        self.put('cy', 'Cy')
        self.wait_current(page)
        self.assertNotIn('offline', self.types(page))

    def test_many_at_once(self):
        pages = [self.tab(self.context()) for _ in range(2)]
        for page in pages:
            page.evaluate("""(name) => Promise.all(Array.from(
              {length: 50}, (_, n) => client.put([`${name} ${n}`], n)))""",
                          f'page {pages.index(page)}')
        for page in pages:
            self.wait_current(page)
            self.assertEqual(page.evaluate('client.items.size'), 101)
