"""The browser client, in a real browser: storage and tabs."""

import json
import re
import unittest
from pathlib import Path

from playwright.sync_api import expect

from zc.generationalset.tests.tabs import PATIENT, STATIC, Tabs, wait

HERE = Path(__file__).parent


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
            body=(HERE / 'javascript' / 'vectors.js').read_text(),
            content_type='text/javascript'))
        page = self.window('/tab', context)
        for name, function in (
                ('values', 'values'), ('ids', 'ids'), ('apply', 'answers')):
            with open(HERE / 'vectors' / f'{name}.json') as file:
                cases = json.load(file)['cases']
            # As text: Playwright has its own idea of what JSON is.
            failures = page.evaluate('''async ([name, text]) => {
              const gset = await import('/static/gset.js');
              const vectors = await import('/vectors.js');
              return vectors[name](gset, JSON.parse(text)).map(
                (each) => JSON.stringify(each));
            }''', [function, json.dumps(cases)])
            self.assertEqual(failures, [], name)


class StoreTests(Tabs, unittest.TestCase):

    def test_survives(self):
        page = self.tab(self.context())
        self.put('bob', ['Bob', 0.5, None])
        page.evaluate("client.makeSet('cards')")
        page.evaluate("client.put(['cards', {$tuple: [1]}], 'x')")
        self.wait_current(page)
        self.wait_stored(page)
        generation = self.generation()
        self.stop()
        self.reload(page)
        self.assertEqual(page.evaluate('client.generation'), generation)
        self.assertEqual(page.evaluate('events[0][0]'), 'added')
        self.assertEqual(page.evaluate(
            "events.find(([type]) => type === 'updates')[1].size"), 0)
        self.assertEqual(self.contents(page), {
            'ann': 'Ann', 'bob': ['Bob', 0.5, None],
            'cards': {'[object Object]': 'x'}})
        self.assertEqual(page.evaluate(
            "client.items.at(['cards', {$tuple: [1]}])"), 'x')
        self.wait(page, "events.some(([type]) => type === 'offline')")
        self.assertFalse(page.evaluate('client.online'))

    def test_resumes_exactly(self):
        page = self.tab(self.context())
        self.wait_current(page)
        self.wait_stored(page)
        generation, epoch = page.evaluate('[client.generation, client.epoch]')
        self.stop()
        self.reload(page)
        self.wait(page, "events.some(([type]) => type === 'offline')")
        self.put('bob', 'Bob')
        self.remove('ann')
        self.start()
        self.wait_current(page)
        self.assertEqual(
            self.server.requests[0],
            f'GET /updates?generation={generation}&epoch={epoch}')
        self.assertEqual(self.contents(page), {'bob': 'Bob'})
        self.assertTrue(page.evaluate('client.online'))
        self.assertEqual(
            [kind for kind in self.types(page) if kind != 'offline'],
            ['added', 'updates', 'online', 'removed', 'added', 'updates'])

    def test_order(self):
        page = self.tab(self.context())
        for id in 'xyz':
            self.put(id, id)
        self.wait_current(page)
        self.put('y', 'y')  # the same; it is the latest nevertheless
        self.wait_current(page)
        self.wait_stored(page)
        self.stop()
        for _ in range(2):
            self.reload(page)
            self.assertEqual(page.evaluate('[...client.items.keys()]'),
                             ['ann', 'x', 'z', 'y'])

    def test_many_changes_are_folded(self):
        page = self.tab(self.context())
        for number in range(30):
            self.put('long', f'{number} ' * 3000)
            self.wait_current(page)
        self.wait_stored(page)
        count, size = page.evaluate('''async () => {
          const [{ name }] = await indexedDB.databases();
          const db = await new Promise((resolve) => {
            const request = indexedDB.open(name);
            request.onsuccess = () => resolve(request.result);
          });
          const request = db.transaction('answers').objectStore('answers')
            .getAll();
          await new Promise((resolve) => { request.onsuccess = resolve; });
          db.close();
          const texts = request.result.slice(0, -1);
          return [texts.length, texts.join('').length];
        }''')
        self.assertLess(count, 20)
        self.assertLess(size, 100_000)
        self.stop()
        self.reload(page)
        self.assertEqual(
            self.contents(page), {'ann': 'Ann', 'long': '29 ' * 3000})

    def test_another_epoch(self):
        page = self.tab(self.context())
        self.wait_stored(page)
        self.stop()
        with self.changing() as things:
            things.renew()
        self.put('bob', 'Bob')
        self.remove('ann')
        self.start()
        self.reload(page)
        self.wait_current(page)
        self.assertEqual(
            self.types(page), ['added', 'updates', 'online', 'reset',
                               'removed', 'added', 'updates'])
        self.wait_stored(page)
        self.stop()
        self.reload(page)
        self.assertEqual(self.contents(page), {'bob': 'Bob'})

    def test_stores_are_apart(self):
        context = self.context()
        page = self.tab(context)
        self.wait_stored(page)
        other = self.tab(context, store='others')
        wait(lambda: self.server.streams == 2)
        other.evaluate('client.close()')
        self.stop()
        # Another store, and the same at another URL, know nothing.
        for options in {'store': 'third'}, {'store': 'things'}:
            page = self.window('/tab', context)
            if options['store'] == 'things':
                page.goto(f'{self.url}/mounted/tab')
            self.open(page, waits=False, **options)
            self.wait(page, "events.some(([type]) => type === 'offline')")
            self.assertEqual(page.evaluate('client.generation'), 0)

    def test_without_a_store(self):
        page = self.window('/tab')
        self.open(page)
        self.assertEqual(self.contents(page), {'ann': 'Ann'})
        self.assertEqual(
            page.evaluate('indexedDB.databases().then(all => all.length)'), 0)

    def test_stores_that_fail(self):
        for number, script in enumerate((
                # A version from the future.
                '''indexedDB.open(`things ${origin}`, 2).onsuccess =
                   ({ target }) => target.result.close();''',
                'Object.defineProperty(window, "indexedDB", {value: null});',
                '''IDBObjectStore.prototype.get = () => {
                     throw new DOMException('full', 'QuotaExceededError');
                   };''',
                '''IDBFactory.prototype.open = () => {
                     throw new DOMException('private', 'SecurityError');
                   };''',
                '''IDBObjectStore.prototype.add = function () {
                     this.transaction.abort();
                     throw new DOMException('full', 'QuotaExceededError');
                   };''',
        )):
            with self.subTest(script):
                page = self.window('/tab', self.context())
                page.evaluate(f'() => {{ {script} }}')
                self.open(page, store='things')
                self.wait(page, "events.some(([type]) => type === 'error')")
                page.evaluate("number => client.put('bob', number)", number)
                self.assertEqual(
                    self.contents(page), {'ann': 'Ann', 'bob': number})
                self.put('ann', 'Ann')
                self.wait_current(page)
                self.assertEqual(self.types(page).count('error'), 1)

    def test_a_damaged_store(self):
        page = self.tab(self.context())
        self.wait_stored(page)
        for damage in '"{"', '"null"', 'JSON.stringify({since: 7})', 'null':
            page.evaluate('''async (damage) => {
              client.close();
              const [{ name }] = await indexedDB.databases();
              const request = indexedDB.open(name);
              await new Promise((resolve) => { request.onsuccess = resolve; });
              const transaction = request.result.transaction(
                'answers', 'readwrite');
              transaction.objectStore('answers').add(eval(damage));
              await new Promise((resolve) => {
                transaction.oncomplete = resolve;
              });
              request.result.close();
            }''', damage)
            # It has what comes before the damage, and goes on from there.
            self.reload(page)
            self.wait(page, 'client.online')
            self.assertEqual(self.contents(page), {'ann': 'Ann'})
            self.assertEqual(self.types(page).count('error'), 1)
            self.put('bob', damage)
            self.wait_current(page)
            self.wait_stored(page)
            self.stop()
            self.reload(page)
            self.assertEqual(
                self.contents(page), {'ann': 'Ann', 'bob': damage})
            self.assertNotIn('error', self.types(page))
            self.start()
            self.remove('bob')
            self.wait_current(page)
            self.wait_stored(page)

    def test_a_store_that_is_deleted(self):
        page = self.tab(self.context())
        self.wait_stored(page)
        page.evaluate('''async () => {
          const [{ name }] = await indexedDB.databases();
          const request = indexedDB.deleteDatabase(name);
          await new Promise((resolve) => { request.onsuccess = resolve; });
        }''')
        for id in 'xy':
            self.put(id, id)
            self.wait_current(page)
        self.wait(page, "events.some(([type]) => type === 'error')")
        self.assertEqual(self.types(page).count('error'), 1)


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
