"""The command ``gset serve``."""

import json
import os
import signal
import socket
import subprocess
import threading
import unittest
from unittest import mock

import httpx
import ZODB
from ZODB.FileStorage import FileStorage

from zc.generationalset.client import Client
from zc.generationalset.commands import serving
from zc.generationalset.documents import Document
from zc.generationalset.tests.support.commands import Serving
from zc.generationalset.tests.support.serving import ENVIRONMENT


class ServeTests(Serving):

    def test_new_file(self):
        with self.serving('Data.fs') as line:
            self.assertRegex(
                line, r'^serving things of Data.fs at http://127.0.0.1:\d+$')
            with Client(self.url) as client:
                client.put('milk', {'text': 'Buy milk'})
        self.assertEqual(self.stderr, '')
        with self.serving('Data.fs'), Client(self.url) as client:
            client.sync()
            self.assertEqual(
                client.replica.items, {'milk': {'text': 'Buy milk'}})
        # It was closed, and will be opened quickly.
        self.assertTrue(os.path.exists(self.path('Data.fs.index')))

    def test_in_memory(self):
        with self.serving() as line, Client(self.url) as client:
            self.assertIn('memory (nothing is kept)', line)
            client.put('a', 1)
            client.sync()
            self.assertEqual(client.replica.items, {'a': 1})
        self.assertEqual(os.listdir(self.directory), [])

    def test_uri(self):
        self.fill('Data.fs', 'people')
        with self.serving(f'file://{self.path("Data.fs")}') as line:
            self.assertIn('serving people of', line)
            self.assertEqual(
                httpx.get(f'{self.url}/items/').json()['length'], 1)

    def test_which_set(self):
        self.fill('Data.fs', 'people', 'rooms')
        self.assertIn('--set, one of people, rooms', self.refused('Data.fs'))
        with self.serving('Data.fs', '--set', 'rooms') as line:
            self.assertIn('serving rooms of', line)
        with self.serving('Data.fs', '--set', 'people/inner') as line:
            self.assertIn('serving people/inner of', line)
            self.assertEqual(
                httpx.get(f'{self.url}/items/').json()['length'], 0)
        self.assertIn('expected a generational set at no/set, got',
                      self.refused('Data.fs', '--set', 'no/set'))
        with self.serving('Data.fs', '--set', 'new') as line:
            self.assertIn('serving new of', line)

    def test_not_a_set(self):
        db = ZODB.DB(FileStorage(self.path('Data.fs')))
        with db.transaction() as connection:
            connection.root.thing = 1
        db.close()
        self.assertIn('got 1', self.refused('Data.fs', '--set', 'thing'))

    def test_databases_that_can_not_be_opened(self):
        with open(self.path('x.txt'), 'w') as file:
            file.write('no database')
        os.mkdir(self.path('folder'))
        before = os.listdir(self.directory)
        for data, error in [
                ('x.txt', 'got x.txt, which is something else'),
                ('folder', 'got folder, which is a directory'),
                ('no/Data.fs', 'can not open no/Data.fs: '),
                ('nothing://x', 'file or zconfig, got one of nothing')]:
            self.assertIn(error, self.refused(data))
        self.assertEqual(os.listdir(self.directory), before)
        with self.serving('Data.fs'):
            self.assertIn('can not open Data.fs: another process has it open',
                          self.refused('Data.fs'))

    def test_a_start_that_fails_makes_nothing(self):
        with socket.create_server(('127.0.0.1', 0)) as taken:
            port = str(taken.getsockname()[1])
            for options in ['--port', port], ['--set', 'a/b']:
                self.refused('New.fs', *options)
        self.assertEqual(os.listdir(self.directory), [])

    def test_what_is_made_is_told(self):
        for arguments, expected in [
                (['Data.fs'], 'made Data.fs\n'), (['Data.fs'], ''),
                (['Data.fs', '--set', 'x'], 'made the set x\n')]:
            with self.serving(*arguments):
                self.process.terminate()
                self.assertEqual(self.process.stdout.read(), expected)

    def test_numbers(self):
        for option, value in [
                ('--port', '65536'), ('--port', '-1'), ('--port', 'x'),
                ('--streams', '0'), ('--workers', '0')]:
            result = subprocess.run(
                self.command(option, value), env=ENVIRONMENT,
                capture_output=True, text=True, timeout=90)
            self.assertEqual(result.returncode, 2)
            self.assertIn(f'argument {option}: expected a number of ',
                          result.stderr)

    def test_addresses(self):
        self.assertIn('--token-file to listen on 0.0.0.0',
                      self.refused('--host', '0.0.0.0'))
        self.assertIn('--token-file', self.refused('--host', 'example.org'))
        with socket.create_server(('127.0.0.1', 0)) as taken:
            port = str(taken.getsockname()[1])
            self.assertIn('can not listen on 127.0.0.1',
                          self.refused('--port', port))

    def test_names_of_other_hosts(self):
        with self.serving():
            for host, status in [('127.0.0.1:80', 200), ('localhost', 200),
                                 ('example.org', 400)]:
                response = httpx.get(
                    f'{self.url}/updates', headers={'host': host})
                self.assertEqual(response.status_code, status)
            self.assertEqual(response.headers['content-type'],
                             'application/problem+json')
            self.assertIn("localhost, an IP address, got one to "
                          "'example.org'", response.json()['detail'])
            for host in '[::1]:80', '[::1]', 'LocalHost:1', '127.0.0.1:x':
                self.assertEqual(httpx.get(
                    f'{self.url}/updates', headers={'host': host},
                    ).status_code, 200)
            for host in '[::1', '', '127.0.0.1.org', 'localhost.example.org':
                self.assertEqual(httpx.get(
                    f'{self.url}/updates', headers={'host': host},
                    ).status_code, 400)

    def test_many_writers(self):
        with self.serving('Data.fs'):
            def write(number):
                for count in range(10):
                    httpx.put(f'{self.url}/items/{number}', json=count
                              ).raise_for_status()
            threads = [threading.Thread(target=write, args=(number,))
                       for number in range(30)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(90)
            self.assertEqual(
                httpx.get(f'{self.url}/items/').json()['length'], 30)
        self.assertEqual(self.stderr, '')

    def test_clients_that_do_not_read(self):
        with self.serving() as line:
            port = int(line.rpartition(':')[2])
            with socket.create_connection(('127.0.0.1', port)) as connection:
                connection.setsockopt(
                    socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                connection.sendall(
                    b'GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n')
                connection.recv(1)
                for number in range(60):
                    httpx.put(f'{self.url}/items/a', json=f'{number}' * 90_000
                              ).raise_for_status()
                process, self.process = self.process, None
                process.send_signal(signal.SIGTERM)
                self.assertEqual(process.wait(90), 0)
        self.assertEqual(self.stderr, '')

    def test_tokens(self):
        with self.serving('--token-file', self.tokens(), '--host', '0.0.0.0',
                          GSET_TOKEN='secret-of-a-client'):
            url = self.url.replace('0.0.0.0', '127.0.0.1')
            for token, status in [
                    ('secret-a', 200), ('secret-b', 200), ('x', 401),
                    ('secret-of-a-client', 401)]:
                response = httpx.get(f'{url}/updates', headers={
                    'authorization': f'Bearer {token}'})
                self.assertEqual(response.status_code, status)
        with self.serving(GSET_TOKEN='secret'):
            self.assertEqual(
                httpx.get(f'{self.url}/updates').status_code, 401)
            with Client(self.url, 'secret') as client:
                client.sync()

    def test_who_may_write(self):
        with open(self.path('tokens'), 'w') as file:
            file.write('ann secret-a\nbob secret-b read\n')
        for arguments, allowed in [
                (['--token-file', 'tokens'], [True, False]),
                (['--token-file', 'tokens', '--read-only'], [False, False])]:
            with self.serving(*arguments):
                for token, may_write in zip(
                        ['secret-a', 'secret-b'], allowed, strict=True):
                    response = httpx.put(
                        f'{self.url}/items/a', json=1,
                        headers={'authorization': f'Bearer {token}'})
                    self.assertEqual(
                        response.status_code in (200, 201), may_write)

    def test_read_only(self):
        with self.serving('--read-only'):
            response = httpx.put(f'{self.url}/items/a', json=1)
            self.assertEqual(response.status_code, 403)
            self.assertIn('for reading only', response.json()['detail'])

    def test_origins(self):
        for origin in '*', 'null':
            self.assertIn('--origin: expected tokens',
                          self.refused('--origin', origin))
        for origin in 'foo', 'https://app.example/', 'https://a.example/x':
            self.assertIn('--origin: expected an origin such as',
                          self.refused('--origin', origin))
        with self.serving('--token-file', self.tokens(), '--origin', '*'):
            pass

    def test_files_are_for_their_owner(self):
        with self.serving('Data.fs', '--token-file', self.tokens()):
            pass
        modes = {name: os.stat(self.path(name)).st_mode & 0o077
                 for name in os.listdir(self.directory) if name != 'tokens'}
        self.assertIn('Data.fs.index', modes)
        self.assertEqual(set(modes.values()), {0})

    def test_bad_token_files(self):
        with open(self.path('tokens'), 'w') as file:
            file.write('one\n')
        self.assertIn('tokens, line 1', self.refused('--token-file', 'tokens'))
        self.assertIn('can not read no', self.refused('--token-file', 'no'))

    def test_logs(self):
        with self.serving('--log-format', 'json', '--log-level', 'info',
                          '--token-file', self.tokens()):
            for path in '/updates?generation=1', '/items/private':
                httpx.get(f'{self.url}{path}',
                          headers={'authorization': 'Bearer secret-a'})
        entries = [json.loads(line) for line in self.stderr.splitlines()]
        requests = [entry for entry in entries if 'request' in entry]
        self.assertEqual(
            [(entry['message'], entry['level'], entry['logger'],
              entry['request']['user']) for entry in requests], [
                ('GET /updates 200', 'info', 'zc.generationalset.requests',
                 'ann'),
                ('GET /items/ 404', 'info', 'zc.generationalset.requests',
                 'ann')])
        for secret in 'secret-a', 'private', 'generation=':
            self.assertNotIn(secret, self.stderr)
        with self.serving('--log-level', 'info'):
            httpx.get(f'{self.url}/updates')
        self.assertRegex(
            self.stderr, r'\d INFO zc.generationalset.requests: GET /updates')

    def tokens(self):
        with open(self.path('tokens'), 'w') as file:
            file.write('# who may\n\nann secret-a\nbob secret-b\n')
        return 'tokens'

    def test_streams(self):
        with self.serving('--streams', '1'), httpx.stream(
                'GET', f'{self.url}/events') as stream:
            pieces = stream.iter_raw()  # the stream is closed if it goes
            next(pieces)
            self.assertEqual(
                httpx.get(f'{self.url}/events').status_code, 429)

    def test_event_streams_end_with_it(self):
        with self.serving(), httpx.stream(
                'GET', f'{self.url}/events') as stream:
            next(stream.iter_raw())

    def test_help(self):
        result = subprocess.run(
            self.command('--help'), env=ENVIRONMENT, capture_output=True,
            text=True, check=True)
        self.assertIn('gset serve Data.fs', result.stdout)


class PrepareTests(unittest.TestCase):

    def test_another_process_prepares_at_the_same_time(self):
        db = ZODB.DB(None)
        self.addCleanup(db.close)
        found = []

        def opened(manager):
            connection = ZODB.DB.open(db, manager)
            connection.root().keys()  # as it was
            if not found:
                found.append(None)
                found.append(serving.prepare(db, None))
            return connection

        with mock.patch.object(db, 'open', opened):
            self.assertEqual(
                serving.prepare(db, None, lambda gset: gset.add(
                    Document('a', 1))), (['things'], False))
        self.assertEqual(found[1:], [(['things'], True)])
        with db.transaction() as connection:
            self.assertEqual(len(connection.root()['things']), 1)
