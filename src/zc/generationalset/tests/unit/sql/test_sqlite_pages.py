"""Many changes of a table of SQLite, which are read some at a time."""

import itertools
from typing import Any
from unittest import mock

from zc.generationalset import wire
from zc.generationalset.answers import LargeAnswer, Position
from zc.generationalset.sql import news
from zc.generationalset.sql.sqlite import queue
from zc.generationalset.sql.sqlite import reading as sqlite_reading
from zc.generationalset.tests.unit.sql.test_sqlite_tracking import Base


class ManyChangesTests(Base):

    schema = 'CREATE TABLE words (word TEXT, place INT, what TEXT, ' \
        'PRIMARY KEY (word, place));'
    names = 'words',

    def test_keys_that_are_not_utf_8(self):
        """They are left out, and are no end of the others."""
        self.run_sql("INSERT INTO words VALUES ('a', 1, 1), ('b', 1, 1)")
        self.followers.sync()
        self.run_sql(
            "UPDATE words SET what = 2 WHERE word = 'a'",
            "DELETE FROM words WHERE word = 'b'",
            "INSERT INTO words VALUES (CAST(x'ff' AS TEXT), 1, 2), "
            "(CAST(x'ff' AS TEXT), 2, 2), ('é', 1, 2), ('c', 1, 2)")
        refused = []
        with mock.patch.object(news, 'CHUNK', 1), \
                self.source.snapshot() as snapshot:
            text = b''.join(wire.encode_chunks(
                snapshot.updates(None, Position(
                    self.replica.epoch, self.replica.generation)),
                unreadable=lambda path, error: refused.append(path)))
        self.assertEqual([path[1][1] for path in refused], [1, 2])
        self.replica.apply(wire.decode(text))
        self.assertEqual(
            sorted(self.replica.items['words']),
            [('a', 1), ('c', 1), ('é', 1)])

    def test_changes_are_looked_for_once(self):
        """How often doesn't depend on how many there are."""
        self.run_sql("INSERT INTO words VALUES ('a', 0, 1), ('b', 0, 1)")
        self.followers.sync()
        since = self.replica.generation
        self.run_sql(
            "DELETE FROM words WHERE word = 'a'",
            *(f"INSERT INTO words VALUES ('c', {place}, 1)"
              for place in range(100)))
        statements = []
        with mock.patch.object(news, 'CHUNK', 10), \
                self.database.reading() as reading:
            reading.connection.set_trace_callback(statements.append)
            found = news.news(reading, reading.table('words'), since)
            self.assertEqual(list(found['removals']), [('a', 0)])
            self.assertEqual(len(list(found['adds'])), 100)
            reading.connection.set_trace_callback(None)
        # Are there more than 10?  What is gone, and what is there?
        self.assertEqual(len([each for each in statements
                              if 'FROM gset_queue' in each]), 3)


class PagesTests(Base):

    names = 'people', 'others'
    schema = Base.schema + 'CREATE TABLE others (id INTEGER PRIMARY KEY);'

    def setUp(self):
        super().setUp()
        with self.database.reading() as reading:
            self.since = reading.position.generation

    def insert(self, *ids):
        self.run_sql('BEGIN', *[
            f'INSERT INTO people (id, age) VALUES ({id}, 1)'
            for id in ids], 'COMMIT')

    def pages(self, limit, where='', between=lambda: None):
        """Yield the ids of some changes, and the steps that it took."""
        place = ()
        for number in itertools.count():
            if number:
                between()
            with self.database.reading() as reading:
                table = reading.table('people')
                if where:
                    table = reading.filtered(table, where, {})
                steps = []
                reading.connection.set_progress_handler(
                    lambda steps=steps: steps.append(1), 10)
                keys, place = reading.some_changes(
                    table, self.since, place, limit)
                reading.connection.set_progress_handler(None, 10)
                yield [id for [id] in keys], 10 * len(steps)
            if not place:
                return

    def test_each_page_takes_as_long(self):
        """It reads no more changes than it needs."""
        self.insert(*range(1, 1001))
        for where in '', 'id <> 7':
            found, steps = zip(*self.pages(20, where), strict=True)
            self.assertEqual(len(found), 50)
            self.assertCountEqual(
                itertools.chain(*found),
                [id for id in range(1, 1001) if not where or id != 7])
            self.assertLess(max(steps), 2000)

    def test_the_first_page_takes_as_long(self):
        """However many changes there are, and nobody looks at all of them."""
        with self.database.reading() as reading:
            connection = reading.connection
        since, steps = Position(self.replica.epoch, self.since), []
        connection.set_progress_handler(lambda: steps.append(1), 10)
        found = []
        for rows in 2000, 20_000:
            self.run_sql(
                'WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL '
                f'SELECT n + 1 FROM n WHERE n < {rows}) '
                'INSERT INTO people (id) SELECT n FROM n WHERE true '
                'ON CONFLICT (id) DO UPDATE SET age = 1')
            steps.clear()
            with mock.patch.object(news, 'CHUNK', 50), \
                    mock.patch.object(sqlite_reading, 'NOTES', 1000), \
                    self.source.snapshot() as snapshot:
                self.assertIs(connection.in_transaction, True)
                answer = snapshot.updates(None, since)
                self.assertIsInstance(answer, LargeAnswer)
                page = snapshot.page(None, since, '', 50)
            found.append(len(steps))
            self.assertIn('next', page)
        self.assertLess(found[1], 1.5 * found[0])

    def test_many_notes_of_other_rows(self):
        """A page looks only at some; it may list nothing, and have a next."""
        self.insert(1)
        self.run_sql(*['UPDATE people SET age = age + 1'] * 9)
        self.run_sql(*[f'INSERT INTO others VALUES ({number})'
                       for number in range(25)])
        self.insert(2)
        with mock.patch.object(sqlite_reading, 'NOTES', 10):
            self.assertEqual(
                [ids for ids, _ in self.pages(2)], [[1], [], [], [2]])
            self.assertEqual(
                [ids for ids, _ in self.pages(2, 'id > 1')],
                [[], [], [], [2]])
            pages = [self.page()]
            while 'next' in pages[-1]:
                pages.append(self.page())
        self.assertEqual(
            [[len(each['adds']) for each in page.get('adds', ())]
             for page in pages].count([]), 2)
        self.assertCountEqual(self.replica.items['people'], [1, 2])
        self.assertEqual(len(self.replica.items['others']), 25)

    def test_a_row_that_changes_often_fills_no_page(self):
        self.insert(1, 2)
        self.run_sql(*['UPDATE people SET age = age + 1 WHERE id = 1'] * 50)
        self.insert(3)
        self.assertEqual(
            [ids for ids, _ in self.pages(2)], [[1, 2], [3]])

    def test_changes_meanwhile(self):
        """They are in the next answer, so these pages have an end."""
        self.insert(1, 2, 3, 4)
        new = itertools.count(5)
        found = [ids for ids, _ in self.pages(
            1, between=lambda: self.insert(next(new)))]
        self.assertEqual(found, [[1], [2], [3], [4]])

    def test_notes_that_are_forgotten_meanwhile(self):
        """Rows that were noted again are in the next answer."""
        self.insert(*range(1, 7))
        before = self.replica.generation

        def forget():
            self.run_sql('UPDATE people SET age = 2 WHERE id = 3',
                         'DELETE FROM people WHERE id = 4')
            with mock.patch.object(queue, 'PACE', 0):
                self.database.tidy()

        page = self.page()
        forget()
        while 'next' in page:
            page = self.page()
        self.assertGreater(self.replica.generation, before)
        self.followers.sync()
        self.assertEqual(
            [self.replica.items['people'][id]['age'] for id in (1, 2, 3)],
            [1, 1, 2])
        self.assertCountEqual(self.replica.items['people'], [1, 2, 3, 5, 6])

    def page(self):
        """Apply the next page."""
        with self.source.snapshot() as snapshot:
            page: Any = wire.decode(wire.encode(snapshot.page(
                None, Position(self.replica.epoch, self.replica.generation),
                self.replica.cursor, 2)))
        self.replica.apply(page)
        return page
