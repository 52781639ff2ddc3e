"""Changes of PostgreSQL's tables by pages, in the order of the keys."""

from typing import Any
from unittest import mock

import psycopg

from zc.generationalset import wire
from zc.generationalset.answers import NOTHING, Position
from zc.generationalset.replica import Replica
from zc.generationalset.sql import SQLSource, news
from zc.generationalset.sql.postgresql import reading as postgresql_reading
from zc.generationalset.tests.support.postgresql_tables import PostgreSQLTests

#: Types of keys, with values in an order that isn't that of their texts.
KEYS = {
    'int': ['-7', '3', '12'],
    'numeric': ['-1.5', '2.25', '10'],
    'text': ["''", "'B'", "'a'", "'\u00e9'"],
    'mood': ["'good'", "'bad'", "'awful'"],
    'timestamp': ["'-infinity'", "'0044-03-15 BC'", "'2026-11-29'"],
    'bytea': [r"'\x'", r"'\x00'", r"'\xff'"],
}


class PagesTests(PostgreSQLTests):

    def test_all_types(self):
        """Each page goes on behind the last key, whatever has a number yet."""
        self.tell("CREATE TYPE mood AS ENUM ('good', 'bad', 'awful')")
        database = self.track(*[
            f'CREATE TABLE keys_{number} (id {type}, place int, '
            'PRIMARY KEY (id, place))' for number, type in enumerate(KEYS)])
        with database.reading() as reading:
            since = reading.position.generation
        for number, values in enumerate(KEYS.values()):
            first, *others = [
                f'INSERT INTO keys_{number} VALUES ({value}, {place})'
                for value in values for place in (1, 2)]
            self.tell(first)
            database.version()  # numbers it
            for statement in others:
                self.tell(statement)
        with database.reading() as reading:
            for number, values in enumerate(KEYS.values()):
                table = reading.table(f'public.keys_{number}')
                expected = [row.key for row in reading.scan(table)]
                self.assertEqual(len(expected), 2 * len(values))
                for limit in 1, 2, 3, 99:
                    found, more = reading.some_changes(
                        table, since, (), limit)
                    while more:
                        keys, more = reading.some_changes(
                            table, since, more, limit)
                        self.assertLessEqual(len(keys), limit)
                        found += keys
                    self.assertEqual(found, expected, (table, limit))
                self.assertEqual(reading.some_changes(
                    table, reading.position.generation, (), 9), ([], ()))
            for place in ('nix', 1), ('good', 'x'), ('good',), (1, 2, 3):
                with self.assertRaises(ValueError):
                    reading.some_changes(
                        reading.table('public.keys_3'), since, place, 9)

    def test_pages_of_many_changes(self):
        """A page reads no more changes than it needs."""
        database = self.track('CREATE TABLE many (id int PRIMARY KEY)')
        database.version()
        self.tell('INSERT INTO many SELECT generate_series(1, 5000)')
        database.version()  # numbers them
        with database.reading() as reading:
            [table] = reading.tables()
            page = reading.some_changes(table, 0, (2000,), 10)
            self.assertEqual(
                page, ([(id,) for id in range(2001, 2011)], (2010,)))
            [[count]] = reading.own(
                'SELECT seq_tup_read + idx_tup_fetch '
                "FROM pg_stat_xact_all_tables WHERE relid = $1::regclass",
                'gset.rows_1')
        self.assertLess(count, 100)

    def test_keys_that_no_cursor_has(self):
        """A page goes on until it can end."""
        source = SQLSource(self.track(
            'CREATE TABLE words (word text PRIMARY KEY)'), ['words'])
        replica = Replica()
        with source.snapshot() as snapshot:
            replica.apply(snapshot.updates(None, NOTHING))
        self.tell("INSERT INTO words SELECT repeat(letter, 7000) "
                  "FROM unnest('{a,b,c}'::text[]) AS letter")
        self.tell("INSERT INTO words VALUES ('bb'), ('d'), ('e')")
        sizes = []
        while not sizes or replica.cursor:
            with source.snapshot() as snapshot:
                page: Any = wire.decode(wire.encode(snapshot.page(
                    None, Position(replica.epoch, replica.generation),
                    replica.cursor, 1)))
            replica.apply(page)
            sizes.append(sum(len(each['adds']) for each in page['adds']))
        self.assertEqual(sizes, [2, 3, 1])
        self.assertEqual(len(replica.items['words']), 6)

    def test_answers_without_pages(self):
        """They are read some rows at a time, so that they need little memory.

        How often changes are looked for doesn't depend on how many there are.
        """
        database = self.track(
            'CREATE TABLE many (id int PRIMARY KEY, what text)')
        self.tell("INSERT INTO many SELECT n, 'a' "
                  'FROM generate_series(1, 100) AS n')
        source, replica = SQLSource(database, ['many']), Replica()
        with source.snapshot() as snapshot:
            replica.apply(wire.decode(wire.encode(
                snapshot.updates(None, NOTHING))))
        self.tell('DELETE FROM many WHERE id % 3 = 0')
        self.tell("UPDATE many SET what = 'b' WHERE id > 1")
        statements = []

        def noted(connection, statement, *arguments, **options):
            cursor = execute(connection, statement, *arguments, **options)
            statements.append((statement, cursor.rowcount))
            return cursor

        execute = psycopg.Connection.execute
        with mock.patch.object(news, 'CHUNK', 10), \
                mock.patch.object(postgresql_reading, 'ROWS', 10), \
                mock.patch.object(psycopg.Connection, 'execute', noted), \
                source.snapshot() as snapshot:
            changes = replica.apply(wire.decode(wire.encode(
                snapshot.updates(None, Position(
                    replica.epoch, replica.generation)))))
        self.assertEqual(max(count for _, count in statements), 11)
        # What is gone, and what is there?
        self.assertEqual(len([each for each, _ in statements
                              if 'max(generation)' in str(each)]), 2)
        self.assertEqual(len(changes), 99)
        self.assertEqual(replica.items['many'], {
            id: {'id': id, 'what': 'b' if id > 1 else 'a'}
            for id in range(1, 101) if id % 3})

    def test_answer_that_is_not_read_to_its_end(self):
        """Others may use its connection."""
        database = self.track(
            'CREATE TABLE many (id int PRIMARY KEY, what text)')
        database.version()
        self.tell('INSERT INTO many SELECT generate_series(1, 30)')
        with mock.patch.object(postgresql_reading, 'ROWS', 10):
            with database.reading() as reading:
                [table] = reading.tables()
                changes, other = (reading.changes(table, 0) for _ in range(2))
                self.assertEqual([next(changes), next(other)], [(1,), (1,)])
                rows = reading.batches(table)
                self.assertEqual(len(next(rows)), 10)
            with database.reading() as reading:
                del changes, other, rows
                self.assertEqual(len(list(reading.changes(table, 0))), 30)
