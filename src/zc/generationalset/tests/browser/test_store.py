"""What the browser client stores in a real browser, and forgets."""

import unittest

from playwright.sync_api import Error

from zc.generationalset.tests.support.tabs import Tabs, TwoTabs, wait


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
            f'GET /updates?generation={generation}&epoch={epoch}&cursor=')
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
                '''indexedDB.open(`things ${origin}`, 3).onsuccess =
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


class TryingAgainTests(Tabs, unittest.TestCase):
    """A store that fails is tried again, until it has all."""

    def page(self):
        """Return a page with a client and all of its databases, in `dbs`."""
        page = self.window('/tab', self.context())
        page.evaluate('''() => {
          window.dbs = [];
          const { open } = IDBFactory.prototype;
          IDBFactory.prototype.open = function (...values) {
            const request = open.apply(this, values);
            request.addEventListener(
              'success', () => dbs.push(request.result));
            return request;
          };
        }''')
        self.open(page, store='things')
        self.wait_stored(page)
        return page

    def check_stores(self, page, errors):
        for id in 'bob', 'cy':
            self.put(id, id)
            self.wait_current(page)
            self.wait_stored(page)
        self.assertEqual(self.types(page).count('error'), errors)
        self.stop()
        self.reload(page)
        self.assertEqual(
            self.contents(page), {'ann': 'Ann', 'bob': 'bob', 'cy': 'cy'})

    def test_a_connection_that_is_closed(self):
        page = self.page()
        page.evaluate('dbs[0].close()')
        self.check_stores(page, errors=1)

    def test_a_connection_that_the_browser_says_is_lost(self):
        page = self.page()
        page.evaluate("dbs[0].dispatchEvent(new Event('close'))")
        self.check_stores(page, errors=0)

    def test_room_again(self):
        page = self.page()
        page.evaluate('''() => {
          const { add } = IDBObjectStore.prototype;
          IDBObjectStore.prototype.add = () => {
            throw new DOMException('full', 'QuotaExceededError');
          };
          window.makeRoom = () => { IDBObjectStore.prototype.add = add; };
        }''')
        for number in range(5):
            self.put('n', number)
            self.wait_current(page)
        self.wait(page, "events.some(([type]) => type === 'error')")
        page.evaluate('makeRoom()')
        # Nothing more has to change.
        self.wait_stored(page)
        self.remove('n')
        self.check_stores(page, errors=1)

    def test_a_store_of_a_later_release(self):
        page = self.page()
        page.evaluate('''() => new Promise((resolve) => {
          const request = indexedDB.open(dbs[0].name, 3);
          request.onsuccess = resolve;
        })''')
        self.put('bob', 'Bob')
        self.wait_current(page)
        self.wait(page, "events.some(([type]) => type === 'error')")


class ForgettingTests(Tabs, unittest.TestCase):

    def wait_forgotten(self, page):
        self.wait(page, """events.some(
          ([type, detail]) => type === 'offline' &&
            detail.includes('forget everything'))""")
        self.assertEqual(self.contents(page), {})
        self.assertEqual(page.evaluate('client.generation'), 0)

    def databases(self, page):
        return page.evaluate(
            'indexedDB.databases().then((all) => all.length)')

    def test_all_tabs_forget(self):
        browser = self.context()
        pages = [self.tab(browser) for _ in range(3)]
        self.wait_stored(pages[0])
        pages[1].evaluate('client.forget()')
        self.assertEqual(self.contents(pages[1]), {})
        for page in pages[0], pages[2]:
            self.wait_forgotten(page)
        wait(lambda: self.server.streams == 0)
        # What is back, or tried again, doesn't bring it back.
        self.put('bob', 'Bob')
        for page in pages:
            page.evaluate("dispatchEvent(new Event('online'))")
            page.evaluate('client.retry()')
        self.assertEqual(self.databases(pages[0]), 0)
        self.assertEqual(self.contents(pages[0]), {})
        # The next user begins with nothing.
        self.stop()
        self.reload(pages[0], waits=False)
        self.wait(pages[0], "events.some(([type]) => type === 'offline')")
        self.assertEqual(self.contents(pages[0]), {})

    def test_the_page_deletes_the_database_itself(self):
        page = self.tab(self.context())
        self.wait_stored(page)
        page.evaluate('''async () => {
          const [{ name }] = await indexedDB.databases();
          const request = indexedDB.deleteDatabase(name);
          await new Promise((resolve) => { request.onsuccess = resolve; });
        }''')
        self.wait_forgotten(page)
        self.assertEqual(self.databases(page), 0)

    def test_another_page_does_not_let_go_of_the_store(self):
        browser = self.context()
        page = self.tab(browser)
        self.wait_stored(page)
        other = self.window('/tab', browser)
        other.evaluate('''async () => {
          const [{ name }] = await indexedDB.databases();
          await new Promise((resolve) => {
            const request = indexedDB.open(name);
            request.onsuccess = () => {
              window.db = request.result;
              resolve();
            };
          });
        }''')
        self.assertRaisesRegex(
            Error, 'expected that other tabs let go', page.evaluate,
            'client.forget()')
        other.close()
        wait(lambda: self.databases(page) == 0)


class RefusedTests(TwoTabs, unittest.TestCase):
    """The server refuses one of two tabs."""

    def refuse(self, page, status=401):
        page.route('**/updates*', lambda route: route.fulfill(
            status=status, json={'detail': 'expired'}))

    def restart(self):
        self.stop()
        self.start()

    def wait_refused(self, page):
        self.wait(page, "events.some(([type, detail]) => "
                  "type === 'offline' && detail.includes('expired'))")

    def test_the_other_one_takes_over(self):
        self.refuse(self.first)
        self.restart()
        self.wait_refused(self.first)
        self.put('bob', 'Bob')
        self.wait_current(self.second)
        self.assertFalse(self.first.evaluate('client.online'))
        self.assertFalse(self.first.evaluate("client.items.has('bob')"))
        self.first.unroute('**/updates*')
        self.first.evaluate("() => { client.token = 'new'; }")
        self.wait_current(self.first)
        self.wait(self.first, 'client.online')
        wait(lambda: self.server.streams == 1)

    def test_all_are_refused(self):
        for page in self.first, self.second:
            self.refuse(page)
        self.restart()
        for page in self.first, self.second:
            self.wait_refused(page)
        self.put('bob', 'Bob')
        self.second.unroute('**/updates*')
        self.second.evaluate("() => { client.token = 'new'; }")
        self.wait_current(self.second)
        self.assertFalse(self.first.evaluate('client.online'))

    def test_what_was_stored_is_hidden(self):
        self.wait_stored(self.first)
        self.second.close()
        for status in 401, 403:
            self.refuse(self.first, status)
            self.reload(self.first)
            self.wait_refused(self.first)
            self.assertEqual(self.contents(self.first), {})
            self.assertEqual(self.types(self.first), [
                'added', 'updates', 'removed', 'updates', 'offline'])
            self.first.unroute('**/updates*')
            self.first.evaluate("() => { client.token = 'new'; }")
            self.wait_current(self.first)
            self.assertEqual(self.contents(self.first), {'ann': 'Ann'})
