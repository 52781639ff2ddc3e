"""``check`` finds what is broken, and the command reports it."""

import contextlib
import datetime
import importlib
import io
import os
import pickle
import runpy
import shutil
import sys
import unittest
import uuid
from decimal import Decimal
from pathlib import Path
from unittest import mock

import transaction
import ZEO
import ZODB
from BTrees.OOBTree import OOBTree
from persistent.mapping import PersistentMapping
from ZODB.utils import p64
from zope.testing import setupstack

from zc.generationalset import GSet, check
from zc.generationalset.__main__ import main
from zc.generationalset.sets import btrees
from zc.generationalset.tests.support.layers import Processes
from zc.generationalset.tests.support.places import DATA
from zc.generationalset.tests.support.things import Plain, Thing


class Shop(GSet):
    """A set of an application's own class."""


class Trap:
    """Calls a function when it is loaded."""

    def __init__(self, module, name, *arguments):
        self.call = getattr(importlib.import_module(module), name), arguments

    def __reduce__(self):
        return self.call


class CheckTests(unittest.TestCase):

    def setUp(self):
        self.root = GSet()
        for id in 'abc':
            self.root.add(Thing(id))
        self.root.remove(Thing('c'))
        self.sub = GSet('sub')
        self.root.add(self.sub)
        self.sub.add(Thing('x'))
        self.sub.add(GSet('deep'))
        self.assertEqual(check(self.root), [])
        self.generations = self.root.generations

    def broken(self, *expected, gset=None):
        self.assertEqual(check(gset or self.root), list(expected))

    def test_index_without_object(self):
        del self.root.contents[self.generations['a']]
        self.broken("the set: 'a' has 2, where nothing is",
                    'the set: _length is 3, not 2')

    def test_object_without_index(self):
        self.root.contents[1] = Thing('d')
        self.broken('the set: contents has 1, which no id has',
                    'the set: _length is 3, not 4')

    def test_removal_without_index(self):
        self.root.removals[6] = 'd'
        self.broken('the set: removals has 6, which no id has',
                    'the set: _removed is 1, not 2')

    def test_removal_of_another_id(self):
        self.root.removals[5] = 'd'
        self.broken("the set: the removal at 5 is of 'd', not of 'c'")

    def test_object_and_removal(self):
        self.root.removals[2] = 'a'
        self.broken('the set: generation 2 is an object and a removal',
                    'the set: _removed is 1, not 2')

    def test_two_ids_at_one_generation(self):
        self.generations['b'] = 2
        self.broken("the set: 'b' and 'a' both have 2",
                    'the set: contents has 3, which no id has')

    def test_beyond_the_tree(self):
        self.root._journal.start = 7
        self.broken('the set: has 8, but the tree is at 7',
                    'sub: has 8, but the tree is at 7',
                    'sub/deep: joined at 8, which is yet to come')

    def test_floor(self):
        self.root._floor = 5
        self.broken('the set: the floor is 5, but the removal at 5 is not '
                    'forgotten')
        self.root._floor = 50
        self.broken('the set: the floor is 50, but the tree is at 8',
                    'the set: the floor is 50, but the removal at 5 is not '
                    'forgotten')

    def test_maximum_removals(self):
        self.root.__dict__['maximum_removals'] = None
        self.broken('the set: maximum_removals is None')

    def test_epoch(self):
        self.root._epoch = None
        self.broken('the tree has no epoch')

    def test_parents(self):
        self.sub.parent = None
        self.broken('sub: its parent is None, not its superset')

    def test_circle_of_parents(self):
        self.root.parent = self.sub
        self.assertIn('the supersets go in a circle', check(self.root))

    def test_id(self):
        self.sub.id = 'other'
        self.broken("sub: its id is 'other'",
                    'sub: has not joined its superset')

    def test_twice(self):
        self.root.contents[1] = self.sub
        self.generations['sub2'] = 1
        self.root._length += 1
        self.broken("sub2: its id is 'sub'", 'sub2: is in the tree twice')

    def test_journal_of_a_subset(self):
        self.sub._epoch = 'x'
        self.broken('sub: has a journal or an epoch, as only a root has')

    def test_not_joined(self):
        self.sub._born = None
        self.broken('sub: has not joined its superset')

    def test_records(self):
        journal = self.root._journal
        journal.records = ((('sub',), 'x', 1, 7, Plain('x')),
                           (('none',), 'x', 1, 0, Plain('x')),
                           ((), 'z', -1, 0, 99),
                           ((), 'new', 1, 5, GSet('new')))
        self.broken(
            "journal: at 9, (('sub',), 'x', 1, 7): the id was there before",
            "journal: at 10, (('none',), 'x', 1, 0): there is no such set",
            "journal: at 11, ((), 'z', -1, 0): the id was not there before",
            "journal: at 12, ((), 'new', 1, 5): a subset is in the journal",
            "journal: at 12, ((), 'new', 1, 5): the previous change was at 0, "
            "not 5")
        journal.records = (((), 'a', -1, 2, 99), ((), 'a', 1, 9, Plain('a')),
                           ((), 'a', 0, 10, Plain('a')))
        self.broken()
        journal.fixed = 12
        self.broken('journal: 12 was handed out, and is lost')

    def test_record_whose_previous_removal_is_forgotten(self):
        self.root._journal.records = (((), 'c', 1, 5, Plain('c')),)
        self.broken()
        btrees.forget(self.root, 5)
        self.broken()

    def test_backlog(self):
        journal = self.root._journal
        journal.records = (((), 'n', 1, 0, Plain('n')),)
        journal._move(self.root, journal.generation)
        self.broken()
        journal.start += 1
        self.broken('journal: starts at 10, its backlog ends at 9')

    def test_b_tree(self):
        with mock.patch('zc.generationalset.sets.audit.check_btree',
                        side_effect=AssertionError('bad')):
            self.broken(*(f'{path}: {name}: the B-tree is damaged: bad'
                          for path in ('the set', 'sub', 'sub/deep')
                          for name in ('contents', 'generations', 'removals')))

    def test_any_set_of_the_tree(self):
        self.sub._epoch = 'x'
        self.assertEqual(check(self.sub['deep']), check(self.root))

    def test_progress(self):
        gset = GSet()
        for number in range(25000):
            gset.add(Plain(number))
        counts = []
        self.assertEqual(check(gset, counts.append), [])
        self.assertEqual(counts, [10000, 20000])

    def test_missing_objects(self):
        db = ZODB.DB(None)
        self.addCleanup(db.close)
        connection = db.open()
        self.addCleanup(transaction.abort)
        connection.root.gset = self.root
        transaction.commit()
        oid = self.sub.contents._p_oid
        connection.cacheMinimize()
        del db.storage._data[oid]
        self.broken(f'sub: an object is missing in the database, 0x'
                    f'{int.from_bytes(oid, "big"):02x}')
        self.assertEqual(p64(int.from_bytes(oid, 'big')), oid)


class CommandTests(unittest.TestCase):

    layer = Processes

    def setUp(self):
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)
        db = ZODB.DB('data.fs')
        with db.transaction() as connection:
            root = connection.root()
            root['users'] = GSet()
            root['users'].add(Plain('a'))
            root['app'] = PersistentMapping(sets=OOBTree({'broken': GSet()}))
            broken = root['app']['sets']['broken']
            broken.add(Plain('a'))
            broken._length = 5
            root['app'].attribute = GSet()
        db.close()

    def run_command(self, *arguments, terminal=False):
        """Return the exit code, and what was written."""
        out, err = io.StringIO(), io.StringIO()
        err.isatty = lambda: terminal
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = main(list(arguments))
            except SystemExit as exit:
                code = exit.code
        return code, out.getvalue(), err.getvalue()

    def test_well(self):
        size = Path('data.fs').stat().st_size
        self.assertEqual(self.run_command('check', 'data.fs'),
                         (0, 'users: well, 1 items\n', ''))
        self.assertEqual(Path('data.fs').stat().st_size, size)

    def test_uris(self):
        path = os.path.abspath('data.fs')
        self.assertEqual(self.run_command('check', f'file://{path}?demo=1'),
                         (0, 'users: well, 1 items\n', ''))
        self.refused('.* no file /no.fs', 'file:///no.fs')
        (host, port), stop = ZEO.server('data.fs', threaded=False)
        try:
            self.assertEqual(self.run_command('check', f'zeo://{host}:{port}'),
                             (0, 'users: well, 1 items\n', ''))
        finally:
            stop()
        self.refused("can not open postgresql://ann:\\*\\*\\*@localhost:1.*",
                     'postgresql://ann:secret@localhost:1')

    def test_broken(self):
        for path in 'app/sets/broken', '/app/sets/broken/':
            self.assertEqual(
                self.run_command('check', 'data.fs', path),
                (1, f'{path}: the set: _length is 5, not 1\n', ''))

    def test_attribute(self):
        self.assertEqual(
            self.run_command('check', 'data.fs', 'app/attribute')[0], 0)

    def test_progress(self):
        with mock.patch('zc.generationalset.commands.check.check',
                        side_effect=lambda gset, progress:
                        progress(10000) or []):
            code, out, err = self.run_command(
                'check', 'data.fs', terminal=True)
        self.assertEqual((code, out), (0, 'users: well, 1 items\n'))
        self.assertIn('10,000 entries', err)

    def refused(self, why, *arguments):
        code, out, err = self.run_command('check', *arguments)
        self.assertEqual((code, out), (2, ''))
        self.assertRegex(err, f'^gset: {why}\n$')

    def test_refused(self):
        self.refused('expected a FileStorage, but there is no file no.fs',
                     'no.fs')
        Path('text').write_text('This is no database.')
        before = os.listdir()
        self.refused('expected a FileStorage, .* got text, .* else', 'text')
        self.refused('expected a FileStorage, .* got ., .* a directory', '.')
        self.assertEqual(os.listdir(), before)
        self.refused(r"users/x: there is no 'x'.*", 'data.fs', 'users/x')
        self.refused(r"x: there is no 'x' in \[.*\]", 'data.fs', 'x')
        self.refused('app: expected a GenerationalSet, got .*',
                     'data.fs', 'app')
        with contextlib.closing(ZODB.DB('empty.fs')):
            pass
        self.refused('expected a set in the root .* no objects', 'empty.fs')

    def test_usage(self):
        code, _, err = self.run_command()
        self.assertEqual(code, 2)
        self.assertIn('usage: python -m zc.generationalset', err)
        code, out, _ = self.run_command('check', '--help')
        self.assertEqual(code, 0)
        self.assertIn('examples:', out)

    def test_module(self):
        with mock.patch.object(sys, 'argv', ['gset', 'check', 'data.fs']), \
                mock.patch.dict(sys.modules), \
                contextlib.redirect_stdout(io.StringIO()), \
                self.assertRaises(SystemExit) as caught:
            del sys.modules['zc.generationalset.__main__']
            runpy.run_module('zc.generationalset', run_name='__main__')
        self.assertEqual(caught.exception.code, 0)

    def test_classes_of_others_are_not_loaded(self):
        """Their objects are placeholders."""
        with self.changing() as root:
            root['shop'] = Shop()
            root['shop'].add(Plain('a'))
        self.assertEqual(self.run_command('check', 'data.fs'),
                         (0, 'users: well, 1 items\n', ''))
        self.refused('shop: expected .*; not loaded: '
                     rf'{Shop.__module__}.Shop; see --trust',
                     'data.fs', 'shop')
        self.refused('shop/x: .*; see --trust', 'data.fs', 'shop/x')
        self.assertEqual(
            self.run_command('check', '--trust', 'data.fs', 'shop'),
            (0, 'shop: well, 1 items\n', ''))

    def test_subsets_of_classes_that_are_not_loaded(self):
        with self.changing() as root:
            root['users'].add(Shop('shop'))
            root['users'].add(Thing('thing'))
            root['users']['shop'].add(GSet('inside'))
        for _ in range(3):
            with self.changing() as root:
                root['users']['shop']['inside'].add(Plain('a'))
                root['users']['shop'].add(Plain('b'))
        code, output, errors = self.run_command('check', 'data.fs')
        self.assertEqual(
            (code, output), (2, 'users: shop: not checked, since its class '
                             f'is not loaded: {Shop.__module__}.Shop\n'))
        self.assertRegex(errors, 'give --trust')
        self.assertEqual(
            self.run_command('check', '--trust', 'data.fs'),
            (0, 'users: well, 3 items\n', ''))
        with self.changing() as root:
            root['users']._length = 9
        self.assertEqual(self.run_command('check', 'data.fs')[0], 1)
        with self.changing() as root:
            root['users']._length = 9
            root['later'] = GSet()
            root['later'].add(Shop('shop'))
        code, output, _ = self.run_command('check', 'data.fs')
        self.assertEqual(code, 1)
        self.assertIn('not checked', output)

    @contextlib.contextmanager
    def changing(self):
        with contextlib.closing(ZODB.DB('data.fs')) as db, \
                db.transaction() as connection:
            yield connection.root()

    def test_nothing_is_called(self):
        """Other objects of trusted packages aren't called, either."""
        with self.changing() as root:
            root['trap'] = Trap('os', 'mkdir', 'sprung')
            root['file'] = Trap('ZODB.FileStorage', 'FileStorage', 'sprung')
            root['users'].add(Plain('b'))
        self.assertEqual(self.run_command('check', 'data.fs'),
                         (0, 'users: well, 2 items\n', ''))
        self.assertFalse(os.path.exists('sprung'))

    def test_index_is_not_loaded(self):
        Path('data.fs.index').write_bytes(pickle.dumps(Trap('os', 'mkdir',
                                                            'sprung')))
        self.test_well()
        self.assertFalse(os.path.exists('sprung'))

    def test_values_in_ids(self):
        ids = (datetime.date(2020, 1, 1), Decimal(1), uuid.UUID(int=1),
               frozenset([1]), datetime.datetime(2020, 1, 1))
        with self.changing() as root:
            for number, id in enumerate(ids):
                gset = root[f'set {number}'] = GSet()
                gset.add(Plain(id))
        code, out, _ = self.run_command('check', 'data.fs')
        self.assertEqual((code, out.count('well')), (0, 1 + len(ids)))

    def test_damaged(self):
        data = Path('data.fs').read_bytes()
        Path('bad.fs').write_bytes(
            data.replace(b'cpersistent.mapping', b'?persistent.mapping'))
        self.refused('can not read bad.fs: UnpicklingError: .*', 'bad.fs')

    def test_old_database(self):
        data = DATA / 'gset-0.4.0.fs'
        shutil.copy(data, 'old.fs')
        code, out, _ = self.run_command('check', 'old.fs')
        self.assertEqual((code, out.count(': well')), (0, 4))
