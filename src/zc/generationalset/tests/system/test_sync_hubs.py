"""Hubs in databases that several processes share."""

import contextlib
import io
import json
import signal
import subprocess
import sys
import unittest
from unittest import mock

from zc.generationalset.__main__ import main
from zc.generationalset.commands import databases
from zc.generationalset.tests.support.layers import Processes
from zc.generationalset.tests.support.serving import ENVIRONMENT, wait
from zc.generationalset.tests.support.storages import ZEOServer
from zc.generationalset.tests.support.syncing import CONFIGURATION, InFolder


class SharedHub(InFolder):
    """A mixin; ``uri`` is that of the hub."""

    layer = Processes

    def setUp(self):
        super().setUp()
        self.config = str(self.folder / 'sync.toml')
        (self.folder / 'sync.toml').write_text(
            CONFIGURATION.replace('Hub.fs', self.uri()))

    def sync(self, *arguments):
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            code = main(['sync', '--config', self.config, *arguments])
        # On a busy machine, it may have had to wait for the hub.
        return code, ''.join([
            line for line in out.getvalue().splitlines(keepends=True)
            if not line.startswith('gset: waiting for ')])

    def test_runs(self):
        self.assertEqual(self.sync('run'), (
            0, 'table + issue A bug (from notes)\n1 step\n'))
        self.note.write_text(self.note.read_text().replace('fails', 'burns'))
        self.table.write_text(self.table.read_text().replace('fails', 'leaks'))
        self.assertEqual(self.sync('run')[0], 1)
        self.assertEqual(self.sync(
            'resolve', 'issue/1/body', '--store', 'table'), (0, ''))
        self.assertEqual(self.sync('run')[0], 0)
        self.assertEqual(self.sync('run'), (0, '0 steps\n'))
        self.assertIn('leaks', self.note.read_text())


class RelStorageTests(SharedHub, unittest.TestCase):

    def uri(self):
        return f'sqlite:///?data_dir={self.folder / "hub"}'


class ZEOTests(SharedHub, unittest.TestCase):

    def uri(self):
        server = ZEOServer(directory=str(self.folder))
        self.addCleanup(server.stop)
        return f'zeo://{server.address}?storage=1'

    def add(self, numbers):
        with self.table.open('a') as file:
            file.writelines(
                json.dumps({'id': number, 'title': f'Issue {number}'}) + '\n'
                for number in numbers)

    def notes(self):
        return len(list((self.folder / 'notes').glob('*.md')))

    def test_two_runners(self):
        """Each item is added once; a folder can't tell that it was."""
        runners = [subprocess.Popen(
            [sys.executable, '-m', 'zc.generationalset', 'sync', '--config',
             self.config, 'watch', '--serve', '--port', '0'],
            env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True) for _ in range(2)]
        for each in runners:
            self.addCleanup(each.communicate)
            self.addCleanup(each.kill)
        for each in runners:
            line = each.stdout.readline()
            while line.startswith('gset: waiting for'):  # for the ZEO server
                line = each.stdout.readline()
            self.assertRegex(line, '^serving ')
        self.add(range(10))
        wait(lambda: self.notes() >= 11)
        self.add(range(10, 20))
        wait(lambda: self.notes() >= 21)
        for each in runners:
            each.send_signal(signal.SIGTERM)
        for each in runners:
            out, _ = each.communicate(timeout=90)
            self.assertEqual(each.returncode, 0, out)
        code, out = self.sync('run')
        self.assertEqual((code, self.notes()), (0, 21), out)

    def test_another_process_makes_the_root(self):
        """Both find that a new database has no root; one makes it."""
        uri = self.uri()
        real = databases._storage
        others = []

        def storage(data):
            opened, options = real(data)
            if not others:
                opened.tpc_begin = begin(opened.tpc_begin)
            return opened, options

        def begin(real):
            def tpc_begin(*arguments):
                if not others:
                    others.append(None)
                    with databases.opened(uri) as db, \
                            db.transaction() as connection:
                        connection.root()['made'] = True
                return real(*arguments)
            return tpc_begin

        with mock.patch.object(databases, '_storage', storage), \
                databases.opened(uri) as db, \
                db.transaction() as connection:
            self.assertTrue(connection.root()['made'])
