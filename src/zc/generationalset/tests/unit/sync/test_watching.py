"""Runs that begin when stores have changed."""

import itertools
import threading
import unittest
from unittest import mock

from zc.generationalset.sync import Hub, Synchronizer, reading, watching
from zc.generationalset.tests.support.serving import wait
from zc.generationalset.tests.support.synchronizing import Synchronizing


class WatchTests(Synchronizing, unittest.TestCase):

    def setUp(self):
        super().setUp()
        self.enter(mock.patch.multiple(watching, PULSE=0.001, PATIENCE=0.002))
        self.filled(1)
        self.reports = self.sync.watch(interval=3600)

    def enter(self, context):
        context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)

    def tell(self, number=0):
        """Let a store tell of changes."""
        self.stores[number].fingerprint = lambda: str(
            self.issues[number].changed)

    def next(self):
        """Return the report of the next run that finds something."""
        for report in self.reports:
            if report.steps or report.code:
                return report
        raise AssertionError('it has ended')

    def test_a_change(self):
        self.tell()
        self.assertEqual(next(self.reports).steps, [])
        self.edit(0, 'i0', state='done')
        report = self.next()
        self.assertEqual(
            list(map(str, report.steps)),
            ['B ~ issue i0 state: open → done (from A)'])

    def test_what_a_run_writes_begins_one_more(self):
        self.tell()
        self.edit(1, 'i0', state='done')
        self.assertEqual(len(next(self.reports).steps), 1)
        self.assertEqual(next(self.reports).steps, [])

    def test_intervals(self):
        self.reports = self.sync.watch(interval=0.01)
        next(self.reports)
        self.edit(0, 'i0', state='done')
        self.assertEqual(len(self.next().steps), 1)

    def test_a_decision(self):
        self.edit(0, 'i0', state='one')
        self.edit(1, 'i0', state='two')
        [conflict] = next(self.reports).conflicts
        self.sync.resolve_as(conflict, 'A')
        self.assertEqual(len(self.next().steps), 1)
        self.assertEqual(self.contents(1)['i0']['state'], 'one')

    def test_a_store_that_is_back(self):
        self.edit(0, 'i0', state='done')
        self.stores[1].is_up = False
        for _ in range(3):
            self.assertEqual(list(next(self.reports).unavailable), ['B'])
        self.stores[1].is_up = True
        self.assertEqual(len(next(self.reports).steps), 1)

    def test_a_store_that_is_away_is_asked_less_and_less(self):
        self.stores[1].is_up = False
        slept = []
        with mock.patch.object(watching, 'time') as time:
            time.monotonic = lambda: sum(slept)
            time.sleep = slept.append
            counts = []
            for _ in range(6):
                next(self.reports)
                counts.append(len(slept))
        rests = [after - before
                 for before, after in itertools.pairwise(counts)]
        self.assertEqual(rests, [2, 4, 8, 16, 32])

    def test_another_runner(self):
        other = Hub(self.db).session(lambda: self.now, False)
        self.addCleanup(other.close)
        other.check_or_take()
        self.assertRegex(str(next(self.reports).problems), 'another runner')
        other.release()
        self.edit(0, 'i0', state='done')
        self.assertEqual(len(self.next().steps), 1)

    def test_a_fingerprint_that_fails(self):
        self.tell()
        next(self.reports)
        self.stores[0].fingerprint = mock.Mock(side_effect=OSError)
        self.edit(0, 'i0', state='done')
        self.assertEqual(len(self.next().steps), 1)


class StopTests(Synchronizing, unittest.TestCase):

    def test_while_it_waits(self):
        reports = []
        thread = threading.Thread(
            target=lambda: reports.extend(self.sync.watch(3600)))
        thread.start()
        wait(lambda: self.issues[0].calls)
        self.sync.stop()
        thread.join(90)
        self.assertFalse(thread.is_alive())
        self.assertEqual(len(reports), 1)
        self.assertEqual(self.sync.run().problems, [
            'stopped; the next run goes on'])

    def test_in_the_middle_of_a_run(self):
        """It may end after any call; the next run adds nothing twice."""
        for number in range(30):
            self.add(0, f'i{number}')
        stops = 0
        for calls in range(1, 60, 7):
            left = iter(range(calls))

            def meanwhile(left=left):
                if next(left, None) is None:
                    self.sync.stop()

            self.fate.meanwhile = meanwhile
            stops += self.sync.run().problems == [
                'stopped; the next run goes on']
            self.fate.meanwhile = lambda: None
            self.restart(self.types)  # nobody waits for a lease
            self.assertEqual(self.sync.plan().problems, [])
        self.assertGreater(stops, 3)
        self.settle()
        self.assertEqual(len(self.contents(1)), 30)

    def test_while_a_store_is_busy(self):
        synchronizer = Synchronizer(Hub(self.db), [], [])
        synchronizer.stop()
        synchronizer.sleep(3600)


class ProgressTests(Synchronizing, unittest.TestCase):

    def test_how_far_it_is(self):
        told = []
        self.sync.tell = told.append
        with mock.patch.object(reading, 'BATCH', 10):
            self.filled(25)
            for number in range(25, 35):
                self.add(0, f'i{number}')
            del told[:]
            self.sync.run()
        self.assertEqual(told[:4], [
            'reading A/issue: 10 of 25', 'reading A/issue: 20 of 25',
            'reading A/issue: 30', 'reading B/issue: 10 of 25'])
        self.assertIn('10 steps done', told)
