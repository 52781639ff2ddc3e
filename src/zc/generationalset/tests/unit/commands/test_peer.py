"""The commands ``gset peer serve`` and ``gset peer sync``."""

import io
import os
import signal
import socket
import sqlite3
import stat
import subprocess
from contextlib import (
    closing,
    contextmanager,
    redirect_stderr,
    redirect_stdout,
)
from unittest import mock

from zc.generationalset.__main__ import main
from zc.generationalset.sql.peers import frames, links
from zc.generationalset.sql.peers.conversation import PROTOCOL
from zc.generationalset.sql.sqlite import SQLiteDatabase
from zc.generationalset.tests.support import tables
from zc.generationalset.tests.support.certificates import CLIENT, SERVER
from zc.generationalset.tests.support.commands import Serving
from zc.generationalset.tests.support.ports import free_port
from zc.generationalset.tests.support.serving import ENVIRONMENT
from zc.generationalset.tests.unit.commands.test_verify import gset

SCHEMA = '''
    PRAGMA journal_mode = WAL;
    CREATE TABLE orders (id TEXT PRIMARY KEY, owner TEXT, total TEXT);
    CREATE TABLE counted (id INTEGER PRIMARY KEY);'''
HERE, THERE = 'sqlite:///here.db', 'sqlite:///there.db'
TABLES = '--tables', 'orders'
ANY = 'tcp://127.0.0.1:0'


class Base(Serving):

    name = 'peer'

    def setUp(self):
        super().setUp()
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.directory)
        for name in 'here.db', 'there.db':
            tables.make(name, SCHEMA)
        self.run_sql('there.db', "INSERT INTO orders VALUES ('a', 'ann', 1)")

    run_sql = staticmethod(tables.make)

    @contextmanager
    def serving(self, *arguments, at=ANY):
        """Run a server; yield its address."""
        process = subprocess.Popen(
            self.command('serve', THERE, *arguments, '--at', at),
            env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True)
        try:
            line = next((line for line in process.stdout
                         if line.startswith('keeping ')), '')
            if not line:
                self.fail(process.stderr.read())
            self.assertTrue(line.startswith(
                f'keeping orders of {THERE} equal at '), line)
            yield line.split()[-1]
        finally:
            process.send_signal(signal.SIGTERM)
            _, self.stderr = process.communicate(timeout=90)
        self.assertEqual(process.returncode, 0, self.stderr)

    def sync(self, server, *arguments):
        """Sync; return exit code, the last line, and errors."""
        code, out, errors = gset(
            'peer', 'sync', HERE, server, *TABLES, *arguments)
        return code, ''.join(out.splitlines()[-1:]), errors

    def equal(self, server, *arguments, counts):
        self.assertEqual(self.sync(server, *arguments), (
            0, f'{HERE}: sent %s, received %s, conflicts %s' % counts, ''))

    def rows(self, name):
        with closing(sqlite3.connect(name)) as connection:
            return connection.execute(
                'SELECT * FROM orders ORDER BY id').fetchall()

    def write(self, name, text):
        with open(name, 'w') as file:
            file.write(text)
        os.chmod(name, 0o600)


class PeerTests(Base):

    def test_both_ways(self):
        self.run_sql('here.db', "INSERT INTO orders VALUES ('b', 'bob', 2)")
        with self.serving(*TABLES, '--policy', 'columns') as server:
            self.equal(server, counts=(1, 2, 0))
            self.run_sql('here.db', "UPDATE orders SET total = 3, owner = 'x'")
            self.run_sql('there.db', 'UPDATE orders SET total = 4')
            self.equal(server, counts=(2, 2, 2))
            self.equal(server, counts=(0, 0, 0))
        expected = [('a', 'x', '4'), ('b', 'x', '4')]
        for name in 'here.db', 'there.db':
            self.assertEqual(self.rows(name), expected)
        self.assertEqual(self.stderr, '')

    def test_what_is_tracked_is_said(self):
        with self.serving(*TABLES) as server:
            _, out, _ = gset('peer', 'sync', HERE, server, *TABLES)
        self.assertTrue(out.startswith(f'tracking orders of {HERE}:\n  '))

    def test_unix(self):
        for left in False, True:
            if left:  # as after a power failure
                with socket.socket(socket.AF_UNIX) as listening:
                    listening.bind('socket')
            with self.serving(*TABLES, at='unix:socket') as server:
                mode = os.stat('socket').st_mode
                self.assertEqual(stat.S_IMODE(mode), 0o600)
                self.assertEqual(self.sync(server)[0], 0)
                self.refuses_to_listen()
            self.assertFalse(os.path.exists('socket'))
        self.write('socket', 'no socket')
        self.refuses_to_listen()
        self.assertTrue(os.path.exists('socket'))

    def refuses_to_listen(self):
        code, _, errors = gset(
            'peer', 'serve', THERE, *TABLES, '--at', 'unix:socket')
        self.assertEqual(code, 2)
        self.assertIn('can not listen at unix:socket: ', errors)

    def test_tls(self):
        with self.serving(*TABLES, '--cert', str(SERVER), '--ca', str(CLIENT),
                          at='tls://127.0.0.1:0') as server:
            trusting = '--ca', str(SERVER)
            proving = *trusting, '--cert', str(CLIENT)
            self.equal(server, *proving, '--name', 'server', counts=(0, 1, 0))
            for options in proving, ['--name', 'server', *proving[2:]]:
                code, _, errors = self.sync(server, *options)
                self.assertEqual(code, 2)
                self.assertIn('certificate verify failed', errors)
            self.assertEqual(
                self.sync(server, *trusting, '--name', 'server')[0], 2)

    def test_tokens(self):
        self.write('tokens', 'ann secret-of-ann\n')
        self.write('token', 'secret-of-ann\n')
        with self.serving(*TABLES, '--token-file', 'tokens') as server:
            self.equal(server, '--token-file', 'token', counts=(0, 1, 0))
            with mock.patch.dict(os.environ, GSET_TOKEN='secret-of-ann'):
                self.equal(server, counts=(0, 0, 0))
            code, _, errors = self.sync(server)
            self.assertEqual(code, 1)
            self.assertIn('expected another token', errors)
        self.assertNotIn('secret', self.stderr)

    def test_http(self):
        self.write('tokens', 'ann secret-of-ann\n')
        with self.serving(*TABLES, '--token-file', 'tokens',
                          at='http://127.0.0.1:0/sync') as server:
            with mock.patch.dict(os.environ, GSET_TOKEN='secret-of-ann'):
                self.equal(server, counts=(0, 1, 0))
            code, _, errors = self.sync(server)
            self.assertEqual(code, 1)
            self.assertIn('401', errors)

    def test_views(self):
        self.run_sql('there.db', "INSERT INTO orders VALUES ('b', 'bob', 2)")
        self.write('tokens', 'ann secret-of-ann\nbob secret-of-bob\n')
        self.write('views.toml', '[orders]\nwhere = "owner = :user"\n')
        with self.serving('--views', 'views.toml', '--token-file',
                          'tokens') as server, \
                mock.patch.dict(os.environ, GSET_TOKEN='secret-of-bob'):
            self.equal(server, counts=(0, 1, 0))
        self.assertEqual(self.rows('here.db'), [('b', 'bob', '2')])

    def test_progress_on_a_terminal(self):
        errors = io.StringIO()
        errors.isatty = lambda: True
        with self.serving(*TABLES) as server, redirect_stderr(errors), \
                mock.patch('zc.generationalset.commands.terminal.PACE', 0):
            self.run_sql('here.db', "INSERT INTO orders VALUES ('b', '', 2)")
            with mock.patch('sys.stdout', io.StringIO()):
                self.assertEqual(
                    main(['peer', 'sync', HERE, server, *TABLES]), 0)
        for text in ('orders: 1 rows compared', '1 rows sent',
                     '2 rows received', '2 rows applied'):
            self.assertIn(text, errors.getvalue())

    def test_stop_while_a_client_is_connected(self):
        """Its conversation ends, though it may wait for long."""
        with self.serving(*TABLES) as server:
            host, _, port = server.removeprefix('tcp://').partition(':')
            connected = socket.create_connection((host, int(port)))
            self.addCleanup(connected.close)
            link = links.SocketLink(connected)
            self.addCleanup(link.__exit__, None, None, None)
            link.send(frames.written(
                'hello', protocol=PROTOCOL, id='client', token='', tables={
                    'orders': [['id'], dict.fromkeys(
                        ['id', 'owner', 'total'], 'sqlite TEXT'), '']}))
            frames.read(link.receive(), 'welcome')

    def test_stop_as_soon_as_it_listens(self):
        """Who is told that it listens may stop it at once."""
        class Output(io.StringIO):

            def write(self, text):
                if text.startswith('keeping '):
                    os.kill(os.getpid(), signal.SIGTERM)
                return super().write(text)

        def unprepared(*_):
            raise AssertionError('expected a server that can be stopped')

        self.addCleanup(signal.signal, signal.SIGTERM, signal.signal(
            signal.SIGTERM, unprepared))
        with redirect_stdout(Output()) as out:
            self.assertEqual(
                main(['peer', 'serve', THERE, *TABLES, '--at', ANY]), 0)
        self.assertIn('keeping orders', out.getvalue())


class RefusedTests(Base):

    def fails(self, *arguments, error, code=2):
        got, _, errors = gset('peer', *arguments)
        self.assertEqual(got, code, errors)
        self.assertIn(error, errors)
        self.assertNotIn('secret', errors)

    def test_servers(self):
        self.write('tokens', 'ann secret-of-ann\n')
        self.write('readers', 'ann secret-of-ann read\n')
        self.write('views.toml', '[orders]\nwhere = "owner = :user"\n')
        tls = '--at', 'tls://0.0.0.0:0'
        for arguments, error in [
                (('--at', 'tcp://0.0.0.0:0'), 'expected tls: to listen at '),
                (('--at', 'http://127.0.0.1:0'), 'expected a --token-file'),
                (tls, 'expected --cert'),
                ((*tls, '--cert', str(SERVER)), 'a --token-file, or --ca'),
                ((*tls, '--cert', 'nix'), 'can not read nix, or its key: No'),
                ((*tls, '--cert', 'tokens'), 'can not read tokens'),
                (('--cert', str(SERVER)), 'expected tls: with --cert'),
                (('--at', '127.0.0.1:80'), 'expected an address, tcp://'),
                (('--at', 'tcp://127.0.0.1'), 'expected an address'),
                (('--at', 'tcp://u:secret@h:1'), 'expected an address'),
                (('--at', 'unix:'), 'expected an address'),
                (('--at', 'tcp://127.0.0.1:x'), 'expected an address'),
                (('--at', 'tcp://192.0.2.1:1'), 'expected tls:'),
                (('--token-file', 'readers'), 'ann may only read'),
                (('--token-file', 'nix'), 'can not read nix')]:
            self.fails('serve', THERE, *TABLES, *arguments, error=error)
        self.fails('serve', THERE, '--tables', 'nix', '--at', ANY,
                   error='expected a table, one of')
        self.fails('serve', THERE, '--views', 'views.toml', '--at', ANY,
                   error='expected a --token-file')
        self.write('views.toml', '[orders]\ncolumns = ["owner"]\n')
        self.fails('serve', THERE, '--views', 'views.toml', '--at', ANY,
                   error='expected a --token-file with --views')
        with closing(SQLiteDatabase('there.db')) as database:
            self.assertEqual(database.tracked(), [])  # nothing has begun

    def test_clients(self):
        nobody = f'tcp://127.0.0.1:{free_port()}'
        for server, error in [
                (nobody, f'can not connect to {nobody}: Connection refused'),
                ('unix:nix', 'can not connect to unix:nix: No such file'),
                ('ftp://host:1', 'expected an address, tcp://'),
                ('https://', 'expected a URL')]:
            self.fails('sync', HERE, server, *TABLES, error=error)
        self.write('token', 'secret-of-ann\n')
        self.fails('sync', HERE, 'http://192.0.2.1/', *TABLES, '--token-file',
                   'token', error='expected https: for a token that leaves')
        self.fails('sync', HERE, nobody, *TABLES, '--token-file', 'nix',
                   error='can not read the token')

    def test_token_in_the_clear(self):
        """It is not sent, though somebody listens."""
        with mock.patch(
                'zc.generationalset.commands.peering.is_loopback',
                return_value=False), self.serving(*TABLES) as server, \
                mock.patch.dict(os.environ, GSET_TOKEN='secret-of-ann'):
            self.fails('sync', HERE, server, *TABLES,
                       error='expected tls: for a token that leaves')

    def test_tables_that_do_not_fit(self):
        self.run_sql('here.db', 'ALTER TABLE orders ADD COLUMN due TEXT')
        with self.serving(*TABLES) as server:
            self.fails('sync', HERE, server, *TABLES, code=1, error=(
                'table orders: expected the same columns on both sides, only '
                'the other side has due'))
            self.fails('sync', HERE, server, '--tables', 'counted', error=(
                'expected a key that the client'))

    def test_server_that_speaks_something_else(self):
        self.assertIn('expected a frame', self.told(
            b'HTTP/1.1 400 Bad Request\r\n\r\n'))

    def test_connection_that_is_cut(self):
        self.assertIn('the next sync goes on', self.told(b'\0\0'))

    def told(self, data):
        """Return what the command says if a server sends this."""
        with socket.create_server(('127.0.0.1', 0)) as listening:
            listening.settimeout(300)  # if the command ends before
            port = listening.getsockname()[1]
            process = subprocess.Popen(
                self.command('sync', HERE, f'tcp://127.0.0.1:{port}', *TABLES),
                env=ENVIRONMENT, stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE, text=True)
            with process.stderr:
                connected, _ = listening.accept()
                with connected:
                    connected.sendall(data)
                    connected.shutdown(socket.SHUT_WR)
                    self.assertEqual(process.wait(90), 2)
                return process.stderr.read()


class HelpTests(Base):

    def test_help(self):
        """It has examples, in lines that fit."""
        for words in [], ['serve'], ['sync']:
            with mock.patch('sys.argv', ['gset']), \
                    redirect_stdout(io.StringIO()) as out, \
                    self.assertRaisesRegex(SystemExit, '^0$'):
                main(['peer', *words, '--help'])
            self.assertIn('examples:\n  gset peer ', out.getvalue())
            for line in out.getvalue().splitlines():
                self.assertLessEqual(len(line), 80, line)


class KindsTests(Base):

    def test_mysql(self):
        """Each command says which kinds of databases there are."""
        for url in 'mysql://u:secret@h/d', 'mariadb+pymysql://u:secret@h/d':
            for words in [
                    ['track', url, 'orders'], ['untrack', url],
                    ['serve', url, *TABLES], ['verify', HERE, url],
                    ['copy', 'http://127.0.0.1:1', url],
                    ['peer', 'serve', url, *TABLES, '--at', ANY],
                    ['peer', 'sync', url, ANY, *TABLES]]:
                with self.subTest(words=words):
                    code, out, errors = gset(*words)
                    self.assertEqual((code, out), (2, ''))
                    self.assertIn('expected a URL of PostgreSQL or SQLite',
                                  errors)
                    self.assertIn('MariaDB are not supported', errors)
                    self.assertNotIn('secret', errors)
