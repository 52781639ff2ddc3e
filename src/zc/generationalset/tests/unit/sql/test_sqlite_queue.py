"""The queue forgets, and says from when on."""

import threading
from unittest import mock

from zc.generationalset.sql import tidying
from zc.generationalset.sql.sqlite import SQLiteDatabase, queue
from zc.generationalset.tests.support import tables
from zc.generationalset.tests.unit.sql.test_sqlite_tracking import Base


class QueueTests(Base):

    names = 'people', 'others'
    schema = Base.schema + 'CREATE TABLE others (id INTEGER PRIMARY KEY);'

    def setUp(self):
        super().setUp()
        for name in 'MOST', 'PACE':
            patched = mock.patch.object(queue, name, 10)
            patched.start()
            self.addCleanup(patched.stop)
        self.run_sql('INSERT INTO others VALUES (1)')

    def notes(self):
        [[length]] = self.connection.execute('SELECT count(*) FROM gset_queue')
        return length

    def test_few_notes_are_kept(self):
        self.run_sql('INSERT INTO people (id) VALUES (1)')
        self.database.tidy()
        self.assertEqual(self.notes(), 4)

    def test_notes_of_the_same_row_become_one(self):
        self.run_sql('INSERT INTO people (id) VALUES (1)',
                     *['UPDATE people SET age = 1'] * 50)
        self.followers.sync(self.followers.join())
        self.database.tidy()
        self.assertLess(self.notes(), 6)
        answer = self.followers.sync(self.replica)
        self.assertEqual([
            (updates['id'], len(updates['adds']))
            for updates in answer['adds']], [('people', 1), ('others', 1)])
        self.run_sql('UPDATE people SET age = 2')
        self.assertNotIn('reset', self.followers.sync())

    def test_a_table_with_many_notes_forgets(self):
        self.followers.join()
        self.run_sql(*[f'INSERT INTO people (id) VALUES ({number})'
                       for number in range(30)], 'DELETE FROM people')
        between = self.followers.join()
        self.followers.sync(between)
        self.run_sql(*[f'INSERT INTO people (id) VALUES ({number})'
                       for number in range(30, 35)])
        self.database.tidy()
        self.assertLess(self.notes(), 15)
        people, others = self.followers.sync(self.replica)['adds']
        self.assertIn('contents', people)
        self.assertEqual(len(others['adds']), 1)
        [people] = self.followers.sync(between)['adds']
        self.assertEqual(len(people['adds']), 5)

    def test_as_many_notes_as_rows(self):
        """So a copy of a table in pages begins it again only if as many rows
        are written meanwhile.
        """
        self.followers.join()
        self.run_sql(*[f'INSERT INTO people (id) VALUES ({number})'
                       for number in range(30)])
        self.database.tidy()
        people, _ = self.followers.sync(self.replica)['adds']
        self.assertEqual(len(people['adds']), 30)
        before = self.replica.generation
        self.run_sql('DELETE FROM people WHERE id < 25')
        self.database.tidy()
        with self.database.reading() as reading:
            self.assertGreater(
                reading.floor(reading.table('people')), before)
        self.followers.sync()

    def test_nobody_waits_while_nothing_is_to_go(self):
        self.run_sql(*[f'INSERT INTO people (id) VALUES ({number})'
                       for number in range(9)], 'BEGIN IMMEDIATE')
        self.database.tidy()
        self.run_sql('COMMIT')
        self.assertEqual(self.notes(), 12)

    def test_some_notes_at_a_time(self):
        with mock.patch.object(queue, 'TOGETHER', 7):
            self.run_sql('INSERT INTO people (id) VALUES (1)',
                         *['UPDATE people SET age = 1'] * 17)
            lengths = [self.notes()]
            for _ in range(4):
                self.database.tidy()
                lengths.append(self.notes())
        self.assertEqual(
            [lengths[0] - length for length in lengths], [0, 7, 14, 17, 17])
        self.followers.sync()

    def test_notes_of_another_tracking(self):
        """They may have the numbers of those that were to go."""
        self.run_sql('PRAGMA journal_mode = WAL',
                     'INSERT INTO people (id) VALUES (1)',
                     *['UPDATE people SET age = 1'] * 50)
        find = queue.spare

        def spare(connection):
            found = find(connection)
            # Whoever tracks the tables anew does it in another process.
            other = SQLiteDatabase('data.db')
            self.addCleanup(other.close)
            other.execute(other.plan_untracking())
            tables.track(other, *self.names)
            self.run_sql(*[f'INSERT INTO others VALUES ({number})'
                           for number in range(2, 60)])
            return found

        with mock.patch.object(queue, 'spare', spare):
            self.database.tidy()
        self.assertGreater(self.notes(), 58)

    def test_tidying_up_takes_a_small_part_of_the_time(self):
        self.assertEqual(
            [tidying.pause(seconds) for seconds in (0.1, 0.2, 1, 30)],
            [10, 10, 50, 1500])

    def test_commits_are_noticed_while_it_tidies_up(self):
        begun, told, gate = [threading.Event() for _ in range(3)]
        self.addCleanup(gate.set)

        def tidy():
            begun.set()
            gate.wait(90)

        with mock.patch.object(self.database, 'tidy', tidy):
            end = self.source.listen(told.set)
        self.addCleanup(end)
        self.addCleanup(gate.set)  # before that
        self.assertTrue(begun.wait(90))
        for id in 1, 2:  # at first, it may have looked before a commit
            told.clear()
            self.run_sql(f'INSERT INTO people (id) VALUES ({id})')
            self.assertTrue(told.wait(90))

    def test_the_generation_stays(self):
        """Also if the last note is of a row that is gone."""
        self.run_sql(*[f'INSERT INTO people (id) VALUES ({number})'
                       for number in range(30)], 'DELETE FROM people')
        with self.database.reading() as reading:
            before = reading.position
        self.database.tidy()
        with self.database.reading() as reading:
            self.assertEqual(reading.position, before)
        self.followers.sync()

    def test_a_process_that_starts_again_knows_its_history(self):
        """The note that was handed out last is forgotten."""
        self.run_sql('INSERT INTO people (id) VALUES (1)')
        self.followers.sync()
        epoch = self.replica.epoch
        self.run_sql(*['UPDATE people SET age = 1'] * 50)
        self.database.tidy()
        self.followers.sync()
        self.assertEqual(self.replica.epoch, epoch)
