"""Sets of a server, as stores."""

import datetime
import json
import sqlite3
import unittest
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import httpx

from zc.generationalset import GSet
from zc.generationalset.client.remote import Remote
from zc.generationalset.documents import Document
from zc.generationalset.server import application
from zc.generationalset.sql import SQLSource, open_database
from zc.generationalset.sync import (
    Busy,
    Data,
    Gone,
    Incomplete,
    Refused,
    Replaced,
    Stale,
    Unavailable,
    Unreadable,
)
from zc.generationalset.sync.configuration import Configuration, Mistake
from zc.generationalset.sync.stores.http import HTTPStore
from zc.generationalset.sync.testing import StoreTests
from zc.generationalset.tests.support.layers import Servers
from zc.generationalset.tests.support.serving import Served, served
from zc.generationalset.tests.support.stored import TYPE


class InServer(StoreTests):
    """The tests of stores, with a real server."""

    type = TYPE
    path = ''

    def make_store(self):
        return HTTPStore('http', Remote(self.url), {TYPE: (self.path, {})})

    def items(self, things):
        return things

    def test_pages(self):
        with self.changing() as things:
            for number in range(2500):
                self.items(things).add(Document(
                    f'{number:04}', {'title': f'{number}' * 40}))
        changes = self.accessor.find()
        iterator = iter(changes)
        first = next(iterator)
        with self.changing() as things:
            del self.items(things)[first.id]
            self.items(things).add(Document('00', {'title': 'new'}))
        listed = [first, *iterator]
        there = {each.id for each in listed if isinstance(each, Data)}
        self.assertEqual(len(there), 2501)
        self.assertIn('00', there)
        self.assertEqual([each.id for each in listed
                          if isinstance(each, Gone)], [first.id])
        self.assertEqual(self.find(changes.cursor)[1], [])
        # The position of an item isn't that of a later page.
        data = next(each for each in listed if each.id == '2400')
        self.accessor.update('2400', {'number': 1}, data.token)


class TopTests(InServer, Served):
    """The set is the whole tree."""


class SubsetTests(InServer, Served):
    """The set is below the top, beside others."""

    path = '/sets/issues'

    def make_store(self):
        with self.changing() as things:
            for name in 'before', 'sets', 'zebras':
                things.add(GSet(name, parent=things))
                for number in range(3):
                    things[name].add(Document(f'{number}', {'title': name}))
            sets = things['sets']
            sets.add(GSet('issues', parent=sets))
        return super().make_store()

    def items(self, things):
        return things['sets']['issues']

    def test_a_set_that_is_not_there(self):
        """Nothing in it counts as removed."""
        data = self.add()
        cursor = self.find()[0].cursor
        with self.changing() as things:
            del things['sets']['issues']
        self.added.clear()
        for call in (self.accessor.count,
                     lambda: self.accessor.get(data.id),
                     lambda: self.accessor.update(data.id, {}, data.token),
                     lambda: self.accessor.remove(data.id, None),
                     lambda: self.add()):
            self.assertRaises(Unavailable, call)
        changes, listed = self.find(cursor)
        self.assertEqual((changes.snapshot, listed), (True, []))

    def test_undeclared_members_stay(self):
        with self.changing() as things:
            self.items(things).add(Document('7', {'title': 'a', 'x': 1}))
        self.accessor.update('7', {'number': 8}, self.accessor.get('7').token)
        with self.changing() as things:
            self.assertEqual(self.items(things)['7'].value,
                             {'title': 'a', 'x': 1, 'number': 8})
        self.accessor.remove('7', None)

    def test_other_items(self):
        with self.changing() as things:
            items = self.items(things)
            items.add(Document('7', [1]))
            items.add(GSet('8', parent=items))
        cursor = self.find()[0].cursor
        found = {each.id: type(each) for each in self.find()[1]}
        self.assertEqual(found, {'7': Unreadable, '8': Unreadable})
        self.assertRaises(Unreadable, self.accessor.get, '7')
        self.assertRaises(Unreadable, self.accessor.update, '7', {}, None)
        with self.changing() as things:
            del self.items(things)['7']
        [gone] = self.find(cursor)[1]
        self.assertEqual((type(gone), gone.id), (Gone, '7'))

    def test_other_ids(self):
        with self.changing() as things:
            self.items(things).add(Document(1.5, {'title': 'x'}))
        [found] = self.find()[1]
        self.assertEqual((type(found), found.id), (Unreadable, '1.5'))
        self.assertRaises(Refused, self.add)

    def test_integers_as_ids(self):
        with self.changing() as things:
            self.items(things).add(Document(1, {
                'title': 'one', 'day': '2026-01-02'}))
        data = self.accessor.get(1)
        self.assertEqual(data.fields['day'], datetime.date(2026, 1, 2))
        self.accessor.update(1, {'number': 2}, data.token)
        self.accessor.remove(1, None)
        self.assertRaises(Gone, self.accessor.get, 1)

    def test_another_epoch(self):
        cursor, identity = self.find()[0].cursor, self.store.identity()
        with self.changing() as things:
            things.renew()
        self.assertNotEqual(self.store.identity(), identity)
        self.assertRaises(Replaced, self.accessor.find, cursor)

    def test_a_generation_that_fell(self):
        epoch, _, generation = self.find()[0].cursor.rpartition(':')
        self.assertRaises(Replaced, self.accessor.find,
                          f'{epoch}:{int(generation) + 1}')

    def test_removals_that_are_forgotten(self):
        data = self.add()
        cursor = self.find()[0].cursor
        self.accessor.remove(data.id, None)
        with self.changing() as things:
            items = self.items(things)
            items.maximum_removals = 0
        for _ in range(200):
            with self.changing() as things:
                self.items(things).add(Document('x', {'title': 'x'}))
                del self.items(things)['x']
        kept = self.add()
        changes, listed = self.find(cursor)
        self.assertTrue(changes.snapshot)
        self.assertEqual([each.id for each in listed], [kept.id])

    def test_what_others_change_meanwhile(self):
        data = self.add()
        put = self.store.accessors['issue']._remote.put

        def late(*arguments):
            self.store.accessors['issue']._remote.put = put
            self.accessor.update(data.id, {'number': 7}, None)
            put(*arguments)

        self.store.accessors['issue']._remote.put = late
        self.assertRaises(Stale, self.accessor.update, data.id,
                          {'text': 'lost?'}, data.token)
        self.assertEqual(self.accessor.get(data.id).fields['number'], 7)


def reply(status, value=None, **headers):
    """Return a response that is still to be read."""
    text = value if isinstance(value, str) else json.dumps(value)
    return httpx.Response(
        status, stream=httpx.ByteStream(text.encode()), headers={
            'content-type': 'text/html' if text.startswith('<')
            else 'application/json' if status == 200
            else 'application/problem+json', **headers})


class StatusTests(unittest.TestCase):
    """What a server's refusals mean."""

    def make(self, *replies):
        replies = [*replies]

        def handle(request):
            reply = replies.pop(0)
            if isinstance(reply, Exception):
                reply.request = request
                raise reply
            return reply

        remote = Remote('http://example.org', 'hush',
                        transport=httpx.MockTransport(handle))
        store = HTTPStore('http', remote, {TYPE: ('issues', {})})
        self.addCleanup(store.close)
        return store.accessors['issue'], replies

    def test_refusals(self):
        for status, expected in [
                (400, Refused), (401, Unavailable), (403, Unavailable),
                (405, Unavailable), (408, Unavailable), (409, Refused),
                (412, Stale), (413, Refused), (422, Refused), (429, Busy),
                (500, Unavailable), (502, Unavailable), (503, Busy)]:
            with self.subTest(status=status):
                accessor, replies = self.make(
                    reply(200, {'title': 'x'}, etag='"e:5"'),
                    reply(status, {'detail': 'The title is too long.'},
                          **{'retry-after': '7'}))
                with self.assertRaises(expected) as caught:
                    accessor.update('1', {'number': 1}, 'e:5')
                self.assertEqual(replies, [])
                if expected is Busy:
                    self.assertEqual(caught.exception.after, 7)
                else:
                    self.assertIn('The title is too long.',
                                  str(caught.exception))
                    self.assertNotIn('hush', str(caught.exception))

    def test_busy_after_a_write(self):
        """That isn't "nothing was done"."""
        item = {'title': 'x'}
        for call, first in [
                (lambda accessor: accessor.add(
                    Data('issue', None, item), 'key'), ()),
                (lambda accessor: accessor.update('1', item, 'e:5'),
                 [reply(200, item, etag='"e:5"')])]:
            accessor, replies = self.make(*first, reply(200, {}), reply(503))
            self.assertRaises(Unavailable, call, accessor)
            self.assertEqual(replies, [])

    def test_nonsense(self):
        for make in [lambda: reply(200, '<h1>Down for maintenance</h1>'),
                     lambda: reply(200, {}),
                     lambda: httpx.ReadTimeout('slow'),
                     lambda: httpx.ConnectError('away')]:
            for call in 'count', 'find':
                accessor, _ = self.make(make())
                with self.assertRaises(Unavailable):
                    list(getattr(accessor, call)())

    def test_a_page_that_is_missing(self):
        """What was listed so far isn't all."""
        page = {'format': 1, 'epoch': 'e', 'since': 0, 'generation': 5,
                'next': 'more', 'adds': [{'id': 'issues', 'adds': [
                    ['1', {'title': 'x'}]]}]}
        for next in reply(410), reply(500), reply(200, '<h1>Error</h1>'):
            accessor, _ = self.make(reply(200, page), next)
            changes = accessor.find()
            with self.assertRaises(Unavailable):
                list(changes)
            self.assertFalse(changes.complete)

    def test_pages_without_end(self):
        page = {'format': 1, 'epoch': 'e', 'since': 0, 'generation': 5,
                'next': 'more', 'adds': []}
        accessor, replies = self.make(*[reply(200, page) for _ in range(9)])
        with mock.patch('zc.generationalset.sync.stores.http.PAGES', 7):
            self.assertRaises(Incomplete, list, accessor.find())
        self.assertEqual(len(replies), 2)

    def test_a_server_that_says_no_position(self):
        remote = Remote('http://example.org', transport=httpx.MockTransport(
            lambda request: reply(200, {'id': None, 'length': 1})))
        store = HTTPStore('http', remote, {TYPE: ('', {})})
        self.addCleanup(store.close)
        self.assertRaises(Unavailable, store.identity)

    def test_removals_that_are_forgotten_meanwhile(self):
        def page(**more):
            return reply(200, {'format': 1, 'epoch': 'e', 'since': 0,
                               'generation': 5, **more})

        accessor, _ = self.make(
            page(next='x', adds=[]), page(cursor='x', adds=[]),
            page(since=5, parts=[{'path': ['issues'], 'contents': []}]))
        self.assertRaises(Incomplete, list, accessor.find())


class ConfigurationTests(Served):

    def test_a_file(self):
        with self.changing() as things:
            things.add(Document('1', {'title': 'x', 'status': 'open'}))
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        file = Path(folder.name, 'sync.toml')
        text = f'''\
hub = "Hub.fs"
[types.issue]
key = ["title"]
fields = {{title = "str", state = "str"}}
[stores.server]
kind = "http"
url = "{self.url}"
token = "secret"
[stores.server.issue]
path = ""
map = {{state = "status"}}
'''
        file.write_text(text)
        [store] = Configuration(file).stores()
        with closing(store):
            self.assertEqual(dict(store.accessors['issue'].get('1').fields),
                             {'title': 'x', 'state': 'open'})
        for old, new, message in [
                ('http://', 'ftp://', ':5: stores.server: expected a URL'),
                ('"secret"', '"a b"', ':5: .* visible ASCII'),
                ('path = ""', 'path = "a//b"', ':10: .*: issue.path: '),
                ('"status"', '7', ':11: .*: issue.map: expected fields')]:
            file.write_text(text.replace(old, new))
            with self.assertRaisesRegex(Mistake, message):
                Configuration(file)


class TableTests(unittest.TestCase):
    """The server serves a table, whose rows get texts as ids."""

    layer = Servers

    def test_a_table(self):
        stack = ExitStack()
        self.addCleanup(stack.close)
        folder = stack.enter_context(TemporaryDirectory())
        file = Path(folder, 'shop.db')
        with closing(sqlite3.connect(file)) as connection:
            connection.execute('CREATE TABLE issues (id TEXT PRIMARY KEY, '
                               'title TEXT UNIQUE, number INTEGER, owner TEXT '
                               "DEFAULT 'nobody')")
        database = stack.enter_context(closing(
            open_database(f'sqlite:///{file}')))
        database.execute(database.plan_tracking(database.tables()))
        url = stack.enter_context(served(application(
            SQLSource(database, ['issues']), write=True)))
        store = HTTPStore('http', Remote(url), {TYPE: ('issues', {})})
        stack.callback(store.close)
        accessor = store.accessors['issue']
        data = accessor.add(Data('issue', None, {'title': 'x'}), 'key')
        self.assertEqual(dict(data.fields), {'title': 'x', 'number': None})
        changes = accessor.find()
        self.assertEqual([each.id for each in changes], ['key'])
        accessor.update('key', {'number': 7}, data.token)
        self.assertRaises(Stale, accessor.remove, 'key', data.token)
        self.assertRaises(Refused, accessor.add, Data(
            'issue', None, {'title': 'x'}), 'other')
        self.assertRaises(Refused, accessor.update, 'key',
                          {'text': 'no such column'}, None)
        [found] = accessor.find(changes.cursor)
        self.assertEqual(found.fields['number'], 7)
        with closing(sqlite3.connect(file)) as connection:
            self.assertEqual(connection.execute(
                'SELECT number, owner FROM issues').fetchall(),
                [(7, 'nobody')])
