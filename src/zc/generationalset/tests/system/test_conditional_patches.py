"""PATCH with conditions: what a client is told, by servers of all kinds."""

import unittest

import httpx

from zc.generationalset.mirror import StoredMirror
from zc.generationalset.server import Limits, application
from zc.generationalset.tests.support.layers import Servers
from zc.generationalset.tests.support.serving import Served, served
from zc.generationalset.tests.support.tenants import SQLiteTenants

ITEM = 'items/orders/~1'
PATCH = {'total': 5}


class Patches:
    """For tests with ``http``, the client of a server with ``orders``."""

    def setUp(self):
        super().setUp()
        self.put(name='tea')
        self.before = self.position()

    def put(self, **members):
        response = self.http.put(
            ITEM, json={'owner': 'ann', 'name': 'x', 'total': 1, **members})
        self.assertLess(response.status_code, 300, response.text)

    def remove(self):
        self.assertEqual(self.http.delete(ITEM).status_code, 200)

    def position(self):
        answer = self.http.get('updates').json()
        return f'{answer["epoch"]}:{answer["generation"]}'

    def patch_since(self, position, patch=PATCH):
        """Patch an item alone, and in a batch; yield the responses."""
        yield self.http.patch(ITEM, json=patch, headers={
            'content-type': 'application/merge-patch+json',
            'if-match': f'"{position}"'})
        change = {'op': 'patch', 'path': ['orders', 1], 'item': patch,
                  'unchanged_since': position}
        yield self.http.post('batch', json={'changes': [change]})

    def check_refused(self, position, status, patch=PATCH, **members):
        """Expect what a problem says, and that nothing is written."""
        before = self.position()
        for response in self.patch_since(position, patch):
            self.assertEqual(response.status_code, status, response.text)
            problem = response.json()
            self.assertEqual(problem.pop('change', 0), 0)
            self.assertEqual({
                name: value for name, value in problem.items()
                if name not in ('title', 'status', 'detail')}, members)
        self.assertEqual(self.position(), before)

    def test_an_item_that_others_have_removed(self):
        self.remove()
        self.check_refused(self.before, 412)
        self.check_refused(self.position(), 404)

    def test_an_item_that_others_have_changed(self):
        self.put(name='coffee')
        item = self.http.get(ITEM).json()
        self.check_refused(self.before, 412, item=item)
        self.check_refused('other:1', 412, item=item)

    def test_an_item_that_is_another_one(self):
        self.remove()
        self.put(name='tea')
        self.check_refused(
            self.before, 412, item=self.http.get(ITEM).json())

    def test_an_item_that_is_as_it_was(self):
        for response in self.patch_since(self.before):
            self.assertEqual(response.status_code, 200, response.text)
        self.assertEqual(self.http.get(ITEM).json()['total'], 5)


class ZODBTests(Patches, Served):

    options = {'limits': Limits(document=1000)}

    def setUp(self):
        Served.setUp(self)
        self.http.put('items/orders/')
        self.put(name='tea')
        self.before = self.position()

    # ``Served`` has another one.
    put = Patches.put

    def test_a_patch_that_no_longer_fits(self):
        """What others have written is told before what it leads to."""
        self.put(note='x' * 600)
        item = self.http.get(ITEM).json()
        patch = {'text': 'x' * 600}
        self.check_refused(self.before, 412, patch, item=item)
        self.check_refused(self.position(), 413, patch)

    def test_below_the_floor(self):
        self.remove()
        with self.changing() as things:
            things['orders'].maximum_removals = 0
        self.http.put('items/orders/~2', json=1)
        self.http.delete('items/orders/~2')
        self.check_refused(self.before, 412)

    def test_a_mirror(self):
        """It takes no writes, whatever they say."""
        source = 'https://example.org/sync'
        StoredMirror(self.db, 'mirror', source).apply({
            'epoch': 'e', 'since': 0, 'generation': 7, 'contents': []})
        app = application(
            self.db, lambda root: root['mirror'], write=True)
        with served(app) as url, httpx.Client(base_url=url) as self.http:
            for position in 'e:7', 'e:1':
                self.check_refused(position, 403, source=source)


class SQLiteTests(Patches, SQLiteTenants, unittest.TestCase):

    layer = Servers
    schema = ['CREATE TABLE orders (id INTEGER PRIMARY KEY, owner TEXT, '
              'name TEXT, total REAL DEFAULT 1)']

    @property
    def http(self):
        return self.ann

    def test_rows_that_are_written_again(self):
        """A column makes 5.0 of 5, and others are left out."""
        for status in 200, 200:
            response = self.http.put(
                ITEM, json={'owner': 'ann', 'total': 5},
                headers={'if-match': f'"{self.before}"'})
            self.assertEqual(response.status_code, status, response.text)
        self.assertEqual(self.http.get(ITEM).json(), {
            'id': 1, 'owner': 'ann', 'name': None, 'total': 5.0})

    def test_a_column_that_is_left_out_at_last(self):
        """Its default, and the changes before, would replace what is there."""
        put = {'op': 'put', 'path': ['orders', 1], 'unchanged_since':
               self.before, 'item': {'owner': 'ann', 'name': 'tea'}}
        self.put(name='tea', total=9)
        item = self.http.get(ITEM).json()
        remove = {**put, 'op': 'remove'}
        del remove['item']
        for first in remove, {**put, 'item': {**put['item'], 'total': 5}}:
            response = self.http.post('batch', json={'changes': [first, put]})
            self.assertEqual(response.status_code, 412, response.text)
            self.assertEqual(self.http.get(ITEM).json(), item)

    def test_patches_that_are_written_again(self):
        changes = [{'op': 'patch', 'path': ['orders', 1], 'item': item,
                    'unchanged_since': self.before}
                   for item in ({'total': 5}, {'name': 'milk'})]
        for _ in range(2):
            response = self.http.post('batch', json={'changes': changes})
            self.assertEqual(response.status_code, 200, response.text)
