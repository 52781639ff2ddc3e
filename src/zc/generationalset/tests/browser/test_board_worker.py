"""The board's service worker: it starts offline, and shows what is pushed."""

import json
from unittest import mock

from playwright.sync_api import expect

from zc.generationalset.server import pages
from zc.generationalset.tests.support.boards import BoardServed, shown
from zc.generationalset.tests.support.faulty import Proxy, refuse

#: The worker that is used now, when it has stored all.
ACTIVE = '''navigator.serviceWorker.ready.then(({active}) =>
  active.state === 'activated' ? active.scriptURL : null)'''
#: Keeps the notifications, which not every browser for tests can show.
KEPT = '''
self.shown = [];
registration.showNotification = async (title) => shown.push(title);
self.opened = [];
clients.openWindow = async (url) => opened.push(url);
self.looks = 0;
const all = clients.matchAll.bind(clients);
clients.matchAll = async (options) => {
  const found = await all(options);
  looks += 1;
  return found;
};
null;
'''


class Working(BoardServed):

    def working(self, **options):
        """Return a window whose worker is ready."""
        page = self.board(service_workers='allow', **options)
        self.until(lambda: bool(page.evaluate(ACTIVE)), True)
        return page


class OfflineTests(Working):

    def setUp(self):
        super().setUp()
        self.proxy = self.stack.enter_context(Proxy(self.url))
        self.url = self.proxy.url

    def lose(self, page):
        """Take the server away."""
        self.proxy.fault = lambda request: refuse
        self.proxy.cut()
        self.is_live(page, 'offline')

    def test_it_starts_without_a_server(self):
        page = self.working()
        before = shown(page)
        self.is_stored(page)
        self.lose(page)
        page.reload()
        self.is_live(page, 'offline')
        self.until(lambda: shown(page), before)
        another = page.context.new_page()
        another.goto(self.url + '/?utm=x')
        self.until(lambda: shown(another), before)
        self.proxy.fault = lambda request: None
        self.is_live(another)
        self.agree(page, another)

    def test_new_pages_replace_old_ones(self):
        page = self.working()
        stored = page.evaluate('caches.keys()')
        self.assertEqual(len(stored), 1)
        changed = dict(pages._files('board'))
        changed['index.html'] = changed['index.html']._replace(
            content=changed['index.html'].content.replace(
                b'<h1>Board</h1>', b'<h1>New</h1>'), etag='"new"')
        read = pages._files
        with mock.patch.object(pages, '_files', lambda name: (
                changed if name == 'board' else read(name))):
            page.reload()  # at once, without the old page in between
            expect(page.locator('h1')).to_have_text('New')
            self.is_live(page)

            def replaced():
                names = page.evaluate('caches.keys()')
                return len(names) == 1 and names != stored
            self.until(replaced, True)
            self.is_stored(page)
        self.lose(page)
        page.reload()
        expect(page.locator('h1')).to_have_text('New')

    def test_a_proxy_says_that_the_server_is_away(self):
        page = self.working()
        self.is_stored(page)
        before = shown(page)
        self.stack.enter_context(mock.patch.object(
            pages, '_response', lambda *arguments: pages.Response(
                'Bad gateway', 502)))
        page.reload()
        self.until(lambda: shown(page), before)

    def test_what_is_stored_is_all_that_the_page_needs(self):
        page = self.working()
        needed = set(page.evaluate('''performance.getEntriesByType('resource')
          .map(({name}) => name).filter((name) => name.includes('/static/'))
        '''))
        stored = set(page.evaluate('''caches.keys()
          .then(([name]) => caches.open(name)).then((cache) => cache.keys())
          .then((all) => all.map(({url}) => url))'''))
        self.assertGreater(len(needed), 20)
        self.assertLessEqual(needed, stored)
        self.assertIn(self.url + '/', stored)

    def test_it_can_be_installed(self):
        page = self.working()
        manifest = page.context.new_cdp_session(page).send(
            'Page.getAppManifest')
        self.assertEqual(manifest['errors'], [])
        found = json.loads(manifest['data'])
        self.assertEqual(found['display'], 'standalone')
        path = '/static/board/'
        self.assertEqual(manifest['url'], f'{self.url}{path}'
                         'manifest.webmanifest')
        for icon in found['icons']:
            response = self.http.get(path + icon['src'])
            self.assertEqual(response.headers['content-type'], 'image/png')
            self.assertEqual('x'.join(
                str(int.from_bytes(response.content[at:at + 4], 'big'))
                for at in (16, 20)), icon['sizes'])


class NotificationTests(Working):

    def deliver(self, page):
        """Have a push arrive, as from a push service."""
        session = page.context.new_cdp_session(page)
        found = []
        session.on('ServiceWorker.workerRegistrationUpdated',
                   lambda event: found.extend(event['registrations']))
        session.send('ServiceWorker.enable')
        self.until(lambda: page.title() and bool(found), True)
        session.send('ServiceWorker.deliverPushMessage', {
            'origin': self.url, 'data': '{"type": "changed"}',
            'registrationId': found[0]['registrationId']})

    def test_a_push_is_shown_unless_the_board_is(self):
        page = self.working()
        [worker] = page.context.service_workers
        worker.evaluate(KEPT)
        self.deliver(page)  # nobody needs a notification now
        self.until(lambda: worker.evaluate('looks'), 1)
        page.goto(self.url + '/explore')
        self.deliver(page)
        self.until(lambda: worker.evaluate('shown'),
                   ['The board has changed'])
        # A click opens the board; where it is open, the click shows it.
        worker.evaluate('''dispatchEvent(Object.assign(
          new ExtendableEvent('notificationclick'),
          {notification: {close() {}}}))''')
        self.until(lambda: worker.evaluate('opened'), ['./'])


class RoutesTests(BoardServed):

    def test_the_version_is_that_of_all_files(self):
        first = self.http.get('/worker.js')
        self.assertEqual(first.headers['content-type'],
                         'text/javascript; charset=utf-8')
        self.assertRegex(first.text, "^const VERSION = '[0-9a-f]+';\n")
        for folder in 'board', 'gset', 'outbox', '':
            files = dict(pages._files(folder))
            name = next(iter(files))
            files[name] = files[name]._replace(etag='"other"')
            read = pages._files
            with self.subTest(folder), mock.patch.object(
                    pages, '_files', lambda name, folder=folder, files=files,
                    read=read: files if name == folder else read(name)):
                other = self.http.get('/worker.js', headers={
                    'if-none-match': first.headers['etag']})
                self.assertEqual(other.status_code, 200)
                self.assertNotEqual(other.text, first.text)
