"""A mirror: its contents, and its answers."""

import json
import logging
import unittest
from unittest import mock

import transaction
import ZODB
from ZODB.DemoStorage import DemoStorage
from ZODB.POSException import ConflictError
from zope.interface.verify import verifyObject

from zc.generationalset import check, wire
from zc.generationalset.interfaces import IServed, SubsetUpdates
from zc.generationalset.mirror import Mirror, Points, StoredMirror
from zc.generationalset.replica import Misfit, Replica, Subset
from zc.generationalset.tests.support.places import VECTORS
from zc.generationalset.tests.support.replicas import answer, text
from zc.generationalset.tests.support.values import BAD_EPOCHS

SOURCE = 'http://127.0.0.1:9'


def told(mirror, generation, epoch='e'):
    """Return a mirror's answer to a client, as plain JSON."""
    return json.loads(wire.encode(mirror.client_updates(generation, epoch)))


def items(gset):
    return {wire.decode_id(id): Subset(items(ob)) if hasattr(ob, 'items')
            else text(ob.value) for id, ob in gset.items()}


class MirrorTests(unittest.TestCase):

    def setUp(self):
        self.mirror = Mirror(SOURCE)

    def test_contract(self):
        verifyObject(IServed, self.mirror)
        self.assertEqual(repr(self.mirror), f'<Mirror of {SOURCE}>')

    def test_epochs_that_headers_can_not_have(self):
        for epoch in BAD_EPOCHS:
            for mirror in self.mirror, Replica():
                with self.assertRaisesRegex(ValueError, 'expected an epoch'):
                    mirror.apply({'epoch': epoch, 'since': 0, 'generation': 1,
                                  'contents': [('a', 1)]})
                self.assertEqual((mirror.generation, mirror.epoch), (0, None))

    def test_vectors(self):
        cases = json.loads((VECTORS / 'apply.json').read_bytes())['cases']
        for case in cases:
            mirror = Mirror(SOURCE)
            for number, step in enumerate(case['steps']):
                with self.subTest(case['name'], step=number):
                    self.check_step(mirror, step)

    def check_step(self, mirror, step):
        body = step['text'] if 'text' in step else json.dumps(step['answer'])
        result = 'applied'
        try:
            mirror.apply(wire.decode(body.encode()))
        except Misfit:
            result = 'ignored'
        except ValueError:
            result = 'refused'
        self.assertEqual(result, step['result'])
        self.assertEqual(
            (mirror.generation, mirror.epoch),
            (step['generation'], step['epoch']))
        expected, replica = Replica(), Replica()
        if mirror.generation:
            expected.apply(wire.decode(json.dumps(answer(
                0, mirror.generation, mirror.epoch, format=1,
                contents=step['contents']))))
            replica.apply(wire.decode(wire.encode(mirror.client_updates(0))))
        self.assertEqual(replica.items, expected.items)
        self.assertEqual(check(mirror.mirrored), [])

    def test_ids_of_all_kinds_in_one_set(self):
        ids = [1, '1', 'a', -1.5, 2 ** 70, (1, 'a'), ('a', 1), b'a', ((),)]
        self.mirror.apply(answer(0, 3, contents=[(id, 1) for id in ids]))
        self.mirror.apply(answer(3, 4, removals=[('a', 1)], adds=[
            SubsetUpdates(id=1, adds=[('x', 1), (5, 1)])]))
        replica = Replica()
        replica.apply(wire.decode(wire.encode(self.mirror.client_updates(0))))
        ids.remove(('a', 1))
        self.assertCountEqual(replica.items, ids)
        self.assertEqual(replica.items[1], {'x': 1, 5: 1})
        self.assertEqual(self.mirror[b'a'].value, 1)
        self.assertEqual(len(self.mirror), 8)
        self.assertEqual(told(self.mirror, 3)['removals'],
                         [{'$tuple': ['a', 1]}])

    def test_values_of_all_kinds(self):
        body = b'''{"format":1,"epoch":"e","since":0,"generation":2,"contents":
            [["a",{"$new":[1]}],["b",{"$decimal":"1.50"}],["c",1.0],
             ["d",{"$object":{"$int":5}}],["e",{"$int":"9007199254740993"}]]}
        '''
        self.mirror.apply(wire.decode(body))
        self.assertEqual(told(self.mirror, 0)['contents'],
                         json.loads(body)['contents'])

    # What clients are told who have been elsewhere

    def test_what_did_not_change_here_is_told(self):
        self.mirror.apply(answer(0, 3, contents=[('a', 1), ('c', 1)]))
        self.mirror.apply(answer(3, 9, removals=['b'], adds=[('a', 1)]))
        for generation in 3, 4, 8:
            self.assertEqual(told(self.mirror, generation), answer(
                generation, 9, format=1, removals=['b'], adds=[['a', 1]]))

    def test_subsets_in_which_nothing_changed_are_told(self):
        self.mirror.apply(answer(0, 3, contents=[SubsetUpdates(id='s')]))
        self.mirror.apply(answer(3, 9, adds=[SubsetUpdates(id='s')]))
        self.assertEqual(told(self.mirror, 5)['adds'], [{'id': 's'}])

    def test_contents_within_changes(self):
        self.mirror.apply(answer(0, 3, contents=[
            SubsetUpdates(id='s', contents=[('a', 1), ('b', 1)]), ('c', 1)]))
        self.mirror.apply(answer(3, 9, adds=[
            SubsetUpdates(id='s', contents=[('a', 1)])]))
        self.assertEqual(told(self.mirror, 5)['adds'], [
            {'id': 's', 'contents': [['a', 1]]}])
        self.assertEqual(told(self.mirror, 9), answer(9, 9, format=1))

    def test_what_contents_list_is_told_and_what_they_keep_is_kept(self):
        """A client may have had another value in between, at the source."""
        self.mirror.apply(answer(0, 3, contents=[
            ('a', 1), ('b', 1), ('c', 1)]))
        self.mirror.apply(answer(3, 9, contents=[('a', 1)], keep=['b']))
        for generation in 3, 5, 8:
            self.assertEqual(told(self.mirror, generation), answer(
                generation, 9, format=1, contents=[['a', 1]], keep=['b']))
        self.assertEqual(told(self.mirror, 2)['contents'],
                         [['b', 1], ['a', 1]])

    def test_changes_within_contents(self):
        subset = SubsetUpdates(id='s', contents=[('a', 1), ('b', 1)])
        self.mirror.apply(answer(0, 3, contents=[subset, ('c', 1)]))
        self.mirror.apply(answer(3, 9, contents=[
            ('c', 1), SubsetUpdates(id='s', removals=['a'])]))
        self.assertEqual(told(self.mirror, 5)['contents'], [
            ['c', 1], {'id': 's', 'removals': ['a']}])

    def test_lacking(self):
        """Without what it should keep, a mirror starts over."""
        subset = SubsetUpdates(id='s', adds=[
            SubsetUpdates(id='t', contents=[], keep=['a'])])
        for members in [
                {'contents': [('b', 1)], 'keep': ['a', 'x']},
                {'adds': [subset]},
                {'contents': [('b', 1)], 'keep': ['a'], 'reset': 'epoch'}]:
            with self.subTest(members):
                mirror = Mirror(SOURCE)
                mirror.apply(answer(0, 3, contents=[('a', 1)]))
                self.assertTrue(mirror.apply(answer(3, 9, **members)))
                self.assertEqual(
                    (mirror.generation, mirror.epoch, len(mirror)),
                    (0, None, 0))
                mirror.apply(answer(0, 9, contents=[('b', 1)]))
                self.assertEqual(told(mirror, 0)['contents'], [['b', 1]])

    def test_older_than_everything(self):
        self.mirror.apply(answer(0, 5, contents=[
            SubsetUpdates(id='s', contents=[('a', 1)])]))
        self.mirror.apply(answer(5, 6, adds=[('b', 1)]))
        contents = [{'id': 's', 'contents': [['a', 1]]}, ['b', 1]]
        self.assertEqual(told(self.mirror, 4), answer(
            4, 6, format=1, contents=contents))

    def test_another_epoch(self):
        self.mirror.apply(answer(0, 5, contents=[('a', 1)]))
        for epoch in 'f', None:
            self.assertEqual(told(self.mirror, 4, epoch), answer(
                4, 5, format=1, since_epoch=epoch, reset='epoch',
                contents=[['a', 1]]))

    def test_ahead(self):
        self.mirror.apply(answer(0, 5, contents=[('a', 1)]))
        self.assertEqual(told(self.mirror, 7), answer(7, 7, format=1))

    def test_ahead_of_a_source_that_took_changes_back(self):
        """It should have renewed its epoch, and will not say so again."""
        self.mirror.apply(answer(0, 5, contents=[('a', 1)]))
        self.mirror.apply(answer(5, 4, reset='ahead', contents=[('a', 2)]))
        self.mirror.apply(answer(4, 4, reset='replaced', contents=[('a', 2)]))
        self.assertEqual(told(self.mirror, 3), answer(
            3, 4, format=1, contents=[['a', 2]]))
        self.assertEqual(told(self.mirror, 7), answer(
            7, 4, format=1, reset='ahead', contents=[['a', 2]]))
        self.mirror.apply(answer(
            4, 3, 'f', since_epoch='e', reset='epoch', contents=[('a', 2)]))
        self.assertEqual(told(self.mirror, 7, 'f'), answer(
            7, 7, 'f', format=1))

    def test_nothing_new(self):
        self.mirror.apply(answer(0, 5, contents=[('a', 1)]))
        own = self.mirror.mirrored.generation
        self.assertFalse(self.mirror.apply(answer(5, 5)))
        self.assertTrue(self.mirror.apply(answer(5, 6)))
        self.assertEqual(self.mirror.generation, 6)
        self.assertEqual(self.mirror.mirrored.generation, own)


class PointsTests(unittest.TestCase):

    def test_thinned_out(self):
        points = Points()
        for generation in range(1, 100_000):
            points.note(3 * generation, generation)
        self.assertLessEqual(len(points), 1000)
        self.assertEqual(len(points), len(points._own))
        self.assertEqual(points.before(2), 0)
        self.assertEqual(points.before(3), 1)
        for generation in range(1, 100_000, 77):
            age = 100_000 - generation
            found = points.before(3 * generation + 1)
            self.assertLessEqual(found, generation)
            self.assertLessEqual(generation - found, age / 32, generation)

    def test_noted_again(self):
        points = Points()
        points.note(3, 1)
        points.note(3, 2)
        self.assertEqual((points.before(3), len(points)), (2, 1))


class StoredMirrorTests(unittest.TestCase):

    def setUp(self):
        self.db = ZODB.DB(DemoStorage())
        self.addCleanup(self.db.close)
        self.stored = StoredMirror(self.db, 'mirror', SOURCE)

    def test_new(self):
        self.assertEqual(self.stored.generation, 0)
        self.assertIsNone(self.stored.epoch)
        self.assertEqual(
            len(self.stored.apply(answer(0, 3, contents=[]))), 1)
        self.assertEqual(self.stored.apply(answer(3, 3)), [])
        self.assertEqual((self.stored.generation, self.stored.epoch),
                         (3, 'e'))

    def test_another_source(self):
        self.stored.apply(answer(0, 3, contents=[]))
        StoredMirror(self.db, 'mirror', 'http://b').apply(answer(3, 4))
        with self.db.transaction() as connection:
            self.assertEqual(connection.root()['mirror'].source, 'http://b')

    def test_something_else_is_there(self):
        with self.db.transaction() as connection:
            connection.root()['mirror'] = 5
        with self.assertRaisesRegex(
                ValueError, r"in root\['mirror'\], or nothing, got int"):
            StoredMirror(self.db, 'mirror', SOURCE)

    def test_refused_answers_change_nothing(self):
        self.stored.apply(answer(0, 3, contents=[('a', 1), ('b', 1)]))
        for members in [
                {'removals': ['a'], 'adds': [('c', 1), 'bad']},
                {'contents': [('c', 1), 'bad']}]:
            with self.assertRaises(ValueError):
                self.stored.apply(answer(3, 4, **members))
        self.assertEqual(self.stored.generation, 3)
        with self.db.transaction() as connection:
            mirror = connection.root()['mirror']
            self.assertEqual(items(mirror.mirrored), {'a': '1', 'b': '1'})

    def test_two_processes(self):
        """Two processes apply answers to one question at the same time."""
        self.stored.apply(answer(0, 3, contents=[]))
        other = StoredMirror(self.db, 'mirror', SOURCE)
        apply = Mirror.apply

        def meanwhile(mirror, updates, pause):
            with mock.patch.object(Mirror, 'apply', apply):
                other.apply(answer(3, 5, adds=[('b', 1)]))
            return apply(mirror, updates, pause)

        with mock.patch.object(Mirror, 'apply', meanwhile), \
                self.assertRaises(Misfit):
            self.stored.apply(answer(3, 4, adds=[('a', 1)]))
        self.assertEqual(self.stored.generation, 5)

    def test_conflicts_again_and_again(self):
        with mock.patch.object(Mirror, 'apply', side_effect=ConflictError), \
                self.assertRaises(ConflictError):
            self.stored.apply(answer(0, 3, contents=[]))


class AuditTests(unittest.TestCase):

    def test_large_answers_are_written_in_parts(self):
        db = ZODB.DB(DemoStorage())
        self.addCleanup(db.close)
        stored = StoredMirror(db, 'mirror', SOURCE)
        with mock.patch('zc.generationalset.mirror.mirrored.PAUSE', 100):
            stored.apply(answer(0, 2000, contents=[
                (number, number) for number in range(1999)]))
            stored.apply(answer(2000, 2001, contents=[
                (number, number) for number in range(0, 1999, 2)]))
        connection = db.open(transaction.TransactionManager())
        self.addCleanup(connection.close)
        mirror = connection.root()['mirror']
        self.assertEqual(check(mirror.mirrored), [])
        self.assertEqual(len(mirror), 1000)


logging.getLogger('zc.generationalset.mirror').addHandler(
    logging.NullHandler())
