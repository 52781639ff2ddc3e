"""Replicas in SQLite files."""

import contextlib
import doctest
import itertools
import os
import sqlite3
import threading
import tracemalloc
from pathlib import Path
from unittest import mock

from zc.generationalset.interfaces import SubsetUpdates
from zc.generationalset.replica import (
    SQLiteReplica,
    Subset,
    sqlite,
    sqlite_file,
)
from zc.generationalset.replica.sqlite_items import StoredSet
from zc.generationalset.tests.support import replicas
from zc.generationalset.tests.support.replicas import answer, state
from zc.generationalset.tests.support.sqlite import NAME, Base, check_file


class ContractTests(replicas.Contract, Base):

    numbers = itertools.count()

    def make(self):
        name = f'{next(self.numbers)}.sqlite'
        self.opened.callback(check_file, name)
        return self.open(name)

    def tearDown(self):
        self.opened.close()


class ReplicaTests(Base):

    def example(self):
        replica = self.open()
        replica.apply(answer(0, 9, contents=[
            ('ann', {'age': 42}), (1, None), ((1, 'x'), b'bytes'),
            SubsetUpdates(id='rooms', contents=[
                ('101', {'id': 5}), SubsetUpdates(id='desks', contents=[])])]))
        return replica

    def test_documentation(self):
        result = doctest.testmod(sqlite)
        self.assertEqual((result.failed, result.attempted > 3), (0, True))

    def test_is_there_when_opened_again(self):
        before = state(self.example())
        self.opened.close()
        self.assertEqual(os.listdir(), [NAME])
        replica = self.open(Path(NAME))
        self.assertEqual(state(replica), before)
        self.assertEqual(before[:2], (9, 'e'))

    def test_items_are_a_mapping(self):
        items = self.example().items
        self.assertIsInstance(items, StoredSet)
        self.assertEqual(len(items), 4)
        self.assertEqual(list(items), ['ann', 1, (1, 'x'), 'rooms'])
        self.assertEqual(list(items.keys()), list(items))
        self.assertEqual(items['ann'], {'age': 42})
        self.assertIsNone(items[1])
        self.assertEqual(items[1, 'x'], b'bytes')
        self.assertEqual(items['rooms']['101'], {'id': 5})
        self.assertIs(type(items['rooms']['101']), dict)
        self.assertIn(1, items)
        self.assertIn('rooms', items)
        for id in '1', 'x', None, [], object(), float('nan'), '\ud800':
            with self.subTest(id):
                self.assertNotIn(id, items)
                self.assertEqual(items.get(id, 5), 5)
                with self.assertRaises(KeyError):
                    items[id]
        expected = {'ann': {'age': 42}, 1: None, (1, 'x'): b'bytes',
                    'rooms': {'101': {'id': 5}, 'desks': {}}}
        self.assertEqual(items, expected)
        self.assertEqual(dict(items), expected)
        self.assertEqual(dict(items.items()), expected)
        self.assertEqual(list(items.values()), list(expected.values()))
        self.assertEqual(
            repr(items), '<StoredSet, 4 entries>')
        with self.assertRaises(TypeError):
            items['ann'] = 1
        with self.assertRaises(AttributeError):
            self.open().items = {}

    def test_large_sets_are_read_in_pages(self):
        replica = self.open()
        for size in 0, 99, 100, 101, 200, 470:
            replica.apply(answer(
                replica.generation, size + 1,
                contents=[(number, -number) for number in range(size)]))
            self.assertEqual(list(replica.items), list(range(size)))
            self.assertEqual(list(replica.items.values()),
                             [-number for number in range(size)])
            self.assertEqual(len(replica.items), size)

    def test_changes_while_items_are_read(self):
        replica, other = self.open(), self.open()
        replica.apply(answer(0, 1, contents=[
            (number, 1) for number in range(1200)]))
        for writer in replica, other:
            for read, members in [
                    (1, {'adds': [(0, 2)]}), (600, {'removals': [1100]}),
                    (0, {'contents': [(i, 1) for i in range(1300)]})]:
                generation = replica.generation
                iterator = iter(replica.items.items())
                list(itertools.islice(iterator, read))
                writer.apply(answer(generation, generation + 1, **members))
                if read:
                    with self.assertRaisesRegex(RuntimeError, 'got an answer'):
                        list(iterator)
                else:
                    self.assertEqual(len(list(iterator)), 1300)

    def test_a_subset_that_went_is_empty(self):
        replica = self.example()
        rooms = replica.items['rooms']
        self.assertEqual(len(rooms), 2)
        replica.apply(answer(9, 10, removals=['rooms']))
        for generation in range(10, 20):
            replica.apply(answer(generation, generation + 1, adds=[
                SubsetUpdates(id=generation, contents=[('a', 1)])]))
            self.assertEqual(rooms, {})
            self.assertNotIn('a', rooms)

    def test_subsets_of_changes_are_empty(self):
        replica = self.open()
        added, item = replica.apply(answer(0, 2, contents=[
            SubsetUpdates(id='s', contents=[('a', 1)])]))
        self.assertEqual(added, ('added', ('s',), Subset()))
        self.assertEqual(item, ('added', ('s', 'a'), 1))

    def test_python_answers_are_refused(self):
        replica = self.open()
        with self.assertRaisesRegex(
                ValueError, 'expected updates with epoch, since, .*got {'):
            replica.apply({'generation': 3, 'adds': []})

    def test_what_cannot_be_json(self):
        replica = self.example()
        before = state(replica)
        for entry in ('new', object()), (object(), 1):
            with self.subTest(entry), self.assertRaises(TypeError):
                replica.apply(answer(
                    9, 10, removals=['ann'], adds=[('x', 1), entry]))
            self.assertEqual(state(replica), before)

    def test_objects_are_stored_as_json(self):
        class Person:
            def __json__(self, request):
                return {'name': 'Ann'}

        replica, ann = self.open(), Person()
        change, = replica.apply(answer(0, 2, contents=[('ann', ann)]))
        self.assertIs(change.item, ann)
        self.assertEqual(replica.items['ann'], {'name': 'Ann'})
        self.assertEqual(
            replica.apply(answer(2, 3, adds=[('ann', ann)])), [])

    def test_interrupted(self):
        def entries():
            yield 'ann', 1
            raise KeyboardInterrupt

        replica = self.example()
        before = state(replica)
        with self.assertRaises(KeyboardInterrupt):
            replica.apply(answer(9, 10, adds=entries()))
        self.assertEqual(state(replica), before)
        replica.apply(answer(9, 10))

    def test_closed(self):
        replica = self.example()
        with replica as same:
            self.assertIs(same, replica)
        for use in [lambda: replica.generation, lambda: replica.items['ann'],
                    lambda: replica.apply(answer(9, 10))]:
            with self.assertRaisesRegex(sqlite3.ProgrammingError, 'closed'):
                use()
        replica.close()

    def test_threads_take_turns(self):
        replica = self.example()
        thread = threading.Thread(
            target=replica.apply, args=[answer(9, 10, removals=['ann'])])
        thread.start()
        thread.join()
        self.assertEqual(replica.generation, 10)

    # Sizes

    def test_old_contents_need_no_memory(self):
        replica = self.open()

        def contents():
            return ((number, str(number) * 200) for number in range(5000))

        replica.apply(answer(0, 2, contents=contents()))
        tracemalloc.start()
        try:
            changes = replica.apply(answer(2, 3, contents=contents()))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        self.assertEqual(changes, [])
        self.assertLess(peak, 500_000)  # of 5 MB

    def test_queries_use_the_indexes(self):
        replica = self.example()
        statements = []
        replica._database.set_trace_callback(statements.append)
        list(replica.items.items())
        replica.items['ann'], len(replica.items)
        replica.apply(answer(9, 10, contents=[
            ('ann', 1), ('rooms', 2), ('new', 3)]))
        replica._database.set_trace_callback(None)
        for statement in statements:
            if ' entry ' in statement and not statement.startswith('INSERT'):
                for *_, step in replica._database.execute(
                        f'EXPLAIN QUERY PLAN {statement}'):
                    self.assertNotIn('TEMP B-TREE', step, statement)
                    if 'entry' in step:
                        self.assertIn('SEARCH', step, statement)
                        if ' id = ' in statement:
                            self.assertIn('id=?', step, statement)

    def test_the_log_does_not_stay_large(self):
        replica = self.open()
        replica.apply(answer(0, 2, contents=(
            (number, 'x' * 100_000) for number in range(300))))
        replica.apply(answer(2, 3, adds=[(1, 1)]))
        self.assertLess(os.path.getsize(f'{NAME}-wal'), 17_000_000)

    # Files

    def check_refused(self, content, regex):
        Path(NAME).write_bytes(content)
        with self.assertRaisesRegex(
                ValueError, rf'^{NAME}: expected {regex}'):
            SQLiteReplica(NAME)
        self.assertEqual(Path(NAME).read_bytes(), content)
        self.assertEqual(os.listdir(), [NAME])
        os.remove(NAME)

    def file(self, *statements, name=NAME):
        with contextlib.closing(sqlite3.connect(name)) as database:
            for statement in statements:
                database.execute(statement)
            database.commit()
        content = Path(name).read_bytes()
        os.remove(name)
        return content

    def test_files_of_something_else(self):
        for content in (b'xy', b'{"format": 1}', b'\0' * 5000, os.urandom(999),
                        b'SQLite format 3', b'SQLite format 3\0' + b'x' * 99):
            with self.subTest(content[:20]):
                self.check_refused(content, 'a replica in an SQLite database')

    def test_databases_of_something_else(self):
        for statements in [
                ['CREATE TABLE other (x)'], ['CREATE TABLE entry (x)'],
                ['PRAGMA application_id = 5'], ['PRAGMA user_version = 1'],
                ['PRAGMA journal_mode = WAL', 'CREATE TABLE entry (x)']]:
            with self.subTest(statements):
                self.check_refused(
                    self.file(*statements), 'a replica, got the SQLite '
                    'database of another application')

    def test_what_other_releases_look_for(self):
        self.example()
        self.opened.close()
        header = Path(NAME).read_bytes()[:100]
        self.assertEqual(header[68:72], b'GSet')
        self.assertEqual(header[60:64], b'\0\0\0\1')

    def test_newer_version(self):
        self.example()
        self.opened.close()
        self.check_refused(
            self.file('PRAGMA user_version = 2'),
            'version 1, got 2, of a newer release')

    def test_empty_file(self):
        Path(NAME).touch()
        self.assertEqual(state(self.open()), (0, None, {}))

    def test_cut_file(self):
        replica = self.open()
        replica.apply(answer(0, 2, contents=[
            (number, 'x' * 99) for number in range(500)]))
        self.opened.close()
        content = Path(NAME).read_bytes()
        for size in range(2, len(content), 3001):
            Path(NAME).write_bytes(content[:size])
            with (self.subTest(size),
                  self.assertRaises((ValueError, sqlite3.DatabaseError)),
                  SQLiteReplica(NAME) as replica):
                state(replica)

    def test_a_file_that_cannot_be_opened(self):
        for name in '.', 'missing/replica.sqlite':
            with self.assertRaisesRegex(
                    sqlite3.OperationalError, f'^{name}: unable to open'):
                SQLiteReplica(name)

    def test_a_failure_when_it_is_made(self):
        statements = [*sqlite_file._SCHEMA[:3], 'CREATE nonsense']
        with (mock.patch.object(sqlite_file, '_SCHEMA', statements),
              self.assertRaisesRegex(sqlite3.OperationalError, 'nonsense')):
            SQLiteReplica(NAME)
        self.assertEqual(state(self.open()), (0, None, {}))
