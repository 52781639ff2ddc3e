"""Stores that store what was done when a batch of calls ends."""

import json
import unittest
from unittest import mock

from zc.generationalset.sync import (
    Data,
    Gone,
    LeaseLost,
    Store,
    Type,
    Unavailable,
)
from zc.generationalset.sync.stores import files
from zc.generationalset.sync.stores.file import FileStore
from zc.generationalset.tests.support.fake_stores import Traits
from zc.generationalset.tests.support.stored import InFolder
from zc.generationalset.tests.support.synchronizing import Synchronizing

ALONE = Traits(batches=True)
GOOD = Traits(batches=True, repeatable=True, conditional=True, tokens='good')


class BatchTests(Synchronizing, unittest.TestCase):

    def test_killed(self):
        for traits in ALONE, GOOD:
            for calls in range(200):
                self.setUp()
                self.make(Traits(), traits)
                self.filled(2)
                for number in range(3):
                    self.add(0, f'n{number}')
                self.edit(0, 'i0', state='done')
                self.remove(0, 'i1')
                if not self.run_killed(calls):
                    break
                self.settle()
                self.assertEqual(sorted(self.contents(1)),
                                 ['i0', 'n0', 'n1', 'n2'])
                self.assertEqual(self.contents(1), self.contents(0))
            else:
                self.fail('the run has no end')

    def test_a_batch_that_can_not_be_stored(self):
        for traits in ALONE, GOOD:
            self.setUp()
            self.make(Traits(), traits, Traits())
            self.filled(1)
            self.add(0, 'new')
            self.edit(0, 'i0', state='done')
            self.stores[1].writes_batches = mock.Mock(
                side_effect=OSError('the disk is full'))
            report = self.sync.run()
            self.assertEqual(report.unavailable, {'B': 'the disk is full'})
            self.assertEqual({step.store for step in report.steps}, {'C'})
            self.assertEqual(self.contents(1), {'i0': {'state': 'open'}})
            self.stores[1].writes_batches = lambda: None
            self.settle()
            self.assertEqual(self.contents(1), self.contents(0))
            self.assertEqual(sorted(self.contents(1)), ['i0', 'new'])

    def test_a_runner_that_was_too_slow_stores_nothing(self):
        self.make(Traits(), ALONE)
        self.filled(1)
        self.add(0, 'new')
        add = self.issues[1].add

        def slow(*arguments):
            self.now += 61
            return add(*arguments)

        self.issues[1].add = slow
        self.stores[1].writes_batches = mock.Mock()
        self.assertRaises(LeaseLost, self.sync.run)
        self.stores[1].writes_batches.assert_not_called()
        self.issues[1].add = add
        self.settle()
        self.assertEqual(sorted(self.contents(1)), ['i0', 'new'])

    def test_sizes(self):
        self.filled(0)
        for number in range(7):
            self.add(0, f'i{number}')
        sizes = []
        with mock.patch.object(Store, 'batch_size', 3), mock.patch.object(
                self.stores[1], 'batch', lambda: Counted(
                    self.issues[1], sizes)):
            self.sync.run()
        self.assertEqual([size for size in sizes if size], [3, 3, 1])


class Counted:
    """A context that notes how many items were added in it."""

    def __init__(self, issues, sizes):
        self.issues, self.sizes = issues, sizes

    def __enter__(self):
        self.before = len(self.issues.items)

    def __exit__(self, *error):
        self.sizes.append(len(self.issues.items) - self.before)


class FileTests(InFolder, unittest.TestCase):

    def setUp(self):
        super().setUp()
        self.file = self.path / 'x.jsonl'
        self.file.write_text('{"id": "1", "title": "old"}\n')
        self.store = FileStore('x', self.file, Type(
            'issue', {'title': 'str'}, ['title']))
        self.issues = self.store.accessors['issue']

    def add(self, number):
        return self.issues.add(
            Data('issue', None, {'title': f'{number}'}), f'key-{number}')

    def titles(self):
        return [json.loads(line)['title']
                for line in self.file.read_text().splitlines()]

    def test_one_write(self):
        with mock.patch.object(
                files, 'replace', side_effect=files.replace) as replace:
            with self.store.batch():
                for number in range(100):
                    self.add(number)
                self.assertEqual(self.add(7).id, 'key-7')
                self.issues.update('1', {'title': 'new'}, None)
                self.assertEqual(self.issues.get('1').fields['title'], 'new')
                self.issues.remove('key-0', None)
                self.assertRaises(Gone, self.issues.get, 'key-0')
                self.assertEqual(self.titles(), ['old'])
            self.assertEqual(replace.call_count, 1)
        self.assertEqual(self.titles(), [
            'new', *(str(number) for number in range(1, 100))])
        self.add(100)
        self.assertEqual(len(self.titles()), 101)

    def test_what_could_not_be_read_again(self):
        with mock.patch.object(files, 'LONGEST', 50), \
                self.assertRaisesRegex(Unavailable, 'more than 50 bytes'):
            self.add('x' * 50)
        self.assertEqual(self.titles(), ['old'])

    def test_nothing_to_write(self):
        with mock.patch.object(files, 'replace') as replace:
            with self.store.batch():
                self.issues.get('1')
            with self.store.batch():
                pass
        replace.assert_not_called()

    def test_exceptions(self):
        with self.assertRaises(KeyError), self.store.batch():
            self.add(1)
            raise KeyError
        self.assertEqual(self.titles(), ['old'])
        self.assertEqual(self.issues.count(), 1)

    def test_changes_of_others(self):
        with self.assertRaisesRegex(Unavailable, 'changed meanwhile'), \
                self.store.batch():
            self.add(1)
            self.file.write_text('{"id": "1", "title": "theirs"}\n')
        self.assertEqual(self.titles(), ['theirs'])
        self.add(1)
        self.assertEqual(self.titles(), ['theirs', '1'])
