"""Changes of PostgreSQL's tables by pages, in the order of the keys."""

from unittest import mock

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
                    found, after = [], None
                    while page := reading.changes_after(
                            table, since, after, limit):
                        self.assertLessEqual(len(page), limit)
                        found += page
                        after = page[-1]
                    self.assertEqual(found, expected, (table, limit))
                self.assertEqual(reading.changes_after(
                    table, reading.position.generation, None, 9), [])
            with self.assertRaises(ValueError):
                reading.changes_after(
                    reading.table('public.keys_3'), since, ('nix', 1), 9)

    def test_answers_without_pages(self):
        """They are read in pages, too, so that they need little memory."""
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
        execute, counts = postgresql_reading.execute, []

        def counted(*arguments):
            cursor = execute(*arguments)
            counts.append(cursor.rowcount)
            return cursor

        with mock.patch.object(news, 'CHUNK', 10), \
                mock.patch.object(postgresql_reading, 'execute', counted), \
                source.snapshot() as snapshot:
            changes = replica.apply(wire.decode(wire.encode(
                snapshot.updates(None, Position(
                    replica.epoch, replica.generation)))))
        self.assertEqual(max(counts), 11)
        self.assertEqual(len(changes), 99)
        self.assertEqual(replica.items['many'], {
            id: {'id': id, 'what': 'b' if id > 1 else 'a'}
            for id in range(1, 101) if id % 3})
