"""Simulated days: a short one in each test run, longer ones with --all."""

import subprocess
import sys
import unittest
from dataclasses import replace
from unittest import mock

from zc.generationalset import answers
from zc.generationalset.answers import fits
from zc.generationalset.mirror import Points
from zc.generationalset.replica import memory
from zc.generationalset.sets import btrees, changes, zeo
from zc.generationalset.sources.zodb import ZODBSource
from zc.generationalset.tests.simulation.world import DAY, Plan, simulate
from zc.generationalset.tests.support.layers import Histories
from zc.generationalset.tests.support.serving import ENVIRONMENT

#: Some minutes with many faults.
SHORT = Plan(seed=0, hours=.1, clients=20, watchers=6)


class Simulated(unittest.TestCase):
    """Without differences, and with all that can happen."""

    layer = Histories

    def check(self, plan):
        report = simulate(plan)
        self.assertEqual(report.differences, [], report)
        counts = report.counts
        self.assertEqual(
            counts['commits found'], counts['commits acknowledged'])
        return counts


class ShortTests(Simulated):

    seeds = 1, 2, 3

    def test_some_minutes(self):
        for seed in self.seeds:
            with self.subTest(seed=seed):
                counts = self.check(replace(SHORT, seed=seed))
                for what in ('commits found', 'updates delivered',
                             'updates of mirrors', 'conflicts resolved',
                             'resets, epoch'):
                    self.assertGreater(counts[what], 0, what)


class RepetitionTests(unittest.TestCase):
    """A seed says all."""

    layer = Histories
    plan = replace(SHORT, hours=.05)

    def test_same_seed(self):
        trace = simulate(self.plan).trace
        self.assertEqual(trace, simulate(self.plan).trace)
        # Where sets have another order.
        other = subprocess.run(
            [sys.executable, '-c', TRACE.format(self.plan)],
            env={**ENVIRONMENT, 'PYTHONHASHSEED': '1'},
            text=True, capture_output=True, check=True, timeout=100)
        self.assertEqual(trace, other.stdout.strip())

    def test_other_seed(self):
        self.assertNotEqual(simulate(replace(self.plan, seed=1)).trace,
                            simulate(replace(self.plan, seed=2)).trace)


TRACE = '''\
from zc.generationalset.sources.zodb import ZODBSource
from zc.generationalset.tests.simulation.world import Plan, simulate
print(simulate({}).trace)
'''


class MutationTests(unittest.TestCase):
    """Defects that are put in on purpose are found."""

    layer = Histories
    level = 2
    seeds = range(40)

    def check(self, target, name, mutant, expected):
        with mock.patch.object(target, name, mutant):
            for seed in self.seeds:
                report = simulate(replace(SHORT, seed=seed))
                if report.differences:
                    self.assertRegex('\n'.join(report.differences), expected)
                    return
        self.fail('was not found')

    def test_a_set_that_forgets_that_it_forgot(self):
        forget = btrees.forget

        def forget_all(gset, floor):
            before = gset._floor
            forget(gset, floor)
            gset._floor = before
        self.check(btrees, 'forget', forget_all, 'differs')

    def test_a_replica_that_ignores_removals(self):
        update = memory._update

        def ignorant(items, updates, *arguments):
            update(items, updates._replace(removals=[]), *arguments)
        self.check(memory, '_update', ignorant, 'differs')

    def test_an_epoch_that_is_not_new(self):
        self.check(changes, 'new_epoch', lambda: 'old', 'two states|differs')

    def test_a_mirror_that_notes_a_wrong_generation(self):
        note = Points.note

        def wrong(self, generation, own):
            note(self, generation - 1, own)
        self.check(Points, 'note', wrong, 'differs')

    def test_a_replica_that_applies_late_answers(self):
        def careless(answer, position):
            return fits(answer, position) or (
                'reset' not in answer and answer['epoch'] == position.epoch
                and answer['since'] <= position.generation)
        self.check(answers, 'fits', careless, 'without reset')

    def test_a_commit_that_overtakes_another(self):
        def call(self, *arguments):
            return self._call(*arguments)
        self.check(zeo.Calls, '__call__', call, 'differs')

    def test_a_server_that_loses_writes(self):
        commit = ZODBSource._committed

        def lose(self, change):
            lose.count += 1
            if lose.count % 50:
                return commit(self, change)
            with self.snapshot() as snapshot:
                return change(snapshot._root)
        lose.count = 0
        self.check(ZODBSource, '_committed', lose, 'not found')


class LongTests(ShortTests):

    level = 2
    seeds = range(10, 60)


class HourTests(Simulated):

    level = 2

    def test_an_hour_of_a_day(self):
        self.check(replace(
            DAY, seed=1, hours=1, checks=1, clients=200, watchers=20,
            writers=50, faults=120, away=600, pause=120))
