"""Replicas: what they have after answers, and which changes they report."""

import datetime
import decimal
import json
import os
import stat
import subprocess
import sys
import unittest
from pathlib import Path
from types import SimpleNamespace as Thing
from unittest import mock

from zope.testing import setupstack

from zc.generationalset import GSet, replica, wire
from zc.generationalset.interfaces import SubsetUpdates
from zc.generationalset.replica import Change, Misfit, Replica, Subset
from zc.generationalset.tests.support import replicas
from zc.generationalset.tests.support.layers import Processes
from zc.generationalset.tests.support.replicas import answer


class MemoryTests(replicas.Contract, unittest.TestCase):
    """What all replicas do, and what only those in memory do."""

    def make(self):
        return Replica()

    def test_items_are_dictionaries_and_subsets(self):
        copy = self.make()
        copy.apply(answer(0, 2, contents=[
            SubsetUpdates(id='s', contents=[('a', {'id': 1})])]))
        self.assertIs(type(copy.items['s']), Subset)
        self.assertIs(type(copy.items['s']['a']), dict)

    def test_subsets_of_changes(self):
        copy = self.make()
        added, _ = copy.apply(answer(0, 2, contents=[
            SubsetUpdates(id='s', contents=[('a', 1)])]))
        self.assertIs(added.item, copy.items['s'])
        removed, = copy.apply(answer(2, 3, removals=['s']))
        self.assertEqual(removed.item, Subset(a=1))

    def test_refused_before_a_one_shot_iterable_is_asked(self):
        def entries():
            raise AssertionError('asked')
            yield

        copy = self.make()
        for updates in answer(1, 2, adds=entries()), answer(
                0, 2, adds=entries(), reset=1):
            with self.assertRaises(ValueError):
                copy.apply(updates)

    def test_objects_that_were_changed_in_place_are_changed(self):
        copy, thing = self.make(), Thing(id=1)
        copy.apply(answer(0, 2, contents=[(1, thing)]))
        thing.name = 'new'
        self.assertEqual(
            copy.apply(answer(2, 3, adds=[(1, thing)])),
            [Change('changed', (1,), thing)])
        self.assertEqual(
            copy.apply(answer(3, 4, adds=[(1, Thing(id=1, name='new'))])), [])

    def test_objects_that_cannot_be_compared(self):
        class Strange:
            def __eq__(self, other):
                raise TypeError('strange')
            __hash__ = None

        copy = self.make()
        copy.apply(answer(0, 2, contents=[(1, Strange())]))
        new = Strange()
        change, = copy.apply(answer(2, 3, adds=[(1, new)]))
        self.assertEqual(change.kind, 'changed')
        self.assertIs(copy.items[1], new)

    def test_changes_of_values_that_are_equal_in_python(self):
        zone = datetime.timezone(datetime.timedelta(hours=1))
        moment = datetime.datetime(2026, 11, 21, 9, tzinfo=zone)
        for old, new in [
                (1, True), (0, False), (1, 1.0), ([1], [True]), ((1,), [1]),
                ({'a': 0}, {'a': False}), ({'a': None}, {'b': None}),
                (0.0, -0.0), ({1: 2}, Subset({1: 2})), ((1, 2), (1,)),
                (decimal.Decimal('1.5'), decimal.Decimal('1.50')),
                (moment, moment.astimezone(datetime.timezone.utc)),
                (b'a', 'a')]:
            with self.subTest(old=old, new=new):
                copy = self.make()
                copy.apply(answer(0, 2, contents=[(1, old)]))
                self.assertEqual(
                    copy.apply(answer(2, 3, adds=[(1, new)])),
                    [Change('changed', (1,), new)])
        for make in [lambda: float('nan'), lambda: [float('nan')],
                     lambda: {'a': [{'b': {1, 2}}]}, lambda: moment]:
            with self.subTest(make()):
                copy = self.make()
                copy.apply(answer(0, 2, contents=[(1, make())]))
                self.assertEqual(
                    copy.apply(answer(2, 3, adds=[(1, make())])), [])

    # Answers of ``generational_updates``

    def test_python_answers(self):
        office = GSet()
        office.add(GSet('people'))
        ann, bob = Thing(id='ann'), Thing(id='bob', desk=1)
        office['people'].add(ann)
        copy = self.make()
        subset, change = copy.apply(office.generational_updates(0))
        self.assertEqual(subset, ('added', ('people',), {'ann': ann}))
        self.assertIsInstance(subset.item, Subset)
        self.assertEqual(change, ('added', ('people', 'ann'), ann))
        office['people'].remove(ann)
        office['people'].add(bob)
        self.assertEqual(
            copy.apply(office.generational_updates(copy.generation)),
            [('removed', ('people', 'ann'), ann),
             ('added', ('people', 'bob'), bob)])
        self.assertEqual((copy.generation, copy.epoch), (5, None))
        self.assertEqual(copy.apply({'generation': 5}), [])
        self.assertEqual(copy.items, {'people': {'bob': bob}})

    def test_python_answer_of_a_server_that_is_behind(self):
        copy = self.make()
        copy.apply({'generation': 7, 'adds': [Thing(id=1)]})
        self.assertEqual(
            copy.apply({'generation': 6}),
            [('removed', (1,), Thing(id=1))])
        self.assertEqual((copy.generation, copy.epoch, copy.items),
                         (0, None, {}))

    def test_python_answers_that_are_malformed(self):
        copy = self.make()
        copy.apply({'generation': 7, 'adds': [Thing(id=1)]})
        for updates in [
                {}, {'generation': None}, {'generation': '8'},
                {'generation': True}, {'generation': -1},
                {'generation': 8, 'adds': None},
                {'generation': 8, 'adds': [SubsetUpdates(adds=[])]},
                {'generation': 8, 'adds': [Thing(id=2), Thing(id=None)]},
                {'generation': 8, 'adds': [Thing(id=2), Thing(id=[])]},
                {'generation': 8, 'removals': [1, float('nan')]},
                {'generation': 8, 'contents': [], 'removals': [1]}]:
            with self.subTest(updates), self.assertRaises(ValueError):
                copy.apply(updates)
        with self.assertRaises(AttributeError):
            copy.apply({'generation': 8, 'adds': [Thing(id=2), Thing()]})
        self.assertEqual((copy.generation, copy.items), (7, {1: Thing(id=1)}))

    def test_get_id(self):
        copy = Replica(len)
        copy.apply({'generation': 3, 'adds': ['a', 'bb']})
        self.assertEqual(copy.items, {1: 'a', 2: 'bb'})


class FileTests(unittest.TestCase):

    def setUp(self):
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)

    def example(self):
        copy = Replica()
        copy.apply(answer(0, 7, contents=[
            ('bob', {'age': 42}), ((1, b'x'), datetime.date(2026, 11, 21)),
            SubsetUpdates(id='people', contents=[
                ('ann', None), SubsetUpdates(id=5, contents=[])])]))
        return copy

    def test_dump_and_load(self):
        copy = self.example()
        copy.dump('copy.json')
        loaded = Replica.load(Path('copy.json'))
        self.assertEqual(replicas.state(loaded), replicas.state(copy))
        self.assertEqual(list(loaded.items), list(copy.items))
        loaded.apply(answer(7, 8, removals=['bob']))
        loaded.dump('copy.json')
        self.assertEqual(replicas.state(Replica.load('copy.json')),
                         replicas.state(loaded))
        self.assertEqual(os.listdir(), ['copy.json'])
        if os.name == 'posix':
            mode = stat.S_IMODE(os.stat('copy.json').st_mode)
            self.assertEqual(mode, 0o600)

    def test_the_file_is_an_answer(self):
        self.example().dump('copy.json')
        with open('copy.json', encoding='utf-8') as file:
            stored = json.load(file)
        self.assertEqual(stored, {
            'format': 1, 'epoch': 'e', 'since': 0, 'generation': 7,
            'contents': [
                ['bob', {'age': 42}],
                [{'$tuple': [1, {'$bytes': 'eA=='}]},
                 {'$date': '2026-11-21'}],
                {'id': 'people', 'contents': [
                    ['ann', None], {'id': 5, 'contents': []}]}]})

    def test_nothing_is_no_file(self):
        new = Replica.load('copy.json')
        self.assertEqual(replicas.state(new), (0, None, {}))
        new.dump('copy.json')
        self.assertEqual(os.listdir(), [])
        self.example().dump('copy.json')
        new.dump('copy.json')
        self.assertEqual(os.listdir(), [])

    def test_empty_is_a_file(self):
        copy = Replica()
        copy.apply(answer(0, 1, contents=[]))
        copy.dump('copy.json')
        self.assertEqual(
            replicas.state(Replica.load('copy.json')), (1, 'e', {}))

    def test_python_objects(self):
        class Person:
            id = 'ann'

            def __json__(self, request):
                return {'name': 'Ann'}

        copy = Replica()
        copy.apply({'generation': 3, 'adds': [Person()]})
        copy.dump('copy.json')
        self.assertEqual(Replica.load('copy.json').items,
                         {'ann': {'name': 'Ann'}})

    def test_get_id_of_a_loaded_one(self):
        self.example().dump('copy.json')
        copy = Replica.load('copy.json', len)
        copy.apply({'generation': 9, 'adds': ['four']})
        self.assertEqual(copy.items[4], 'four')

    def test_what_fails_leaves_the_old_file(self):
        copy = self.example()
        copy.dump('copy.json')
        bad = self.example()
        bad.apply(answer(7, 8, adds=[('bad', object())]))
        with self.assertRaises(TypeError):
            bad.dump('copy.json')
        with (mock.patch('os.replace', side_effect=OSError('full')),
              self.assertRaisesRegex(OSError, 'full')):
            copy.dump('copy.json')
        self.assertEqual(os.listdir(), ['copy.json'])
        self.assertEqual(replicas.state(Replica.load('copy.json')),
                         replicas.state(copy))

    def test_is_written_before_it_gets_its_name(self):
        calls = []
        sync, replace = os.fsync, os.replace

        def note(file):
            calls.append(('sync', stat.S_ISDIR(os.fstat(file).st_mode)))
            sync(file)

        def note_name(old, new):
            with open(old, 'rb') as file:
                wire.decode(file.read())
            calls.append('replace')
            replace(old, new)

        with mock.patch.multiple(os, fsync=note, replace=note_name):
            self.example().dump('copy.json')
        self.assertEqual(calls[:2], [('sync', False), 'replace'])
        if hasattr(os, 'O_DIRECTORY'):
            self.assertEqual(calls[2:], [('sync', True)])

    def test_where_directories_cannot_be_synced(self):
        with mock.patch.object(os, 'O_DIRECTORY', 0, create=True):
            del os.O_DIRECTORY
            self.example().dump('copy.json')
        self.assertEqual(Replica.load('copy.json').generation, 7)

    @unittest.skipUnless(hasattr(os, 'symlink'), 'needs symbolic links')
    def test_link(self):
        os.mkdir('elsewhere')
        os.symlink('elsewhere/real.json', 'copy.json')
        self.example().dump('copy.json')
        self.assertTrue(os.path.islink('copy.json'))
        self.assertEqual(os.listdir('elsewhere'), ['real.json'])

    def test_load_of_something_else(self):
        self.example().dump('copy.json')
        data = Path('copy.json').read_bytes()
        contents = [data[:size] for size in range(len(data))]
        contents += [
            data + b'x', b'\0' * 100, b'SQLite format 3\0', b'[]',
            b'{"since": 5}', data.replace(b'"format":1', b'"format":2'),
            data.replace(b'"since":0', b'"since":3')]
        for content in contents:
            Path('other.json').write_bytes(content)
            with self.subTest(content):
                with self.assertRaisesRegex(
                        ValueError, r'^other\.json: expected a stored replica,'
                        ) as caught:
                    Replica.load('other.json')
                self.assertNotIsInstance(caught.exception, Misfit)
                self.assertEqual(Path('other.json').read_bytes(), content)
        with self.assertRaises(IsADirectoryError):
            Replica.load('.')


class ImportTests(unittest.TestCase):

    layer = Processes

    def test_needs_only_the_standard_library(self):
        code = ("import sys; from zc.generationalset import replica; "
                "replica.Replica().apply({'generation': 1}); "
                "print(*{'sqlite3', 'msgspec'} & set(sys.modules)); "
                "replica.SQLiteReplica; "
                "print(*{'sqlite3'} & set(sys.modules))")
        done = subprocess.run(
            [sys.executable, '-c', code], capture_output=True, text=True,
            env={**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)})
        self.assertEqual(done.stderr, '')
        self.assertEqual(done.stdout.splitlines(), ['', 'sqlite3'])

    def test_names(self):
        for name in replica.__all__:
            getattr(replica, name)
        with self.assertRaisesRegex(AttributeError, 'Other'):
            replica.Other
