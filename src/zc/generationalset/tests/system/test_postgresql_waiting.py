"""Many changes at once: they wait in the queue, and nobody waits for them."""

from unittest import mock

from zc.generationalset.sql.postgresql import moment
from zc.generationalset.tests.support.postgresql_tables import (
    ORDERS,
    Copy,
    PostgreSQLTests,
)


class WaitingTests(PostgreSQLTests):

    def setUp(self):
        super().setUp()
        self.enterContext(mock.patch.object(moment, 'MANY', 10))
        self.database = self.track(ORDERS)
        self.tell('INSERT INTO orders SELECT generate_series(1, 95)')
        while not self.is_settled():
            self.database.version()
        self.copies = [self.copy(limit) for limit in (None, 1, 7, 200)]

    def copy(self, limit=None):
        copy = Copy('public.orders', limit=limit)
        self.check(copy, self.database)
        return copy

    def waiting(self):
        """Return how many changes are in the queue."""
        [[count]] = self.tell('SELECT count(*) FROM gset.queue_1')
        return count

    def is_settled(self):
        [[settled]] = self.tell('SELECT waiting IS NULL FROM gset.tables')
        return settled and not self.waiting()

    def change_all(self, name='a'):
        self.tell('UPDATE orders SET name = %s', [name])

    def keys(self, copy):
        self.check(copy, self.database)
        self.assertEqual(copy.renewed, set())
        return copy.keys['public.orders']

    def test_who_reads_first_does_not_wait(self):
        self.change_all()
        for copy in self.copies:
            self.assertEqual(len(self.keys(copy)), 95)
            self.assertEqual(self.keys(copy), set())
        self.assertGreater(self.waiting(), 80)

    def test_who_writes_first_does_not_wait(self):
        self.change_all()
        with self.database.writing() as writing:
            table = writing.table('public.orders')
            since = self.copies[0].position.generation
            self.assertGreater(writing.changed(table, (50,)), since)
            writing.update(table, (50,), {'name': 'b'})
        self.assertGreater(self.waiting(), 80)
        self.assertEqual(len(self.keys(self.copies[0])), 95)

    def test_some_are_moved_at_a_time(self):
        """Whoever asks gets all of them, and nobody gets them twice."""
        self.change_all()
        position, waiting = self.database.version(), [self.waiting()]
        current = self.copy()
        while not self.is_settled():
            self.assertEqual(self.database.version(), position)
            waiting.append(self.waiting())
            self.assertLessEqual(waiting[-2] - waiting[-1], 10)
            self.assertEqual(self.keys(current), set())
            behind = Copy('public.orders')
            behind.position = self.copies[0].position
            self.check(behind, self.database)
            self.assertEqual(len(behind.keys['public.orders']), 95)
        self.assertEqual(waiting[0], 95)

    def test_changes_meanwhile(self):
        """The last one of a row counts, whichever is moved first."""
        self.change_all()
        self.database.version()
        current = self.copy(3)
        for id in range(1, 95, 9):
            self.tell(f'DELETE FROM orders WHERE id = {id}')
            self.tell(f"UPDATE orders SET name = 'b' WHERE id = {id} + 1")
            self.assertEqual(self.keys(current), {(id,), (id + 1,)})
        while not self.is_settled():
            self.database.version()
        self.assertEqual(self.keys(current), set())
        for copy in self.copies:
            self.assertEqual(len(self.keys(copy)), 95)

    def test_many_more_meanwhile(self):
        self.change_all()
        self.database.version()
        current = self.copy(3)
        self.change_all('b')
        self.assertEqual(len(self.keys(current)), 95)
        while not self.is_settled():
            self.database.version()
            self.assertEqual(self.keys(current), set())
        for copy in self.copies:
            self.assertEqual(len(self.keys(copy)), 95)

    def test_a_table_that_is_emptied(self):
        for statement in (
                # What a trigger notes, alone.
                "UPDATE orders SET name = 'c'; "
                'INSERT INTO gset.queue_1 (gone) VALUES (true)',
                "UPDATE orders SET name = 'b'; TRUNCATE orders",
                "TRUNCATE orders; INSERT INTO orders VALUES (5)",
                'INSERT INTO orders SELECT generate_series(200, 250); '
                'TRUNCATE orders; INSERT INTO orders VALUES (3)'):
            self.tell(statement)
            copy = self.copies.pop()
            self.check(copy, self.database)
            self.assertEqual(copy.renewed, {'public.orders'})
            while not self.is_settled():
                self.database.version()
            self.assertEqual(self.keys(copy), set())

    def test_a_table_that_is_altered(self):
        """A migration sets a new column of all rows."""
        self.tell('ALTER TABLE orders ADD COLUMN size int; '
                  'UPDATE orders SET size = id')
        copy = self.copies.pop()
        self.check(copy, self.database)
        self.assertEqual(copy.renewed, {'public.orders'})
        self.assertGreater(self.waiting(), 80)
        while not self.is_settled():
            self.database.version()
        self.assertEqual(self.keys(copy), set())

    def test_another_database(self):
        """Nothing of what waits has a number of that one."""
        self.change_all()
        self.database.version()
        before = self.copies[0].position
        self.tell("UPDATE gset.state SET identity = 'other'")
        for copy in self.copies:
            self.check(copy, self.database)
            self.assertNotEqual(copy.position.epoch, before.epoch)
        self.assertTrue(self.is_settled())
        self.change_all('b')
        for copy in self.copies:
            self.assertEqual(len(self.keys(copy)), 95)
