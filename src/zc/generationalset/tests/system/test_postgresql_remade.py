"""Tables of PostgreSQL that are made anew under their names.

Connections keep plans of the statements that they execute often.  PostgreSQL
refuses those whose results have other types now.
"""

from contextlib import ExitStack

from zc.generationalset.tests.support.postgresql_tables import PostgreSQLTests

#: How often a statement is executed until a connection keeps its plan.
OFTEN = 7
#: How many connections read at the same time.
READERS = 3


class RemadeTests(PostgreSQLTests):

    def read(self, database, begin='reading', times=1):
        """Let several connections read; return what each of them has."""
        with ExitStack() as stack:
            readings = [stack.enter_context(getattr(database, begin)())
                        for _ in range(READERS)]
            for _ in range(times):
                found = [self._all(reading) for reading in readings]
        self.assertEqual(found, found[:1] * READERS)
        return found[0]

    def _all(self, reading):
        """Return what each kind of query finds in a table."""
        table = reading.table('public.things')
        rows = list(reading.scan(table))
        keys = [row.key for row in rows]
        values = [row.values for row in rows]
        self.assertEqual(list(reading.scan(table, keys[0], 9)), rows[1:])
        self.assertCountEqual(reading.rows(table, keys), rows)
        self.assertCountEqual(
            [row for each in reading.batches(table) for row in each], values)
        if reading.position.generation:
            found = list(reading.changes(table, 0))
            self.assertCountEqual(
                reading.some_changes(table, 0, (), 9).keys, found)
            for key in found:
                self.assertTrue(reading.changed(table, key))
        return values

    def test_other_types(self):
        self.tell('CREATE TABLE things (id int PRIMARY KEY, size int)')
        database = self.track()
        self.tell('INSERT INTO things VALUES (1, 2)')
        self.assertEqual(self.read(database, times=OFTEN), [(1, 2)])
        self.tell('DROP TABLE things')
        self.tell('CREATE TABLE things (id text PRIMARY KEY, size text)')
        database.execute(database.plan_tracking(database.tables()))
        self.tell("INSERT INTO things VALUES ('a', 'b')")
        self.assertEqual(self.read(database), [('a', 'b')])

    def test_tracking_begins_anew(self):
        self.tell('CREATE TABLE things (id int PRIMARY KEY, size int)')
        database = self.track()
        self.tell('INSERT INTO things VALUES (1, 2)')
        self.read(database, times=OFTEN)
        database.execute(database.plan_untracking())
        self.tell('ALTER TABLE things ALTER id TYPE text')
        database.execute(database.plan_tracking(database.tables()))
        self.tell("INSERT INTO things VALUES ('a', 3)")
        self.assertEqual(self.read(database), [('1', 2), ('a', 3)])

    def test_columns_change(self):
        self.tell('CREATE TABLE things (id text PRIMARY KEY, size int)')
        database = self.track()
        self.tell("INSERT INTO things VALUES ('a', 2), ('B', 3)")
        before = self.read(database, times=OFTEN)
        self.assertEqual(before, [('B', 3), ('a', 2)])
        for statement, expected in [
                ('ALTER size TYPE numeric(9, 2)', before),
                ('ALTER size TYPE numeric(9, 3)', before),
                ('ALTER size TYPE text COLLATE "C"',
                 [('B', '3.000'), ('a', '2.000')]),
                ('ALTER size TYPE text COLLATE "POSIX"',
                 [('B', '3.000'), ('a', '2.000')])]:
            self.tell(f'ALTER TABLE things {statement}')
            self.assertEqual(
                self.read(database, times=OFTEN), expected, statement)

    def test_rows_are_written(self):
        self.tell('CREATE TABLE things (id int PRIMARY KEY, size int)')
        database = self.track()
        self._write(database, range(READERS), 2, OFTEN)
        self.tell('DROP TABLE things')
        self.tell('CREATE TABLE things (id text PRIMARY KEY, size text)')
        database.execute(database.plan_tracking(database.tables()))
        self._write(database, 'abc', 'b')

    def _write(self, database, keys, size, times=1):
        """Let a connection for each key write rows."""
        with ExitStack() as stack:
            for key in keys:
                writing = stack.enter_context(database.writing())
                table = writing.table('public.things')
                for _ in range(times):
                    writing.insert(table, (key,), {'size': size})
                    writing.update(table, (key,), {'size': size})
                    writing.delete(table, (key,))

    def test_tables_that_are_not_tracked(self):
        self.tell('CREATE TABLE things (id int PRIMARY KEY, size int)')
        database = self.open()
        self.tell('INSERT INTO things VALUES (1, 2)')
        for begin in 'plain_reading', 'plain_writing', 'applying':
            with self.subTest(begin=begin):
                self.read(database, begin, OFTEN)
                self.tell('ALTER TABLE things ALTER size TYPE text')
                self.assertEqual(self.read(database, begin), [(1, '2')])
                self.tell('ALTER TABLE things ALTER size TYPE int '
                          'USING size::int')
