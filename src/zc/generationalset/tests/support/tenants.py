"""A server of tables for users who see rows of their own."""

import sqlite3
from contextlib import closing

import httpx
import psycopg
from zope.testing import setupstack

from zc.generationalset.server import application
from zc.generationalset.sql import SQLSource, View, open_database
from zc.generationalset.tests.support import tables
from zc.generationalset.tests.support.postgresql import DATABASES
from zc.generationalset.tests.support.serving import served

TOKENS = {'first-token': 'ann', 'second-token': 'bob'}


class Tenants:
    """For tests with ``schema``, as a list of statements."""

    views = {'orders': View('orders', ['id', 'owner', 'name', 'total'],
                            'owner = :user')}
    tracked = 'orders',

    def setUp(self):
        for statement in self.schema:
            self.tell(statement)
        database = open_database(self.database)
        self.addCleanup(database.close)
        database.execute(database.plan_tracking(
            [table for table in database.tables()
             if table.name in self.tracked], noted=['owner']))
        context = served(application(
            SQLSource(database, self.seen), tokens=TOKENS,
            name=lambda request: request.scope['user']))
        self.url = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        self.ann, self.bob = (
            httpx.Client(base_url=self.url, timeout=90, headers={
                'authorization': f'Bearer {token}'}) for token in TOKENS)
        self.addCleanup(self.ann.close)
        self.addCleanup(self.bob.close)

    def seen(self, user):
        return {name: view._replace(parameters={'user': user})
                for name, view in self.views.items()}

    def refused(self, response, status, *texts):
        """Check a refusal, and that it tells none of the secrets."""
        self.assertEqual(response.status_code, status, response.text)
        for text in texts:
            self.assertIn(text, response.json()['detail'])
        for secret in self.secrets:
            self.assertNotIn(secret, response.text)


class SQLiteTenants(Tenants):

    database = 'sqlite:///shop.db'

    def setUp(self):
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)
        tables.make('shop.db', 'PRAGMA journal_mode = WAL;')
        super().setUp()

    def tell(self, statement):
        with closing(sqlite3.connect('shop.db')) as connection:
            found = connection.execute(statement).fetchall()
            connection.commit()
            return found


class PostgreSQLTenants(Tenants):

    layer = DATABASES

    def setUp(self):
        self.dsn = DATABASES.lend(self)
        super().setUp()

    @property
    def database(self):
        return lambda: psycopg.connect(self.dsn)

    def tell(self, statement):
        with psycopg.connect(self.dsn) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []
