"""Tabs of a browser with the browser client, and a server that may be away."""

import contextlib
import re
import threading
from functools import partial
from urllib.parse import urlsplit

import transaction
import ZODB
from ZODB.DemoStorage import DemoStorage
from zope.testing.wait import Wait

from zc.generationalset import GSet
from zc.generationalset.documents import Document
from zc.generationalset.server import application
from zc.generationalset.server.requests import HAND_OVER
from zc.generationalset.tests.support.browsing import STORED, Browsing
from zc.generationalset.tests.support.places import STATIC
from zc.generationalset.tests.support.serving import served

#: The page of a tab: it has a client, and records the client's events.
OPEN = '''
async (options) => {
  const { Client, Items } = await import('/static/gset.js');
  window.Items = Items;
  window.events = [];
  window.client = new Client('./', options);
  for (const type of ['added', 'changed', 'removed', 'updates', 'online',
    'offline', 'reset', 'error']) {
    client.addEventListener(type, ({ detail }) => {
      events.push([type, type === 'offline' || type === 'error' ?
        String(detail.error) : detail]);
    });
  }
  window.started = client.start();
}
'''
#: Makes a page wait an hour after the third failure, and before that, a tenth
#: of what it would.
PATIENT = '''
() => {
  const start = window.setTimeout;
  const failures = () => events.filter(([type]) => type === 'offline').length;
  window.setTimeout = (call, milliseconds, ...rest) => start(call,
    milliseconds < 500 ? milliseconds :
      failures() < 3 ? milliseconds / 10 : 3_600_000, ...rest);
}
'''
CONTENTS = '''
() => {
  const entries = (items) => Object.fromEntries(Array.from(
    items, ([id, item]) =>
      [id, item instanceof Items ? entries(item) : item]));
  return entries(client.items);
}
'''


class Recorder:
    """An ASGI application that notes the requests to another one."""

    def __init__(self, app):
        self.app = app
        self.state = app.state
        self.requests = []  # 'GET /events?generation=3&epoch=...'
        self.headers = {}  # of the last request
        self.streams = 0  # how many are open
        self.busy = 0  # with how many other requests
        self._lock = threading.Lock()

    async def __call__(self, scope, receive, send):
        if scope['type'] != 'http':
            await self.app(scope, receive, send)
            return
        query = scope['query_string'].decode()
        with self._lock:
            self.requests.append(
                f'{scope["method"]} {scope["path"]}{query and "?" + query}')
            self.headers = dict(scope['headers'])
        kind = 'streams' if scope['path'] == '/events' else 'busy'
        self.count(kind, 1)
        ended = partial(self.count, kind, -1)
        with contextlib.ExitStack() as stack:
            stack.callback(ended)
            extension = scope['extensions'][HAND_OVER]
            hand_over = extension['call']

            def call(stream, end):
                """Let a stream count until it ends."""
                goes_on = hand_over(stream, lambda size: (ended(), end(size)))
                if goes_on:
                    stack.pop_all()
                return goes_on

            extension['call'] = call
            await self.app(scope, receive, send)

    def count(self, kind, number):
        with self._lock:
            setattr(self, kind, getattr(self, kind) + number)

    def asked(self, start):
        return [each for each in self.requests if each.startswith(start)]


class Tabs(Browsing):
    """A test with a server and tabs.  Mix into a TestCase."""

    def setUp(self):
        super().setUp()
        self.db = ZODB.DB(DemoStorage())
        self.addCleanup(self.db.close)
        with self.db.transaction() as connection:
            connection.root.things = GSet()
        self.put('ann', 'Ann')
        self.server = None
        self.port = 0
        self.start()
        self.addCleanup(self.stop)

    def start(self):
        """Start the server, always at the same address."""
        self.server = Recorder(application(
            self.db, find=lambda root: root['things'], write=True))
        self.stack = contextlib.ExitStack()
        self.url = self.stack.enter_context(served(self.server, self.port))
        self.port = int(self.url.rpartition(':')[2])

    def stop(self):
        self.stack.close()

    @contextlib.contextmanager
    def changing(self):
        manager = transaction.TransactionManager()
        connection = self.db.open(manager)
        try:
            yield connection.root()['things']
            manager.commit()
        finally:
            manager.abort()
            connection.close()

    def put(self, id, item):
        with self.changing() as things:
            things.add(Document(id, item))

    def remove(self, id):
        with self.changing() as things:
            del things[id]

    def generation(self):
        with self.changing() as things:
            return things.generation

    def context(self, **options):
        """Return a browser whose pages load even without the server."""
        context = super().context(**options)
        context.route('**/tab', lambda route: route.fulfill(
            body='<!DOCTYPE html><title>Tab</title>',
            content_type='text/html'))
        context.route(re.compile('/static/(gset|outbox)'), self.fulfill)
        return context

    @staticmethod
    def fulfill(route):
        name = urlsplit(route.request.url).path.partition('/static/')[2]
        route.fulfill(body=(STATIC / name).read_text(encoding='utf-8'),
                      content_type='text/javascript')

    def tab(self, context, waits=True, store='things', **options):
        page = self.window('/tab', context)
        self.open(page, waits, store=store, **options)
        return page

    def open(self, page, waits=True, **options):
        page.evaluate(OPEN, options)
        if waits:
            self.wait(page, 'started.then(() => true)')

    def reload(self, page, waits=True, store='things', **options):
        page.reload()
        self.open(page, waits, store=store, **options)

    def wait(self, page, condition, argument=None):
        page.wait_for_function(condition, arg=argument)

    def wait_current(self, *pages):
        """Wait until pages have everything that the server has."""
        for page in pages:
            self.wait(page, 'number => client.generation === number',
                      self.generation())

    def contents(self, page):
        return page.evaluate(CONTENTS)

    def types(self, page):
        """Return the types of the events that a page recorded."""
        return page.evaluate('events.map(([type]) => type)')

    def forget(self, page):
        page.evaluate('events.length = 0')

    def wait_stored(self, page):
        """Wait until the store has what a tab has."""
        wait(lambda: page.evaluate(STORED) == page.evaluate(
            'client.generation'))


class TwoTabs(Tabs):
    """A test with two tabs, the first of which leads."""

    def setUp(self):
        super().setUp()
        self.browser = self.context()
        self.first = self.tab(self.browser)
        wait(lambda: self.server.streams == 1)
        self.second = self.tab(self.browser)
        self.wait(self.second, 'client.online')

    def offline(self, page):
        self.wait(page, '!client.online')

wait = Wait(timeout=90, wait=0.01)
