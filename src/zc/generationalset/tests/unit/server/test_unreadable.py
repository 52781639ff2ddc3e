"""Objects that can't be read don't count as missing."""

import contextlib
import unittest
from unittest import mock

from BTrees.OLBTree import OLBucket
from ZODB.broken import PersistentBroken
from ZODB.Connection import Connection
from ZODB.POSException import POSKeyError, ReadConflictError

from zc.generationalset import GSet, VGSet
from zc.generationalset.commands import Failure
from zc.generationalset.commands.auditing import find_sets
from zc.generationalset.commands.serving import find
from zc.generationalset.documents import Document
from zc.generationalset.tests.support.databases import Stored
from zc.generationalset.tests.support.logs import Mute
from zc.generationalset.tests.support.serving import Served
from zc.generationalset.tests.support.things import Thing

COUNT = 300  # so that ids are in several buckets


@contextlib.contextmanager
def lost(kind, error=POSKeyError):
    """Make loading any object of a class fail."""
    load = Connection.setstate

    def setstate(self, ob):
        if type(ob) is kind:
            raise error(ob._p_oid)
        load(self, ob)
    with mock.patch.object(Connection, 'setstate', setstate):
        yield


class SetTests(Stored):

    def setUp(self):
        super().setUp()
        self.gset = self.store(GSet())
        for number in range(COUNT):
            self.gset.add(Thing(f'{number:03}'))
        self.manager.commit()
        self.settle(self.gset)
        self.root._p_jar.cacheMinimize()

    def test_lost_buckets(self):
        ob = Thing('250')
        for error in POSKeyError, ReadConflictError:
            for ask in (
                    lambda: ob in self.gset, lambda: '250' in self.gset,
                    lambda: self.gset.discard(ob),
                    lambda: self.gset.discard('250'),
                    lambda: self.gset.isdisjoint([ob]),
                    lambda: self.gset['250'], lambda: self.gset.get('250'),
                    lambda: self.gset.remove(ob),
                    lambda: self.gset.add(ob)):
                with lost(OLBucket, error), self.assertRaises(error):
                    ask()

    def test_lost_items(self):
        ob = self.gset['250']
        ob._p_deactivate()
        for ask in (lambda: ob in self.gset, lambda: self.gset.discard(ob)):
            with lost(Thing), self.assertRaises(POSKeyError):
                ask()

    def test_items_whose_class_is_gone(self):
        broken = PersistentBroken()
        with self.assertRaises(AttributeError):
            self.gset.discard(broken)
        with self.assertRaises(AttributeError):
            self.assertIn(broken, self.gset)

    def test_causes_that_an_application_made(self):
        class Defective:
            @property
            def id(self):
                return self.missing

        with self.assertRaises(AttributeError) as caught:
            self.gset.add(Defective())
        self.assertIn('missing', str(caught.exception.__cause__))


class CommandTests(unittest.TestCase):

    def setUp(self):
        self.container = mock.MagicMock()
        self.container.__getitem__.side_effect = POSKeyError(b'\0' * 8)

    def test_paths(self):
        with self.assertRaises(POSKeyError):
            find({'a': self.container}, ['a', 'b'])
        with self.assertRaisesRegex(Failure, "'b' can not be read: POSKey"):
            find_sets({'a': self.container}, 'a/b')


def unreadable(*arguments):
    raise POSKeyError(b'\0' * 8)


class ServerTests(Served):

    options = {'name': lambda request: request.query_params.get('name'),
               'find': lambda root, name: {
                   None: lambda: root['things'], 'lost': unreadable}[name]()}

    def test_status(self):
        with self.changing() as things:
            for number in range(COUNT):
                things.add(Document(f'{number:03}', 1))
        with self.changing() as things:
            things._journal.settle(things)
        self.db.cacheMinimize()
        with lost(OLBucket), Mute('zc.generationalset.server'):
            for method in 'GET', 'PUT', 'DELETE':
                self.refused(500, self.http.request(
                    method, '/items/250',
                    **({'json': 2} if method == 'PUT' else {})))
        self.assertEqual(self.http.get('/items/250').json(), 1)

    def test_trees(self):
        with Mute('zc.generationalset.server'):
            self.refused(500, self.http.get('/updates?name=lost'))
        with mock.patch.object(self.app.state.gset.access, '_name',
                               unreadable), Mute('zc.generationalset.server'):
            self.refused(500, self.http.get('/updates'))

    def test_defects_in_changes_are_no_conflicts(self):
        with self.db.transaction() as connection:
            connection.root.things = VGSet()
        with mock.patch.object(
                GSet, 'add', side_effect=TypeError('a defect')), \
                Mute('zc.generationalset.server'):
            self.refused(500, self.http.put('/items/x', json=1))
