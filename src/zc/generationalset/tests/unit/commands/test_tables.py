"""The commands ``gset track``, ``gset untrack`` and ``serve --tables``."""

import json
import os
import sqlite3
import subprocess
from contextlib import closing

import httpx

from zc.generationalset.client import Client
from zc.generationalset.sql.sqlite import SQLiteDatabase
from zc.generationalset.tests.support import tables
from zc.generationalset.tests.support.commands import Serving
from zc.generationalset.tests.support.serving import ENVIRONMENT, wait

SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE orders (id INTEGER PRIMARY KEY, number TEXT UNIQUE);
CREATE TABLE log (text);
INSERT INTO orders VALUES (1, 'a');
"""
URL = 'sqlite:///shop.db'


class Base(Serving):

    def setUp(self):
        super().setUp()
        tables.make(self.path('shop.db'), SCHEMA)

    def execute(self, statement):
        with closing(sqlite3.connect(self.path('shop.db'))) as connection:
            connection.execute(statement)
            connection.commit()

    def dump(self):
        with closing(sqlite3.connect(self.path('shop.db'))) as connection:
            return list(connection.iterdump())


class TrackTests(Base):

    name = 'track'

    def done(self, *arguments):
        self.name, *rest = arguments
        return subprocess.run(
            self.command(*rest), cwd=self.directory, env=ENVIRONMENT,
            capture_output=True, text=True, timeout=90, check=True).stdout

    def test_to_and_fro(self):
        before = self.dump()
        dry = self.done('track', URL, 'orders', '--dry-run')
        self.assertIn('CREATE TRIGGER "gset_orders_insert"', dry)
        self.assertEqual(self.dump(), before)
        out = self.done('track', URL, 'orders', 'log', '--add-key')
        self.assertTrue(out.startswith(f'tracking orders, log of {URL}:\n'))
        self.assertIn('\n  CREATE TRIGGER "gset_orders_insert"', out)
        self.assertIn('old1_number', self.done(
            'track', URL, 'orders', '--note', 'number', '--dry-run'))
        tracked = self.dump()
        self.assertEqual(
            self.done('track', URL, 'orders', 'log'),
            f'tracked already: orders, log of {URL}\n')
        self.assertEqual(self.dump(), tracked)
        self.assertIn('DROP TRIGGER', self.done('untrack', URL))
        self.assertEqual(self.dump(), before)
        self.name = 'untrack'
        self.assertIn('no table is tracked', self.refused(URL, code=1))

    def test_what_is_refused(self):
        before = self.dump()
        for arguments, error in [
                ((URL, 'orders', 'log'), 'table log: expected a primary key'),
                ((URL, 'nix'), 'expected a table, one of log, orders; got n'),
                (('sqlite:///no.db', 'orders'), 'can not open'),
                (('mysql://u:secret@h/d', 't'), 'expected a URL')]:
            refused = self.refused(*arguments)
            self.assertIn(error, refused)
            self.assertNotIn('secret', refused)
        self.assertEqual(self.dump(), before)
        self.assertEqual(os.listdir(self.directory), ['shop.db'])


class ServeTests(Base):

    def setUp(self):
        super().setUp()
        with closing(SQLiteDatabase(self.path('shop.db'))) as database:
            tables.track(database, 'orders')

    def test_tables(self):
        with self.serving(URL, '--tables', 'orders') as line, \
                Client(self.url) as client:
            self.assertRegex(
                line, f'^serving orders of {URL} at http://127.0.0.1:')
            client.sync()
            self.assertEqual(client.replica.items, {
                'orders': {1: {'id': 1, 'number': 'a'}}})
            client.put(('orders', 2), {'number': 'b'})
            self.execute('DELETE FROM orders WHERE id = 1')
            # The server asks for commits of others every 20 ms.
            wait(lambda: [client.sync()] and client.replica.items == {
                'orders': {2: {'id': 2, 'number': 'b'}}})
            for path, value, status, member in [
                    ('~3', {'number': 'b'}, 409, 'constraint'),
                    ('~3', {'number': 3}, 400, 'detail'),
                    ('~3', {'nix': 3}, 400, 'detail'),
                    ('~3', 3, 400, 'detail'),
                    ('x', {}, 400, 'detail')]:
                response = httpx.put(
                    f'{self.url}/items/orders/{path}', json=value)
                self.assertEqual(response.status_code, status, response.text)
                self.assertIn(member, response.json())
            metrics = httpx.get(f'{self.url}/metrics').text
            self.assertIn('gset_', metrics)
            self.assertEqual(
                httpx.get(f'{self.url}/explore').status_code, 200)
            generation = client.replica.generation
            with httpx.stream(
                    'GET', f'{self.url}/events', params={
                        'generation': generation,
                        'epoch': client.replica.epoch}) as stream:
                self.execute("INSERT INTO orders VALUES (5, 'e')")
                data = next(line for line in stream.iter_lines()
                            if line.startswith('data:') and 'adds' in line)
            self.assertEqual(
                json.loads(data[5:])['adds'],
                [{'id': 'orders', 'adds': [[5, {'id': 5, 'number': 'e'}]]}])
        self.assertEqual(self.stderr, '')

    def test_workers(self):
        with self.serving(URL, '--tables', 'orders', '--workers', '2'):
            clients = [Client(self.url) for _ in range(4)]
            for number, client in enumerate(clients, 10):
                client.put(('orders', number), {'number': str(number)})
            self.execute("UPDATE orders SET number = 'z' WHERE id = 1")

            def equal():
                for client in clients:
                    client.sync()
                return all(client.replica.items == clients[0].replica.items
                           and len(client.replica.items['orders']) == 5
                           for client in clients)

            wait(equal)
            for client in clients:
                client.close()

    def test_tables_that_are_not_tracked_yet(self):
        self.execute('CREATE TABLE more (id INTEGER PRIMARY KEY)')
        process = subprocess.Popen(
            self.command('--port', '0', URL, '--tables', 'orders,more'),
            cwd=self.directory, env=ENVIRONMENT, stdout=subprocess.PIPE,
            text=True)
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith('serving'):
                process.terminate()
        process.stdout.close()
        self.assertEqual(process.wait(90), 0)
        self.assertEqual(lines[0], f'tracking orders, more of {URL}:\n')
        self.assertIn('gset_more_insert', ''.join(lines))

    def test_options_that_do_not_fit(self):
        for arguments, error in [
                (('--tables', 'orders'), 'the URL of a SQL database'),
                ((URL, '--tables', 'orders', '--demo'), 'got --demo'),
                ((URL, '--tables', 'orders', '--set', 'x'), 'got --set'),
                ((URL, '--tables', 'log'), 'expected a primary key')]:
            self.assertIn(error, self.refused(*arguments))
