"""``gset track``, ``serve --tables`` and ``untrack`` with PostgreSQL."""

import subprocess
from contextlib import closing
from urllib.parse import quote

import httpx
import psycopg
import psycopg2
from psycopg.conninfo import conninfo_to_dict

from zc.generationalset.client import Client
from zc.generationalset.sql import open_database
from zc.generationalset.tests.support.commands import Serving
from zc.generationalset.tests.support.places import EXAMPLES
from zc.generationalset.tests.support.postgresql import DATABASES
from zc.generationalset.tests.support.postgresql_tables import ORDERS
from zc.generationalset.tests.support.serving import ENVIRONMENT, wait


class ServingTests(Serving):

    layer = DATABASES
    name = 'serve'

    def setUp(self):
        super().setUp()
        self.dsn = DATABASES.lend(self)
        given = conninfo_to_dict(self.dsn)
        self.url = 'postgresql:///{}?host={}&user={}'.format(
            given['dbname'], quote(given['host'], safe=''), given['user'])
        self.execute(ORDERS)
        self.execute("INSERT INTO orders VALUES (1, 'a')")

    def execute(self, statement):
        with psycopg.connect(self.dsn) as connection:
            connection.execute(statement)

    def done(self, *arguments):
        self.name, *rest = arguments
        return subprocess.run(
            self.command(*rest), cwd=self.directory, env=ENVIRONMENT,
            capture_output=True, text=True, timeout=90, check=True).stdout

    def test_to_and_fro(self):
        url = self.url
        dry = self.done('track', url, 'orders', '--dry-run')
        self.assertIn('CREATE TRIGGER gset_1_write', dry)
        self.assertIn('tracking orders', self.done('track', url, 'orders'))
        self.assertIn('tracked already',
                      self.done('track', url, 'public.orders'))
        self.assertIn('DROP SCHEMA gset', self.done('untrack', url))

    def test_live(self):
        url = self.url
        self.done('track', url, 'orders')
        self.name = 'serve'
        with self.serving(
                url, '--tables', 'orders', '--workers', '2'), \
                Client(self.url) as client:
            client.sync()
            self.assertEqual(client.replica.items, {
                'orders': {1: {'id': 1, 'name': 'a'}}})
            client.put(('orders', 2), {'name': 'b'})
            self.execute('DELETE FROM orders WHERE id = 1')
            wait(lambda: [client.sync()] and client.replica.items == {
                'orders': {2: {'id': 2, 'name': 'b'}}})
            for path, value, status in [
                    ('~3', {'name': 3}, 400), ('~3', {'nix': 3}, 400),
                    ('x', {}, 400)]:
                response = httpx.put(
                    f'{self.url}/items/orders/{path}', json=value)
                self.assertEqual(response.status_code, status, response.text)

    def test_the_example(self):
        self.execute('DROP TABLE orders')
        self.execute((EXAMPLES / 'orders/orders.sql').read_text(
            encoding='utf-8'))
        self.done('track', self.url, 'orders')
        self.assertIn('DROP', self.done('untrack', self.url))

    def test_connections_and_engines(self):
        for connect in psycopg.connect, psycopg2.connect:
            with closing(connect(self.dsn)) as connection, \
                    closing(open_database(connection)) as database:
                self.assertEqual(
                    [table.name for table in database.tables()], ['orders'])
