"""A service whose listing has an ETag is asked whether it has changed."""

import unittest

import httpx
import ZODB

from zc.generationalset.sync import Hub, Synchronizer
from zc.generationalset.sync.stores.memory import MemoryStore
from zc.generationalset.sync.stores.rest.reply import Reply
from zc.generationalset.tests.support.rest_server import Faults
from zc.generationalset.tests.support.stored import TYPE


class VersionTests(Faults, unittest.TestCase):

    traits = {'style': 'link', 'tells': 'all'}
    options = {'paging': 'link', 'version': 'ETag', 'total': 'X-Total'}

    def setUp(self):
        super().setUp()
        self.db = ZODB.DB(None)
        self.addCleanup(self.db.close)
        self.prepare()
        self.sync.run()
        self.sync.run()

    def prepare(self, **options):
        self.memory = MemoryStore('memory', ['issue'])
        self.sync = Synchronizer(
            Hub(self.db), [self.open(**options), self.memory], [TYPE])

    def requests(self):
        """Run; return what the service was asked."""
        self.server.requests.clear()
        self.assertEqual(self.sync.run().code, 0)
        return self.server.paths()

    def titles(self):
        return {each.fields['title'] for each in
                self.memory.accessors['issue'].find()}

    def test_one_request_if_nothing_has_changed(self):
        self.assertEqual(self.requests(), ['/api/issues'])
        [(_, _, headers)] = self.server.requests
        self.assertIn('if-none-match', headers)

    def test_each_change_is_seen(self):
        self.server.put(title='new')  # on the second page
        self.assertGreater(len(self.requests()), 2)
        self.assertIn('new', self.titles())
        self.server.store(4, {'title': 'other'})
        self.requests()
        self.assertIn('other', self.titles())
        del self.server.items[1]
        self.requests()
        self.assertNotIn('i0', self.titles())
        self.requests()  # the last listing lacked an item, so it doesn't count
        self.assertEqual(self.requests(), ['/api/issues'])

    def test_a_service_that_ignores_the_condition(self):
        self.server.answer = lambda request: request.headers.__dict__[
            '_list'].remove(next(each for each in request.headers.raw
                                 if each[0] == b'if-none-match'))
        self.assertEqual(self.requests(), ['/api/issues'])

    def test_another_place_of_a_field(self):
        for id in self.server.items:
            self.server.store(id, {**self.server.items[id], 'words': 'many'})
        self.requests()
        self.assertEqual(self.requests(), ['/api/issues'])
        self.sync.stores['tracker'].accessors.update(
            self.open(map={'text': 'words'}).accessors)
        self.requests()
        self.assertEqual({each.fields['text'] for each in
                          self.memory.accessors['issue'].find()}, {'many'})

    def test_pages_that_nobody_has_read(self):
        """Somebody has forgotten to say how the service makes pages."""
        self.db = ZODB.DB(None)
        self.addCleanup(self.db.close)
        self.prepare(paging='none', total='')
        self.requests()
        self.assertEqual(self.requests(), ['/api/issues'])
        self.assertLess(len(self.titles()), len(self.server.items))
        self.sync.stores['tracker'].accessors.update(
            self.open(total='').accessors)
        self.requests()
        self.assertEqual(len(self.titles()), len(self.server.items))


class LastModifiedTests(unittest.TestCase):

    DATE = 'Sun, 29 Nov 2026 12:00:%02d GMT'

    def version(self, **headers):
        return Reply('GET /', '', 200, httpx.Headers({
            name.replace('_', '-'): value
            for name, value in headers.items()}), b'').version('Last-Modified')

    def test_an_old_one(self):
        old = self.DATE % 1
        self.assertEqual(
            self.version(last_modified=old, date=self.DATE % 3), old)

    def test_one_that_may_stay_the_same(self):
        for date in self.DATE % 2, self.DATE % 1, self.DATE % 0, '', 'today':
            self.assertIsNone(
                self.version(last_modified=self.DATE % 1, date=date))

    def test_none(self):
        self.assertIsNone(self.version(date=self.DATE % 1))
        self.assertIsNone(
            self.version(last_modified='long ago', date=self.DATE % 1))
