"""Sets in a ZODB, as stores."""

import datetime
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import ZEO
import ZODB
from transaction.interfaces import DoomedTransaction

from zc.generationalset import GSet
from zc.generationalset.documents import Document
from zc.generationalset.sync import (
    Busy,
    Data,
    Gone,
    Hub,
    Refused,
    Replaced,
    Stale,
    Synchronizer,
    Type,
    Unavailable,
    Unreadable,
)
from zc.generationalset.sync.configuration import Configuration
from zc.generationalset.sync.stores.gset import SetStore
from zc.generationalset.sync.stores.memory import MemoryStore
from zc.generationalset.sync.testing import StoreTests
from zc.generationalset.tests.support.layers import Servers
from zc.generationalset.tests.support.serving import wait
from zc.generationalset.tests.support.stored import TYPE


class SetStoreTests(StoreTests, unittest.TestCase):

    type = TYPE

    def make_store(self):
        self.db = ZODB.DB(None)
        self.addCleanup(self.db.close)
        with self.db.transaction() as connection:
            connection.root.issues = GSet()
            connection.root.issues.add(Document('7', {'title': 'old', 'x': 1}))
        return SetStore('set', self.db, lambda root, name: root[f'{name}s'],
                        {TYPE: {}})

    def test_undeclared_members_stay(self):
        self.accessor.update('7', {'number': 8}, None)
        self.assertEqual(dict(self.accessor.get('7').fields),
                         {'title': 'old', 'number': 8})
        with self.db.transaction() as connection:
            self.assertEqual(connection.root.issues['7'].value,
                             {'title': 'old', 'x': 1, 'number': 8})

    def test_other_items(self):
        with self.db.transaction() as connection:
            connection.root.issues.add(Document('8', [1]))
        found = {each.id: type(each) for each in self.find()[1]}
        self.assertEqual(found, {'7': Data, '8': Unreadable})

    def test_another_epoch(self):
        changes, _ = self.find()
        identity = self.store.identity()
        with self.db.transaction() as connection:
            connection.root.issues.renew()
        self.assertNotEqual(self.store.identity(), identity)
        self.assertRaises(Replaced, self.find, changes.cursor)

    def test_a_generation_that_fell(self):
        epoch, _, generation = self.find()[0].cursor.rpartition(':')
        self.assertRaises(
            Replaced, self.find, f'{epoch}:{int(generation) + 1}')

    def test_dates_as_json_has_them(self):
        with self.db.transaction() as connection:
            connection.root.issues.add(Document(
                '8', {'title': 'x', 'day': '2026-01-02'}))
        self.assertEqual(self.accessor.get('8').fields['day'],
                         datetime.date(2026, 1, 2))

    def test_old_cursors(self):
        data = self.add()
        cursor = self.find()[0].cursor
        self.accessor.remove(data.id, None)
        with self.db.transaction() as connection:
            connection.root.issues.maximum_removals = 0
        for _ in range(200):
            self.accessor.remove(self.add().id, None)
        changes, listed = self.find(cursor)
        self.assertTrue(changes.snapshot)
        self.assertEqual([each.id for each in listed], ['7'])

    def test_other_ids(self):
        with self.db.transaction() as connection:
            connection.root.issues = GSet()
            connection.root.issues.add(Document(1, {'title': 'one'}))
        self.assertEqual(self.accessor.get(1).id, 1)
        self.assertRaises(Refused, self.add)


class BatchTests(unittest.TestCase):
    """A batch is one transaction."""

    def setUp(self):
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.db = ZODB.DB(str(Path(folder.name, 'Data.fs')))
        self.addCleanup(self.db.close)
        with self.db.transaction() as connection:
            connection.root.issues = GSet()
            connection.root.issues.add(Document('0', {'title': 'old'}))
        self.store = SetStore(
            'set', self.db, lambda root, name: root[f'{name}s'], {TYPE: {}})
        self.accessor = self.store.accessors['issue']

    def add(self, id):
        return self.accessor.add(Data('issue', None, {'title': 'new'}), id)

    def ids(self):
        with self.db.transaction() as connection:
            return sorted(connection.root.issues.ids())

    def test_one_transaction(self):
        before = self.db.lastTransaction()
        with self.store.batch():
            self.add('1')
            self.accessor.update('1', {'title': 'newer'}, None)
            self.accessor.remove('0', None)
            self.assertEqual(
                self.accessor.get('1').fields, {'title': 'newer'})
            self.assertRaises(Gone, self.accessor.get, '0')
            self.assertEqual(self.db.lastTransaction(), before)
        self.assertEqual(self.ids(), ['1'])

    def test_a_refusal_harms_nobody_else(self):
        with self.store.batch():
            self.add('1')
            for wrong in 'x', '0':
                self.assertRaises((Gone, Stale), self.accessor.update, wrong,
                                  {'title': 'new'}, 'another token')
            self.add('2')
        self.assertEqual(self.ids(), ['0', '1', '2'])
        self.assertEqual(self.accessor.get('0').fields, {'title': 'old'})

    def test_a_failure_undoes_all(self):
        with self.assertRaises(KeyError), self.store.batch():
            self.add('1')
            raise KeyError
        with self.assertRaises(DoomedTransaction), self.store.batch():
            self.add('1')
            with mock.patch.object(GSet, 'add', side_effect=MemoryError), \
                    self.assertRaises(MemoryError):
                self.add('2')
            self.add('3')
        self.assertEqual(self.ids(), ['0'])
        self.add('4')
        self.assertEqual(self.ids(), ['0', '4'])

    def test_the_reason_is_told(self):
        """Not that the batch can't be committed, which follows from it."""
        type = Type('issue', {'title': 'str'}, ['title'])
        hub = ZODB.DB(None)
        self.addCleanup(hub.close)
        memory = MemoryStore('memory', ['issue'])
        memory.accessors['issue'].add(
            Data('issue', None, {'title': 'new'}), 'new')
        add = GSet.add

        def failing(gset, ob, *id):
            if gset._p_jar is not None and gset._p_jar.db() is self.db:
                raise OSError('the disk is full')
            add(gset, ob, *id)

        with mock.patch.object(GSet, 'add', failing):
            report = Synchronizer(Hub(hub), [self.store, memory], [type]).run()
        self.assertEqual(report.unavailable, {'set': 'the disk is full'})
        self.assertEqual(self.ids(), ['0'])

    def test_others_meanwhile(self):
        """Another thread has transactions of its own."""
        with self.store.batch(), ThreadPoolExecutor(1) as other:
            self.add('1')
            self.assertIsInstance(
                other.submit(self.accessor.get, '1').exception(), Gone)
            other.submit(self.add, '2').result()
        self.assertEqual(self.ids(), ['0', '1', '2'])

    def test_a_conflict(self):
        with self.assertRaises(Busy), self.store.batch(), \
                ThreadPoolExecutor(1) as other:
            self.add('1')
            self.accessor.update('0', {'title': 'mine'}, None)
            other.submit(self.accessor.update, '0', {'title': 'theirs'},
                         None).result()
        self.assertEqual(self.ids(), ['0'])
        self.assertEqual(self.accessor.get('0').fields, {'title': 'theirs'})


CONFIGURATION = '''\
hub = "Hub.fs"
[types.issue]
key = ["title"]
fields = {title = "str", state = "str"}
[stores.set]
kind = "gset"
url = "Data.fs"
[stores.set.issue]
path = "sets/issues"
map = {state = "status"}
'''


class NamedTests(unittest.TestCase):
    """A set that a file of configuration names."""

    def setUp(self):
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = Path(folder.name, 'Data.fs')
        self.config = Path(folder.name, 'sync.toml')
        self.config.write_text(CONFIGURATION)

    def make(self, uri=None):
        if uri:
            self.config.write_text(CONFIGURATION.replace('Data.fs', uri))
        [store] = Configuration(self.config).stores()
        self.addCleanup(store.close)
        return store

    def fill(self):
        with ZODB.DB(str(self.file)).transaction() as connection:
            root = connection.root
            root.sets = GSet('sets')
            root.sets.add(GSet('issues', parent=root.sets))
            root.sets['issues'].add(Document(
                '1', {'title': 'x', 'status': 'open'}))
            db = connection.db()
        db.close()

    def test_a_file(self):
        self.fill()
        for uri in None, f'file://{self.file}':
            store = self.make(uri)
            accessor = store.accessors['issue']
            data = accessor.get('1')
            self.assertEqual(dict(data.fields),
                             {'title': 'x', 'state': 'open'})
            self.assertEqual(accessor.count(), 1)
            accessor.update('1', {'state': 'open'}, data.token)
            store.close()

    def test_what_is_not_there(self):
        store = self.make()
        with self.assertRaisesRegex(Unavailable, 'Data.fs is missing'):
            store.identity()
        self.assertFalse(self.file.exists())
        with ZODB.DB(str(self.file)).transaction() as connection:
            db = connection.db()
        db.close()
        with self.assertRaisesRegex(Unavailable, 'a set at sets/issues'):
            store.identity()
        store.close()

    def test_passwords_stay_secret(self):
        store = self.make('postgresql://x:hush@nowhere/?connect_timeout=no')
        with self.assertRaises(Unavailable) as caught:
            store.identity()
        self.assertNotIn('hush', str(caught.exception))


class SeveralHubsTests(unittest.TestCase):

    def test_ids_of_new_items_differ(self):
        """A hub's first item isn't taken for that of another hub."""
        db = ZODB.DB(None)
        self.addCleanup(db.close)
        with db.transaction() as connection:
            connection.root.issues = GSet()
        type = Type('issue', {'title': 'str'}, ['title'])
        for title in 'a', 'b':
            hub = ZODB.DB(None)
            self.addCleanup(hub.close)
            memory = MemoryStore('memory', ['issue'])
            memory.accessors['issue'].add(
                Data('issue', None, {'title': title}), title)
            store = SetStore('set', db, lambda root, name: root['issues'],
                             {type: {}})
            report = Synchronizer(Hub(hub), [store, memory], [type]).run()
            self.assertEqual(report.code, 0, report)
        with db.transaction() as connection:
            self.assertEqual(sorted(
                each.value['title'] for each in connection.root.issues),
                ['a', 'b'])


class ServedTests(NamedTests):
    """The set is on a database server, where others write, too."""

    layer = Servers
    test_what_is_not_there = test_passwords_stay_secret = test_a_file = None

    def test_a_server(self):
        self.fill()
        (host, port), stop = ZEO.server(str(self.file))
        self.addCleanup(stop)
        store = self.make(f'zeo://{host}:{port}?wait_timeout=90')
        accessor = store.accessors['issue']
        changes = accessor.find()
        self.assertEqual([each.id for each in changes], ['1'])
        cursor = changes.cursor
        other = ZEO.DB((host, port))
        self.addCleanup(other.close)
        with other.transaction() as connection:
            issues = connection.root.sets['issues']
            issues.changed(Document('1', {'title': 'x', 'status': 'done'}))
        wait(lambda: list(accessor.find(cursor)))
        [found] = accessor.find(cursor)
        self.assertEqual(found.fields['state'], 'done')
