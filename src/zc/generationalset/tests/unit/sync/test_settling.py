"""Stores that show old states for a while."""

import itertools
import unittest

from zc.generationalset.sync import Type
from zc.generationalset.sync.stores.memory import MemoryStore
from zc.generationalset.sync.testing import StoreTests
from zc.generationalset.tests.support.fake_stores import FakeStore, Traits
from zc.generationalset.tests.support.lagging_stores import LAG, LaggingStore
from zc.generationalset.tests.support.synchronizing import Synchronizing


class Silent(MemoryStore):
    """It settles, and doesn't answer updates."""

    settles = 1.0

    def __init__(self):
        super().__init__('silent', ['issue'])
        accessor = self.accessors['issue']
        update = accessor.update
        accessor.update = lambda *change: update(*change) and None


class StoreTestsTests(unittest.TestCase):

    def test_a_store_that_settles_answers(self):
        class Trial(StoreTests, unittest.TestCase):
            type = Type('issue', {'title': 'str', 'state': 'str'}, ['title'])
            make_store = staticmethod(Silent)

        result = unittest.TestResult()
        unittest.defaultTestLoader.loadTestsFromTestCase(Trial).run(result)
        [(_, text)] = result.failures
        self.assertIn('a store that settles answers', text)
        self.assertEqual(result.errors, [])


class SettlingTests(Synchronizing, unittest.TestCase):

    def make(self, *traits):
        names = [type.name for type in self.types]
        self.stores = [
            LaggingStore('A', names, self.fate, traits[0], lambda: self.now),
            FakeStore('B', names, self.fate, traits[1])]
        self.restart(self.types)
        self.filled(3)

    def settle(self):
        self.now += LAG
        report = self.sync.run()
        self.now += LAG
        again = self.sync.run()
        self.assertEqual((again.code, again.steps), (0, []), again)
        return report

    def runs(self, count=7):
        """Run, again and again, while the store shows this and that."""
        steps = [step for _ in range(count)
                 for step in self.sync.run().steps]
        return list(map(str, steps))

    def test_what_was_written_is_not_undone(self):
        self.edit(1, 'i0', state='done')
        self.remove(1, 'i1')
        self.add(1, 'new')
        self.assertEqual(self.runs(), [
            'A + issue new',
            'A ~ issue i0 state: open → done (from B)',
            'A - issue i1 (from B)'])
        self.settle()
        self.assert_contents({
            'i0': {'state': 'done'}, 'i2': {'state': 'open'}, 'new': {}})

    def test_what_was_seen_is_not_undone(self):
        self.edit(0, 'i0', state='done')
        self.remove(0, 'i1')
        self.add(0, 'new')
        for _ in range(10):
            self.sync.run()
            self.now += 1
        self.now += LAG
        self.settle()
        self.assert_contents({
            'i0': {'state': 'done'}, 'i2': {'state': 'open'}, 'new': {}})
        self.assertEqual(len(self.issues[1].changed), 4)

    def test_what_waits_is_told(self):
        self.edit(1, 'i0', state='done')
        self.sync.run()
        self.edit(1, 'i0', state='again')
        report = self.sync.run()
        self.assertEqual((report.steps, report.waiting), ([], 1))
        self.settle()
        self.assertEqual(self.contents()['i0'], {'state': 'again'})

    def test_an_item_that_is_read_again_before_it_is_written(self):
        """What is older than its listing isn't taken for an edit."""
        self.issues[0].lags = itertools.chain([0], itertools.repeat(LAG))
        self.edit(0, 'i0', state='done')
        self.edit(1, 'i0', labels=frozenset('x'))
        self.assertEqual(self.runs(2), [
            'B ~ issue i0 state: open → done (from A)'])
        self.settle()
        self.settle()
        for contents in map(self.contents, range(2)):
            self.assertEqual(contents['i0'], {
                'state': 'done', 'labels': frozenset('x')})

    def test_a_version_that_is_newer_than_what_is_listed(self):
        """Another copy has told it."""
        self.issues[0].traits = Traits(versions=True)
        self.sync.run()
        self.issues[0].lags = itertools.repeat(LAG)
        self.edit(0, 'i0', state='done')
        self.sync.run()
        self.settle()
        self.assertEqual(self.contents(1)['i0'], {'state': 'done'})

    def test_a_crash(self):
        """What was added is there before it is looked for."""
        for calls in range(12):
            self.setUp()
            self.sync.hub.is_exclusive = True  # nobody waits for a lease
            self.add(1, 'x')
            self.edit(1, 'i0', state='done')
            before = self.now
            self.run_killed(calls)
            self.now = before
            self.issues[0].lags = itertools.repeat(LAG)
            self.runs(3)
            self.now += 61
            self.settle()
            self.settle()
            self.assert_contents({
                'i0': {'state': 'done'}, 'i1': {'state': 'open'},
                'i2': {'state': 'open'}, 'x': {}})
