"""Writers of tracked tables who are killed at any moment."""

import os
import random
import signal
import sqlite3
import time
import unittest

import psycopg

from zc.generationalset.sql import SQLSource, open_database
from zc.generationalset.tests.contract.databases import (
    PostgreSQLBase,
    SQLiteBase,
)
from zc.generationalset.tests.support import tables
from zc.generationalset.tests.support.layers import Processes
from zc.generationalset.tests.support.processes import wait
from zc.generationalset.tests.support.properties import MORE, THOROUGH

SEED = 7
ROUNDS = 12 * MORE if THOROUGH else 12


def transactions(random):
    """Yield statements, for ever; each list is a transaction."""
    while True:
        yield [random.choice([
            'INSERT INTO lines VALUES ({0}, {1}, \'a\') '
            'ON CONFLICT (place, number) DO UPDATE SET what = \'b\'',
            'UPDATE lines SET what = \'c{1}\' WHERE place = {0}',
            'DELETE FROM lines WHERE place = {0}',
            'UPDATE lines SET number = number + 1000 '
            'WHERE place = {0} AND number = {1}']).format(
                random.randrange(5), random.randrange(10))
            for _ in range(random.randrange(1, 6))]


@unittest.skipUnless(hasattr(os, 'fork'), 'needs os.fork, to be quick')
class KilledWritersContract:
    """Those who follow have what is committed, and nothing else."""

    def test_kill(self):
        self.begin()
        database = open_database(self.url)
        self.addCleanup(database.close)
        followers = tables.Followers(SQLSource(database, ['lines']))
        replica, chance = followers.join(), random.Random(SEED)
        number, seen = 0, set()
        while number < ROUNDS or len(seen) <= ROUNDS // 2:
            if number % 3 == 0:
                followers.join()
            self.write_and_kill(chance)
            followers.sync()
            number += 1
            self.assertLess(number, 20 * ROUNDS)
            seen.add(replica.generation)
            self.assertEqual(
                {id: row['what'] for id, row
                 in replica.items['lines'].items()},
                {(place, number): what for place, number, what
                 in self.rows('lines', 'place, number, what')})

    def begin(self):
        self.database.execute(self.database.plan_tracking([
            table for table in self.database.tables()
            if table.name == 'lines']))

    def write_and_kill(self, chance):
        """Kill a process somewhere in its transactions."""
        read, told = os.pipe()
        seed, seconds = chance.random(), chance.uniform(0, 0.02)
        pid = os.fork()
        if pid == 0:
            try:
                self.write(random.Random(seed), told)
            finally:
                os._exit(1)
        os.close(told)
        with os.fdopen(read, 'rb') as pipe:
            self.assertTrue(pipe.read(1))  # something is committed
            time.sleep(seconds)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def write(self, chance, told):
        execute = self.connected()
        for statements in transactions(chance):
            execute('BEGIN')
            for statement in statements:
                execute(statement)
            execute('COMMIT')
            os.write(told, b'.')


class SQLiteTests(KilledWritersContract, SQLiteBase, unittest.TestCase):

    layer = Processes
    url = 'sqlite:///data.db'

    def connected(self):
        return sqlite3.connect('data.db', isolation_level=None).execute


class PostgreSQLTests(KilledWritersContract, PostgreSQLBase):

    @property
    def url(self):
        info = self.connection.info
        return f'postgresql:///{info.dbname}?host={info.host}&user={info.user}'

    def connected(self):
        return psycopg.connect(
            self.dsn, autocommit=True, application_name='writer').execute

    def write_and_kill(self, chance):
        super().write_and_kill(chance)
        # The server may still do what was asked for.
        wait(lambda: not self.execute(
            'SELECT FROM pg_stat_activity '
            "WHERE application_name = 'writer'"))
