"""Epochs name the set that is served: each subset has its own."""

import os
import subprocess
import sys
import tempfile
import unittest

import ZODB
from ZODB.FileStorage import FileStorage

from zc.generationalset import GSet, SGSet
from zc.generationalset.client import Client
from zc.generationalset.documents import Document
from zc.generationalset.replica import Replica, SQLiteReplica
from zc.generationalset.tests.support.databases import undo
from zc.generationalset.tests.support.logs import LOGGER
from zc.generationalset.tests.support.serving import ENVIRONMENT, Served
from zc.generationalset.tests.support.things import Thing


def with_subsets(*ids):
    gset = GSet()
    for id in ids:
        gset.add(GSet(id))
    return gset


class EpochTests(unittest.TestCase):

    def setUp(self):
        self.root = with_subsets('red', 'blue')
        self.red, self.blue = self.root['red'], self.root['blue']

    def test_each_set_has_another(self):
        self.red.add(GSet('blue'))
        sets = [self.root, self.red, self.blue, self.red['blue']]
        self.assertEqual(len({gset.epoch for gset in sets}), 4)

    def test_changes_leave_it(self):
        before = self.red.epoch
        self.red.add(Thing('a'))
        self.red.add(GSet('deep'))
        self.root.add(Thing('a'))
        self.root.add(self.blue)
        self.root.add(self.red)
        self.assertEqual(self.red.epoch, before)

    def test_renewal_changes_all(self):
        before = self.root.epoch, self.red.epoch, self.blue.epoch
        self.red.renew()
        after = self.root.epoch, self.red.epoch, self.blue.epoch
        self.assertEqual(len({*before, *after}), 6)

    def test_another_subset_of_the_id(self):
        before = self.red.epoch
        self.root.add(GSet('red'))
        self.assertNotIn(before, (self.root['red'].epoch, self.red.epoch))

    def test_leaving_and_joining_again(self):
        epochs = [self.red.epoch]
        self.root.remove(self.red)
        epochs.append(self.red.epoch)
        self.root.add(self.red)
        epochs.append(self.red.epoch)
        self.blue.add(self.red)
        epochs.append(self.red.epoch)
        self.assertEqual(len(set(epochs)), 4)

    def test_superset_that_is_replaced(self):
        self.red.add(GSet('deep'))
        before = self.red['deep'].epoch
        self.root.add(GSet('red'))
        self.root['red'].add(GSet('deep'))
        self.assertNotEqual(self.root['red']['deep'].epoch, before)

    def test_ids_of_all_kinds(self):
        for ids in (1, 2), ((1, 'a'), (2, 'a')), ('ü', '\ud800'), (b'a', b'b'):
            root = with_subsets(*ids)
            self.assertNotEqual(*[subset.epoch for subset in root])

    def test_subsets_that_joined_at_one_generation(self):
        root = SGSet()
        outer = SGSet('x', parent=root)
        inner = SGSet('x', parent=outer)
        inner.add(Thing(1))
        self.assertEqual(len({root.epoch, outer.epoch, inner.epoch}), 3)

    def test_position_of_a_sibling_is_refused(self):
        replica = Replica()
        replica.apply(self.red.client_updates(0))
        answer = self.blue.client_updates(replica.generation, replica.epoch)
        self.assertEqual(answer['reset'], 'epoch')
        answer = self.root.client_updates(replica.generation, replica.epoch)
        self.assertEqual(answer['reset'], 'epoch')

    def test_position_from_before_the_subset_joined(self):
        subset = GSet('new', self.root)
        subset.add(Thing(1))
        answer = subset.client_updates(1, subset.epoch)
        self.assertEqual(answer['reset'], 'replaced')

    def test_same_in_all_processes(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        path = os.path.join(directory.name, 'Data.fs')
        db = ZODB.DB(path)
        self.red.add(GSet(('a', 'tuple')))
        with db.transaction() as connection:
            connection.root.gset = self.root
            epochs = [gset.epoch for gset in self.root]
        db.close()
        script = (
            'import sys, ZODB; root = ZODB.DB(sys.argv[1], read_only=True)'
            '.open().root(); print([gset.epoch for gset in root["gset"]])')
        for seed in '1', '2':
            output = subprocess.check_output(
                [sys.executable, '-c', script, path],
                env={**ENVIRONMENT, 'PYTHONHASHSEED': seed}, text=True)
            self.assertEqual(output.strip(), str(epochs))


class ServedSubsetTests(Served):

    options = {'find': lambda root: root['things'][root['which']]}

    def setUp(self):
        super().setUp()
        self.show('red')
        with self.changing() as things:
            for id in 'red', 'blue':
                things.add(GSet(id))
                things[id].add(Document(id, 1))

    def storage(self):
        return FileStorage(os.path.join(
            self.stack.enter_context(tempfile.TemporaryDirectory()), 'fs'))

    def show(self, id):
        with self.db.transaction() as connection:
            connection.root.which = id

    def test_clients_move_with_their_user(self):
        with SQLiteReplica(':memory:') as stored:
            for replica in Replica(), stored:
                self.show('red')
                with Client(self.url, replica=replica) as client:
                    client.sync()
                    self.assertEqual(dict(replica.items), {'red': 1})
                    self.show('blue')
                    client.sync()
                    self.assertEqual(dict(replica.items), {'blue': 1})

    def test_stream_moves(self):
        with Client(self.url) as client:
            for changes in client.watch():
                if 'blue' in client.replica.items:
                    break
                self.show('blue')
                self.assertTrue(changes)
            self.assertEqual(client.replica.items, {'blue': 1})

    def test_last_event_of_another_set(self):
        answer = self.get().json()
        self.show('blue')
        id = f'{answer["epoch"]}:{answer["generation"]}'
        with self.http.stream(
                'GET', '/events', headers={'last-event-id': id}) as stream:
            data = next(line for line in stream.iter_lines()
                        if line.startswith('data:'))
        self.assertIn('"reset":"epoch"', data)

    def test_undone_together_with_a_replacement(self):
        with self.changing() as things:
            things['red'].add(Document('lost', 1))
        before = self.get().json()
        with self.changing() as things:
            things.add(GSet('red'))
        self.get()
        with self.assertLogs(LOGGER, 'WARNING') as logs:
            undo(self.db, 2)
            answer = self.get(before['generation'], before['epoch']).json()
        self.assertEqual(answer['reset'], 'epoch')
        self.assertIn('has fallen', logs.output[0])
