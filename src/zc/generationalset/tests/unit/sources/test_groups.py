"""Changes that share a transaction of ZODB, and what may go wrong there."""

import unittest
from unittest import mock

import ZODB
from transaction.interfaces import TransientError
from ZODB.DemoStorage import DemoStorage
from ZODB.mvccadapter import MVCCAdapterInstance
from ZODB.POSException import ConflictError, POSKeyError, ReadConflictError

from zc.generationalset import GSet, check
from zc.generationalset.sources import (
    Contended,
    Unavailable,
    Uncertain,
    Write,
    attempts,
)
from zc.generationalset.sources.zodb import ZODBSource, groups
from zc.generationalset.tests.support.logs import Mute


def put(id, text=b'0'):
    return lambda editor: editor.put((id,), text)


class GroupTests(unittest.TestCase):

    def setUp(self):
        self.db = ZODB.DB(DemoStorage())
        self.addCleanup(self.db.close)
        with self.db.transaction() as connection:
            connection.root()['things'] = GSet()
        self.source = ZODBSource(self.db, lambda root, _: root['things'])
        self.commits = []
        end = self.source.listen(lambda: self.commits.append(1))
        self.addCleanup(end)
        self.sizes = self.watch()
        sleep = mock.patch.object(attempts.time, 'sleep')
        self.addCleanup(sleep.stop)
        sleep.start()

    def watch(self):
        """Return a list of the sizes of groups that are tried."""
        sizes = []
        made = groups.Groups._made

        def note(groups, root, group):
            sizes.append(len(group))
            return made(groups, root, group)

        patch = mock.patch.object(groups.Groups, '_made', note)
        self.addCleanup(patch.stop)
        patch.start()
        return sizes

    def tearDown(self):
        with self.db.transaction() as connection:
            self.assertEqual(check(connection.root()['things']), [])

    def write_all(self, *changes):
        outcomes = self.source.write_all([
            Write(None, change) for change in changes])
        return [outcome.result if outcome.error is None
                else type(outcome.error) for outcome in outcomes]

    def ids(self):
        with self.db.transaction() as connection:
            return set(connection.root()['things'].ids())

    def put_elsewhere(self, id):
        with self.db.transaction() as connection:
            things = connection.root()['things']
            things.add({'id': id}, id)

    def test_one_transaction(self):
        self.assertEqual(self.write_all(*map(put, 'abcde')), [True] * 5)
        self.assertEqual(len(self.commits), 1)

    def test_refusals_before_anything_is_written_cost_no_transaction(self):
        def refuse(editor):
            editor.item(('a',))
            raise ValueError

        self.assertEqual(self.write_all(
            put('a'), refuse, lambda editor: editor.remove(('x',)),
            lambda editor: editor.put(('x', 'y'), b'0'), put('b')),
            [True, ValueError, mock.ANY, mock.ANY, True])
        self.assertEqual((self.sizes, len(self.commits)), ([5], 1))

    def test_halfway(self):
        def halfway(editor):
            editor.put(('x',), b'0')
            raise ValueError

        self.assertEqual(
            self.write_all(put('a'), put('b'), halfway, put('c'), put('d')),
            [True, True, ValueError, True, True])
        self.assertEqual(self.ids(), set('abcd'))
        # Those before it are made again; it is tried as the first of the rest.
        self.assertEqual((self.sizes, len(self.commits)), ([5, 2, 3, 2], 2))

    def test_application_code_may_write_anything(self):
        def change(editor):
            editor.root._p_jar.root()['x'] = 1
            raise ValueError

        self.assertEqual(
            self.write_all(put('a'), change), [True, ValueError])
        with self.db.transaction() as connection:
            self.assertNotIn('x', connection.root())

    def test_what_can_not_be_committed(self):
        def poison(editor):
            calls.append(1)
            editor.root.add(lambda: None, 'x')
            return 'x'

        calls = []
        with Mute('txn'):
            outcomes = self.write_all(put('a'), poison, put('b'))
        self.assertEqual((outcomes[0], outcomes[2]), (True, True))
        self.assertIsInstance(outcomes[1], type)
        self.assertEqual(self.ids(), {'a', 'b'})
        self.assertEqual((len(calls), len(self.commits)), (2, 2))

    def test_what_can_not_be_read(self):
        def lost(editor):
            raise POSKeyError(b'x')

        self.assertEqual(
            self.write_all(put('a'), lost, put('b')),
            [True, POSKeyError, True])
        self.assertEqual(len(self.commits), 1)

    def test_a_conflict_with_others(self):
        def late(editor):
            if not self.ids():
                self.put_elsewhere('a')
            return editor.put(('a',), b'1')

        result = self.write_all(put('b'), late, put('c'))
        # After the conflict, it finds what others have written.
        self.assertEqual(result, [True, mock.ANY, True])
        self.assertEqual(self.ids(), {'a', 'b', 'c'})

    def test_a_conflict_halves_groups(self):
        tries = []

        def conflict(editor):
            tries.append(1)
            if len(tries) < 3:
                raise ConflictError
            return 'made'

        self.assertEqual(
            self.write_all(*map(put, 'abcd'), conflict, *map(put, 'efg')),
            [True] * 4 + ['made'] + [True] * 3)
        self.assertEqual(self.sizes, [8, 4, 4, 2, 2])
        self.assertEqual(len(self.commits), 3)

    def test_groups_grow_again(self):
        self.write_all(put('a'), put('b'), mock.Mock(
            side_effect=[ConflictError, ConflictError, 1]))
        del self.sizes[:]
        for _ in range(40):
            self.write_all(*[put(f'{number}') for number in range(100)])
        self.assertEqual(self.sizes[-1], 100 - groups.MOST)
        self.assertEqual(self.sizes[-2], groups.MOST)
        self.assertEqual(
            self.sizes[1] - self.sizes[0], groups.GROWTH)

    def test_a_conflict_without_end(self):
        tries = []

        def conflict(editor):
            tries.append(1)
            raise ConflictError

        self.assertEqual(
            self.write_all(put('a'), put('b'), conflict, put('c')),
            [True, True, Contended, True])
        self.assertGreaterEqual(len(tries), attempts.ATTEMPTS)
        self.assertEqual(self.ids(), set('abc'))

    def test_a_commit_of_which_nobody_knows(self):
        commit = MVCCAdapterInstance.tpc_finish

        def lose(self, *arguments):
            commit(self, *arguments)
            raise TransientError('away')

        with mock.patch.object(
                MVCCAdapterInstance, 'tpc_finish', lose), Mute('txn'):
            self.assertEqual(
                self.write_all(put('a'), put('b')), [Uncertain] * 2)
        self.assertEqual(self.ids(), {'a', 'b'})
        self.assertEqual(len(self.commits), 1)

    def test_a_database_that_is_away(self):
        with mock.patch.object(
                self.source._commits, 'catch_up',
                side_effect=ReadConflictError) as catch_up:
            self.assertEqual(
                self.write_all(*map(put, 'abc')), [Unavailable] * 3)
        catch_up.assert_called_once_with()
        self.assertEqual(self.ids(), set())
