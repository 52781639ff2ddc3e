"""A set to which servers write remembers about as many removals as items."""

import json
import unittest

import transaction
import ZODB

from zc.generationalset import GSet, wire
from zc.generationalset.mirror.mirrored import MirroredSet, Writer
from zc.generationalset.replica import Replica
from zc.generationalset.sources.zodb.editor import ZODBEditor
from zc.generationalset.updates import read


class RemovalTests(unittest.TestCase):

    def setUp(self):
        self.db = ZODB.DB(None)
        self.addCleanup(self.db.close)
        self.addCleanup(transaction.abort)
        self.root = self.db.open().root()

    def make(self, **options):
        self.root['set'] = gset = GSet(**options)
        return gset, ZODBEditor(gset)

    def put(self, editor, ids, text=''):
        for id in ids:
            editor.put((f'{id:04}',), json.dumps(text).encode())

    def answer(self, gset, replica):
        return b''.join(wire.encode_chunks(gset.client_updates(
            replica.generation, replica.epoch)))

    def test_answers_after_many_removals_are_small(self):
        gset, editor = self.make()
        self.put(editor, range(10_000), 'x' * 200)
        replica = Replica()
        replica.apply(wire.decode(self.answer(gset, replica)))
        transaction.commit()
        self.put(editor, range(700), 'y' * 200)
        self.put(editor, range(10_000, 10_200), 'z' * 200)
        for id in range(5000, 5100):
            editor.remove((f'{id:04}',))
        answer = self.answer(gset, replica)
        self.assertLess(len(answer), 250_000)
        replica.apply(wire.decode(answer))
        self.assertEqual(list(replica.items), list(gset.ids()))

    def test_it_grows_with_the_items(self):
        gset, editor = self.make()
        bounds = set()
        for id in range(1000):
            self.put(editor, [id])
            bounds.add(gset.maximum_removals)
            self.assertLessEqual(len(gset), 2 * gset.maximum_removals + 1)
        self.assertEqual(sorted(bounds), [99, 199, 399, 799])

    def test_subsets(self):
        gset, editor = self.make()
        editor.make_set(('a',))
        for id in range(300):
            editor.put(('a', str(id)), b'1')
        self.assertEqual(gset.maximum_removals, 99)
        self.assertEqual(gset['a'].maximum_removals, 199)

    def test_an_application_that_wants_few(self):
        gset, editor = self.make(maximum_removals=5)
        self.put(editor, range(300))
        self.assertEqual(gset.maximum_removals, 5)

    def test_mirrors(self):
        gset, editor = self.make()
        self.put(editor, range(3000))
        mirrored = MirroredSet(maximum_removals=1000)
        Writer(lambda: None).update(
            mirrored, read(wire.decode(self.answer(gset, Replica()))))
        self.assertGreater(mirrored.maximum_removals, 2000)
