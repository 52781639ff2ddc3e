"""The command ``gset check`` for databases."""

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

import ZEO
import ZODB
from BTrees.OOBTree import OOBTree
from persistent.mapping import PersistentMapping
from zope.testing import setupstack

from zc.generationalset import GSet
from zc.generationalset.__main__ import main
from zc.generationalset.tests.support.commands import complaints
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
        lines = complaints(err.getvalue())
        return code, out.getvalue(), ''.join([f'{line}\n' for line in lines])

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
        with mock.patch('zc.generationalset.commands.auditing.check',
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
