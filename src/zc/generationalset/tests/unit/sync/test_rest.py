"""Services of HTTP, as stores."""

import doctest
import os
import unittest
from unittest import mock

from starlette.responses import JSONResponse

from zc.generationalset.sync import Gone, Incomplete, Unavailable
from zc.generationalset.sync.stores.rest import layout
from zc.generationalset.sync.testing import StoreTests
from zc.generationalset.tests.support.rest_server import (
    Rest,
    RestServers,
)
from zc.generationalset.tests.support.stored import TYPE


class RestTests(Rest, StoreTests, unittest.TestCase):

    type = TYPE
    test_deltas = test_repeated_additions = test_tokens = None

    def setUp(self):
        super().setUp()
        for number in range(4):
            self.server.put(title=f'old {number}')


class CursorTests(RestTests):

    traits = {'style': 'cursor', 'etags': True, 'idempotency': True}
    options = {'paging': 'cursor', 'next': 'paging.next',
               'parameter': 'offset', 'etags': True,
               'idempotency': 'Idempotency-Key'}
    test_tokens = StoreTests.test_tokens
    test_repeated_additions = StoreTests.test_repeated_additions


class PageTests(RestTests):

    traits = {'style': 'page', 'etags': True, 'echoes': False}
    options = {'paging': 'page', 'update': 'put', 'clear': 'omit',
               'etags': True, 'map': {'text': 'content.text', 'more': ''}}
    test_tokens = StoreTests.test_tokens

    def test_undeclared_members_stay(self):
        id = self.server.put(title='x', content={'text': 'a', 'html': 'b'})
        self.accessor.update(id, {'text': 'c'}, None)
        self.assertEqual(self.server.items[id], {
            'id': id, 'title': 'x', 'content': {'text': 'c', 'html': 'b'}})


class FewTests(RestTests):
    """What is the same however pages are made is tested above."""

    traits = {'style': 'link', 'echoes': False}
    options = {'paging': 'link', 'total': 'X-Total', 'update': 'merge-patch'}
    test_identity = test_remove = test_texts = test_update = None


class NextTests(FewTests):

    traits = {'style': 'next', 'wraps': True}
    options = {'paging': 'next', 'next': 'paging.next', 'total': 'total',
               'item': 'issue', 'wrap': 'issue', 'clear': 'empty'}


class OffsetTests(FewTests):

    traits = {'style': 'offset'}
    options = {'paging': 'offset'}


class KeyTests(FewTests):

    traits = {'style': 'key'}
    options = {'paging': 'key', 'parameter': 'after'}


class ChangesTests(FewTests):

    options = {'paging': 'link', 'removed': 'deleted', 'since': 'since',
               'changes': 'now'}
    test_deltas = StoreTests.test_deltas

    def test_cursors_that_are_no_longer_known(self):
        cursor = self.find()[0].cursor
        self.server.forgets = True
        changes, listed = self.find(cursor)
        self.assertTrue(changes.snapshot)
        self.assertEqual(len(listed), 4)
        self.assertEqual(changes.cursor, cursor)

    def test_pages_without_a_cursor(self):
        self.server.answer = lambda request: JSONResponse(
            {'data': {'issues': []}})
        self.assertRaisesRegex(Incomplete, 'expected now in', self.find)
        self.server.answer = lambda request: JSONResponse({}, 410)
        self.assertRaises(Unavailable, self.accessor.count)


class OptionTests(Rest, unittest.TestCase):
    """What a file of configuration may say."""

    traits = {'style': 'link'}
    options = {'paging': 'link'}

    def token_of(self, **options):
        """Return the headers of a request."""
        self.server.requests.clear()
        self.store_options = options
        store = self.make_store()
        self.addCleanup(store.close)
        list(store.accessors['issue'].find())
        return self.server.requests[-1][2]

    def test_tokens(self):
        for options, name, value in [
                ({'token': 'a'}, 'Authorization', 'Bearer a'),
                ({'token': 'Basic a'}, 'Authorization', 'Basic a'),
                ({'token': 'a', 'token_header': 'X-Key'}, 'X-Key', 'a'),
                ({'headers': {'X-More': 'b'}}, 'X-More', 'b')]:
            self.assertEqual(self.token_of(**options).get(name), value)

    def test_no_proxy_to_this_machine(self):
        with mock.patch.dict(os.environ, http_proxy='http://127.0.0.1:9'):
            self.assertTrue(self.token_of())

    def test_queries(self):
        for _ in range(4):
            self.server.put(title='x')
        store = self.make_store(query={'state': 'all', 'size': 3})
        self.addCleanup(store.close)
        self.assertEqual(len(list(store.accessors['issue'].find())), 4)
        self.assertEqual(self.server.paths(), [
            '/api/issues?state=all&size=3',
            '/api/issues?state=all&size=3&offset=3'])

    def test_accounts(self):
        self.store_options = {'account': {'path': 'me', 'id': 'user.name'}}
        store = self.make_store()
        self.addCleanup(store.close)
        self.assertEqual(store.identity(),
                         f'{RestServers.url}/api/ "ann"')
        self.store_options = {'account': {'path': 'me', 'id': 'user.number'}}
        other = self.make_store()
        self.addCleanup(other.close)
        self.assertRaises(Unavailable, other.identity)

    def test_removed_items(self):
        kept, gone = self.server.put(title='a'), self.server.put(
            title='b', deleted='yesterday')
        store = self.make_store(removed='deleted')
        self.addCleanup(store.close)
        issues = store.accessors['issue']
        self.assertEqual([each.id for each in issues.find()], [kept])
        self.assertRaises(Gone, issues.get, gone)
        self.assertRaises(Gone, issues.remove, gone, None)
        self.assertEqual(issues.count(), 1)

    def test_listings_that_lack_fields(self):
        self.server.listed = 'id', 'title'
        id = self.server.put(title='a', text='long')
        for details, fields in [(False, {'title': 'a'}),
                                (True, {'title': 'a', 'text': 'long'})]:
            store = self.make_store(details=details)
            self.addCleanup(store.close)
            [found] = store.accessors['issue'].find()
            self.assertEqual((found.id, found.fields), (id, fields))
        gone = JSONResponse({}, 404)
        self.server.answer = lambda request: (
            gone if request.path_params else None)
        self.assertEqual([*store.accessors['issue'].find()], [])

    def test_mistakes(self):
        for options, message in [
                ({'url': 'ftp://x'}, 'url: expected one of http or https'),
                ({'url': 'http://ann:hush@x/'}, 'url: .*without a password'),
                ({'token': 'a\n'}, 'Authorization: expected plain letters'),
                ({'headers': {'X': 1}}, 'headers: expected a text for X'),
                ({'rate': 'x'}, 'rate: expected .* int'),
                ({'account': {'path': 'x', 'y': 1}}, 'y: this option is not'),
                ({'other': 1}, 'other: expected an option or one of')]:
            self.store_options = options
            self.assertRaisesRegex(ValueError, message, self.make_store)
        self.store_options = {}
        for options, message in [
                ({'paging': 'x'}, 'paging: expected none or link or'),
                ({'update': 'post'}, 'update: expected patch or'),
                ({'clear': 'omit'}, 'clear: "omit" is for update = "put"'),
                ({'map': {'x': 'y'}}, "map: .* got x = 'y'"),
                ({'map': {'text': 1}}, 'map: .* got text = 1'),
                ({'since': 'x', 'removed': 'y'}, 'since: expected "changes"'),
                ({'changes': 'x'}, 'since: expected'),
                ({'more': 1}, 'more: this option is not known')]:
            self.assertRaisesRegex(
                ValueError, message, self.make_store, **options)


def load_tests(loader, tests, pattern):
    tests.addTests(doctest.DocTestSuite(layout))
    return tests
