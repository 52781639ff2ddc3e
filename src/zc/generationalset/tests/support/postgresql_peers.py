"""Databases of PostgreSQL that are kept equal with others."""

from contextlib import closing

import psycopg

from zc.generationalset.tests.support.peers import Peer

SCHEMA = 'CREATE TABLE things (id text PRIMARY KEY, a bigint, b bigint)'


class PostgreSQLPeer(Peer):
    """One whose programs use statements with ``?``, as those of SQLite."""

    def __init__(self, dsn, policy='server', schema=SCHEMA, tables=None):
        super().__init__(dsn, policy, schema, tables)

    def named(self):
        return lambda: psycopg.connect(self.path)

    def make(self, schema):
        with psycopg.connect(self.path) as connection:
            connection.execute(schema)

    def run(self, statement, *values):
        with closing(psycopg.connect(
                self.path, autocommit=True)) as connection:
            cursor = connection.execute(
                statement.replace('?', '%s'), values or None)
            return cursor.fetchall() if cursor.description else []
