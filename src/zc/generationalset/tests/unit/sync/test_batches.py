"""Runs that commit after each item, or few; and are killed there."""

import unittest
from unittest import mock

from zc.generationalset.sync import Refused, hub, matching, report
from zc.generationalset.tests.support.fake_stores import Traits
from zc.generationalset.tests.support.properties import THOROUGH
from zc.generationalset.tests.support.synchronizing import (
    Synchronizing,
    batches_of,
    mortal_commits,
)


class BatchTests(Synchronizing, unittest.TestCase):

    def setUp(self):
        super().setUp()
        small = batches_of(1)
        small.__enter__()
        self.addCleanup(small.__exit__, None, None, None)

    def each_kill(self, prepare):
        """Yield after a run was killed, anew for calls and commits."""
        for calls in range(0, 200, 1 if THOROUGH else 7):
            self.setUp()
            prepare()
            with mortal_commits(self.fate):
                was_killed = self.run_killed(calls)
            yield
            if not was_killed:
                return
        self.fail('it went on and on')

    def test_the_first_run(self):
        def prepare():
            for name in 'abc':
                self.add(0, name, state='open')
            for name in 'bcd':
                self.add(1, name, state='open')

        for _ in self.each_kill(prepare):
            self.settle()
            self.assert_contents({name: {'state': 'open'} for name in 'abcd'})

    def test_another_store_of_the_same_name(self):
        def prepare():
            self.filled(4)
            self.stores[0].number += 1
            self.issues[0].items.clear()

        for _ in self.each_kill(prepare):
            self.settle()
            self.assertEqual(len(self.contents(0)), 4)
            self.assertEqual(len(self.contents(1)), 4)

    def test_another_store_comes(self):
        def prepare():
            self.make(Traits(), Traits(), Traits())
            stores = self.stores
            self.stores = stores[:2]
            self.restart(self.types)
            self.filled(4)
            self.stores = stores
            self.restart(self.types)

        for _ in self.each_kill(prepare):
            self.settle()
            self.assertEqual(len(self.contents(2)), 4)

    def test_removals(self):
        def prepare():
            self.filled(5)
            for name in 'i1', 'i3':
                self.remove(0, name)

        for _ in self.each_kill(prepare):
            self.settle()
            self.assertEqual(set(self.contents(1)), {'i0', 'i2', 'i4'})

    def test_removals_come_last(self):
        self.filled(3)
        self.remove(0, 'i0')
        self.edit(0, 'i1', state='done')
        self.add(0, 'new')
        self.issues[1].calls.clear()
        self.settle()
        self.assertEqual(
            [name for name, *_ in self.issues[1].calls
             if name in ('add', 'update', 'remove')],
            ['update', 'add', 'remove'])

    def test_what_is_refused_is_tried_after_all_removals(self):
        self.filled(3)
        self.remove(0, 'i2')
        self.add(0, 'new')

        def refused(data):
            if len(self.issues[1].items) > 2:
                raise Refused('full')

        self.issues[1].refused = refused
        self.settle()
        self.assertEqual(set(self.contents(1)), {'i0', 'i1', 'new'})

    def test_parents_that_come_later(self):
        people = self.people[0]
        chief = people.person_adds(name='chief')
        boss = people.person_adds(name='boss', boss=chief)
        people.person_edits(chief)
        people.person_adds(name='clerk', boss=boss)
        people.items = dict(reversed(people.items.items()))
        self.settle()
        calls = [(name, *rest) for name, *rest in self.people[1].calls
                 if name in ('add', 'update')]
        self.assertEqual([(name, data.fields['name'])
                          for name, data in calls],
                         [('add', 'chief'), ('add', 'boss'),
                          ('add', 'clerk')])

    def test_children_are_removed_first(self):
        people = self.people[0]
        chief = people.person_adds(name='chief')
        clerk = people.person_adds(name='clerk', boss=chief)
        self.settle()
        ids = self.people[1].by_name()
        for id in chief, clerk:
            people.person_removes(id)
        self.settle()
        self.assertEqual(
            [id for name, id, *_ in (
                call for call in self.people[1].calls if len(call) > 1)
             if name == 'remove'], [ids['clerk'], ids['chief']])

    def test_a_plan(self):
        def lines():
            return sorted(map(str, self.sync.plan().steps))

        self.filled(4)
        for name in 'i1', 'i2':
            self.edit(0, name, state='done')
        self.remove(1, 'i3')
        self.add(1, 'new')
        planned, last = lines(), self.db.lastTransaction()
        self.assertEqual(len(planned), 4)
        with batches_of(1000):
            self.assertEqual(lines(), planned)
        self.assertEqual(self.db.lastTransaction(), last)
        self.assertEqual(
            sorted(map(str, self.sync.run().steps)), planned)

    def test_names_of_the_same_hash(self):
        for name in 'a', 'b', 'b':
            self.add(0, name)
        with mock.patch.object(matching, 'hash', lambda text: 0, create=True):
            report = self.sync.run()
        self.assertEqual(len(report.held), 2)
        self.assertEqual(set(self.contents(1)), {'a'})

    def most_objects(self, count):
        """Return how many of the hub's objects a first run, and one without
        changes, have in memory at most."""
        self.setUp()
        for number in range(count):
            self.add(0, f'i{number:03}', state='open')
        most, commit = [0], hub.Session.commit

        def counted(session, *items):
            cache = session._connection._cache
            most.append(cache.cache_non_ghost_count)
            commit(session, *items)

        with mock.patch.object(hub.Session, 'commit', counted), \
                batches_of(10):
            self.assertEqual(self.sync.run().count, count)
            self.sync.run()
        return max(most)

    def test_objects_leave_the_memory(self):
        few, many = self.most_objects(30), self.most_objects(90)
        self.assertLess(many, few + 20)

    def test_one_commit_for_each_batch(self):
        """It has the outcomes of the last batch, and the intents of the
        next one."""
        size = self.stores[1].batch_size
        few, many = self.commits(size), self.commits(4 * size)
        self.assertEqual(many - few, 3)

    def commits(self, count):
        """Return how many transactions a first run takes."""
        self.setUp()
        for number in range(count):
            self.add(0, f'i{number:03}')
        with batches_of(1000), mock.patch.object(
                hub.Session, '_commit', autospec=True,
                side_effect=hub.Session._commit) as commit:
            self.assertEqual(self.sync.run().count, count)
        return commit.call_count

    def test_a_report_of_many_steps(self):
        for number in range(5):
            self.add(0, f'i{number}')
        with mock.patch.object(report, 'KEPT', 3):
            done = self.sync.run()
        self.assertEqual((len(done.steps), done.count), (3, 5))
