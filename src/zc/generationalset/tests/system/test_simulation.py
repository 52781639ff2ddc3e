"""Simulated days: a short one in each test run, longer ones with --all."""

import asyncio
import subprocess
import sys
import unittest
from collections import Counter
from dataclasses import replace
from unittest import mock

import httpx

from zc.generationalset import answers
from zc.generationalset.answers import fits
from zc.generationalset.mirror import Points
from zc.generationalset.replica import memory
from zc.generationalset.sets import btrees, changes, zeo
from zc.generationalset.sources.zodb import ZODBSource, transactions
from zc.generationalset.tests.simulation.history import GONE
from zc.generationalset.tests.simulation.hosts import Host
from zc.generationalset.tests.simulation.ledger import Ledger
from zc.generationalset.tests.simulation.network import Exchange
from zc.generationalset.tests.simulation.report import Report
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

    seeds = 4, 6, 8

    def test_some_minutes(self):
        counts = Counter()
        for seed in self.seeds:
            with self.subTest(seed=seed):
                counts.update(self.check(replace(SHORT, seed=seed)))
        # No database is put back, and no epoch renewed, on some days.
        for what in ('commits found', 'updates delivered',
                     'updates of mirrors', 'conflicts resolved',
                     'resets, epoch', 'groups that were killed',
                     'answers of caches'):
            self.assertGreater(counts[what], 0, what)


class LedgerTests(unittest.TestCase):
    """Which acknowledged writes must have been in the set."""

    layer = Histories

    def found(self, *rivals):
        report = Report(0)
        ledger = Ledger(mock.Mock(state={}, **{'had.return_value': False}),
                        report)
        write = ledger.begin({('set', 'a'): b'1'})
        for rival in rivals:
            ledger.begin(rival)
        ledger.acknowledge(write)
        return not report.differences

    def test_a_write_and_the_removal_of_its_set_in_one_transaction(self):
        self.assertTrue(self.found({('set',): GONE}))

    def test_a_write_that_nobody_has_seen(self):
        self.assertFalse(self.found())
        self.assertFalse(self.found({('other',): GONE}, {('set', 'b'): b'1'}))


class HostTests(unittest.TestCase):

    layer = Histories

    def test_a_host_is_killed_just_when_a_request_arrives(self):
        async def run():
            host = Host(mock.Mock(), 'host')
            host.app, host.db = mock.AsyncMock(), mock.Mock()
            request = httpx.Request(
                'GET', 'http://host', extensions={'timeout': {'read': 1}})
            exchange = Exchange(host, None, request, b'', None)
            await host.stop(is_kind=False)
            with self.assertRaisesRegex(httpx.ReadError, 'reset'):
                await exchange.head()
            self.assertEqual(host.exchanges, {})

        asyncio.run(run())


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
            text=True, capture_output=True, check=True, timeout=900)
        self.assertEqual(trace, other.stdout.strip())

    def test_other_seed(self):
        self.assertNotEqual(simulate(replace(self.plan, seed=1)).trace,
                            simulate(replace(self.plan, seed=2)).trace)


TRACE = '''\
from zc.generationalset.sources.zodb import ZODBSource
from zc.generationalset.tests.simulation.hosts import Host
from zc.generationalset.tests.simulation.network import Exchange
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
        update = memory.update

        def ignorant(items, updates, *arguments):
            update(items, updates._replace(removals=[]), *arguments)
        self.check(memory, 'update', ignorant, 'differs')

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

    def test_a_replica_that_ignores_epochs(self):
        """A cache has answers from before a backup was restored."""
        def careless(answer, position):
            if position.generation and 'reset' not in answer:
                position = position._replace(epoch=answer['epoch'])
            return fits(answer, position)
        self.check(answers, 'fits', careless, 'without reset')

    def test_a_replica_that_takes_answers_to_other_questions(self):
        self.check(answers, 'is_to', lambda answer, position: True,
                   'another question')

    def test_a_commit_that_overtakes_another(self):
        def call(self, *arguments):
            return self._call(*arguments)
        self.check(zeo.Calls, '__call__', call, 'differs')

    def test_a_server_that_loses_writes(self):
        once = transactions.Transactions.once

        def lose(self, job):
            lose.count += 1
            if lose.count % 50:
                return once(self, job)
            with mock.patch.object(transactions, '_commit'):
                return once(self, job)
        lose.count = 0
        self.check(transactions.Transactions, 'once', lose, 'not found')

    def test_a_group_that_loses_its_last_write(self):
        write_all = ZODBSource.write_all

        def lose(self, writes):
            outcomes = write_all(self, writes[:-1] or writes)
            return [*outcomes, outcomes[-1]][:len(writes)]
        self.check(ZODBSource, 'write_all', lose, 'not found')


class LongTests(ShortTests):

    level = 2
    seeds = range(10, 60)


class HourTests(Simulated):

    level = 2

    def test_an_hour_of_a_day(self):
        self.check(replace(
            DAY, seed=1, hours=1, checks=1, clients=200, watchers=20,
            writers=50, faults=120, away=600, pause=120))
