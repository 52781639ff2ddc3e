"""Random histories: many connections write to PostgreSQL, while others read.

Whoever reads must have exactly what the tables have in the same snapshot,
however far behind it was.
"""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import psycopg
from psycopg import errors

from zc.generationalset.sql.postgresql import moment
from zc.generationalset.tests.support.postgresql_tables import (
    LINES,
    ORDERS,
    Copy,
    PostgreSQLTests,
)
from zc.generationalset.tests.support.properties import MORE, THOROUGH

NOTES = '''
    CREATE TABLE notes (id int PRIMARY KEY, "order" int
        REFERENCES orders ON DELETE CASCADE ON UPDATE CASCADE,
        place int UNIQUE DEFERRABLE INITIALLY DEFERRED)'''

#: What some readers see.
CONDITIONS = {
    'public.orders': "name > '5'", 'public.lines': 'place % 2 = 0',
    'public.notes': 'place > 5 OR id % 3 = 1'}

#: Each with a weight; {} are random numbers.
STATEMENTS = {
    "INSERT INTO orders VALUES ({}, '{}') "
    'ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name': 6,
    "UPDATE orders SET name = '{}' WHERE id % 4 = {} % 4": 4,
    'UPDATE orders SET id = {} WHERE id = {}': 4,
    'DELETE FROM orders WHERE id = {}': 3,
    "INSERT INTO lines VALUES ({}, '{}')": 5,
    'UPDATE lines SET place = {} WHERE place = {}': 4,
    "DELETE FROM high WHERE name = '{}'": 1,
    "MERGE INTO lines l USING (VALUES ({}, '{}')) v (place, name) "
    'ON l.place = v.place WHEN MATCHED THEN DELETE '
    'WHEN NOT MATCHED THEN INSERT VALUES (v.place, v.name)': 2,
    'INSERT INTO notes VALUES ({}, {}, {})': 5,
    # Two places swap.
    'UPDATE notes SET place = {0} + {1} - place '
    'WHERE place IN ({0}, {1})': 3,
    'SAVEPOINT s; DELETE FROM orders WHERE id % 2 = {} % 2; '
    'ROLLBACK TO s': 2,
    'SELECT pg_sleep(0.00{})': 2,
    'TRUNCATE notes': 0.3,
    'TRUNCATE low': 0.2,
    'TRUNCATE orders CASCADE': 0.1,
    'ALTER TABLE orders ADD COLUMN c{} int DEFAULT {}': 0.2,
    'ALTER TABLE orders DROP COLUMN IF EXISTS c{}': 0.2,
    'ALTER TABLE lines DETACH PARTITION high': 0.1,
    'ALTER TABLE lines ATTACH PARTITION high '
    'FOR VALUES FROM (10) TO (20)': 0.2,
    'ALTER TABLE notes DISABLE TRIGGER ALL; '
    'UPDATE notes SET place = place + {}; '
    'ALTER TABLE notes ENABLE TRIGGER ALL; '
    'ALTER TABLE notes ENABLE ALWAYS TRIGGER gset_2_write; '
    'ALTER TABLE notes ENABLE ALWAYS TRIGGER gset_2_move; '
    'ALTER TABLE notes ENABLE ALWAYS TRIGGER gset_2_delete; '
    'ALTER TABLE notes ENABLE ALWAYS TRIGGER gset_2_truncate': 0.2,
}

#: What may happen to a transaction among others.
EXPECTED = (
    psycopg.IntegrityError, errors.LockNotAvailable, errors.DeadlockDetected,
    errors.DuplicateColumn, errors.WrongObjectType, errors.ObjectInUse,
    errors.UndefinedTable, errors.SerializationFailure,
    errors.ObjectNotInPrerequisiteState)


class HistoriesTests(PostgreSQLTests):

    writers = 4
    readers = 3
    transactions = 60 * (MORE if THOROUGH else 1)
    limits = None,

    def test_whoever_reads_has_what_is_there(self):
        self.database = self.track(
            ORDERS, LINES, NOTES, noted=['name', 'place'])
        self.seed = random.randrange(10 ** 9) if THOROUGH else 1
        self.writing = threading.Event()
        self.writing.set()
        self.answers = [0] * self.readers
        with ThreadPoolExecutor(self.writers + self.readers) as threads:
            self.reading = [threads.submit(self.read, number)
                            for number in range(self.readers)]
            writing = [threads.submit(self.write, number)
                       for number in range(self.writers)]
            try:
                for each in writing:
                    each.result()
            finally:
                self.writing.clear()
            for each in self.reading:
                each.result()

    def write(self, number):
        """Make transactions until some are in and readers have had answers."""
        chance = random.Random(f'{self.seed} {number}')
        connection = self.connect()
        connection.execute("SET lock_timeout = '200ms'")
        connection.commit()
        made = turn = 0
        while (turn < self.transactions or made < self.transactions / 5
               or not self.is_read()):
            turn += 1
            try:
                for _ in range(chance.choice([1, 1, 2, 5])):
                    connection.execute(statement(chance))
                if chance.random() < 0.15:
                    connection.rollback()
                    continue
                if chance.random() < 0.1:
                    name = f'gset_{number}_{turn}'
                    connection.execute(f"PREPARE TRANSACTION '{name}'")
                    connection.rollback()  # it has none any more
                    connection.autocommit = True
                    connection.execute('SELECT pg_sleep(0.01)')
                    connection.execute(f"COMMIT PREPARED '{name}'")
                    connection.autocommit = False
                else:
                    connection.commit()
                made += 1
            except EXPECTED:
                connection.rollback()

    def is_read(self):
        return (min(self.answers) > 2
                or any(each.done() for each in self.reading))

    def read(self, number):
        """Ask again and again, and count the answers."""
        chance = random.Random(f'{self.seed} reads {number}')
        database = self.open(removals=20) if number else self.database
        names = 'public.orders', 'public.lines', 'public.notes'
        copies = [Copy(*names, conditions=conditions, limit=limit)
                  for conditions in ((), CONDITIONS) * 2
                  for limit in self.limits]
        while self.writing.is_set():
            copy = chance.choice(copies)
            self.check(copy, database)
            self.answers[number] += 1
            if chance.random() < 0.1:
                chance.choice([database.version, database.tidy])()
            if chance.random() < 0.05:
                copies[copies.index(copy)] = Copy(
                    *names, conditions=copy.conditions, limit=copy.limit)
        for copy in copies:
            self.check(copy, database)

    def check(self, copy, database):
        before = copy.position
        truth = copy.ask(database)
        for name, rows in truth.items():
            wrong = dict(copy.rows[name].items() ^ rows.items())
            if wrong:
                self.fail(
                    f'seed {self.seed}, from {before} to {copy.position}: '
                    f'{name}: {wrong} differ; renewed: {copy.renewed}, '
                    f'keys: {copy.keys.get(name)}')


class WaitingTests(HistoriesTests):
    """Most changes wait in the queue, and a few of them are moved at a time.
    """

    transactions = 30 * (MORE if THOROUGH else 1)
    limits = None, 2

    def setUp(self):
        super().setUp()
        self.enterContext(mock.patch.object(moment, 'MANY', 2))


def statement(chance):
    [text] = chance.choices(list(STATEMENTS), list(STATEMENTS.values()))
    return text.format(*[chance.randrange(20) for _ in range(4)])
