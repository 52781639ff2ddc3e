"""The queue forgets, and says from when on."""

from unittest import mock

from zc.generationalset.sql.sqlite import queue
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
                       for number in range(30)])
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
