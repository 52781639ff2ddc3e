"""What happens if extras aren't installed."""

import importlib
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import ZODB

from zc.generationalset import GSet
from zc.generationalset.extras import MODULES
from zc.generationalset.tests.support.commands import complaints
from zc.generationalset.tests.support.layers import Processes
from zc.generationalset.tests.support.serving import ENVIRONMENT

#: Python imports it when it starts.
ABSENT = 'import sys; sys.modules.update(dict.fromkeys({!r}))'


class ExtrasTests(unittest.TestCase):

    layer = Processes

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def run_python(self, absent, *arguments):
        """Run Python without some modules; return code, output and errors."""
        Path(self.directory, 'sitecustomize.py').write_text(
            ABSENT.format(list(absent)))
        done = subprocess.run(
            [sys.executable, *arguments], cwd=self.directory, env={
                **ENVIRONMENT, 'PYTHONPATH': os.pathsep.join(
                    [self.directory, ENVIRONMENT['PYTHONPATH']])},
            capture_output=True, text=True, timeout=90)
        return done.returncode, done.stdout, done.stderr

    def hints(self, extra, absent, *arguments):
        code, out, error = self.run_python(
            absent, '-m', 'zc.generationalset', *arguments)
        self.assertEqual((code, out), (2, ''))
        [line] = complaints(error)
        self.assertRegex(line, '^gset: .*; to install it: pip install '
                         rf"'zc.generationalset\[{extra}\]'$")

    def test_all_that_is_needed_is_there(self):
        for names in MODULES.values():
            for name in names:
                importlib.import_module(name)

    def test_commands(self):
        all = MODULES['mirror']
        self.hints('server', all, 'serve', 'Data.fs')
        self.hints('server', ['prometheus_client'], 'serve')
        self.hints('server', all, 'check', 'zeo://localhost:1')
        self.hints('server', all, 'renew', 'zeo://localhost:1')
        # Before a database is made.
        self.hints('push', ['cryptography'], 'serve', 'Data.fs',
                   '--push', 'vapid.json')
        self.hints('client', all, 'get', 'http://localhost:1')
        self.hints('completion', ['shtab'], 'completion', 'bash')
        self.hints('sync', ['msgspec'], 'sync', 'plan')
        self.hints('client', ['httpx'], 'put', 'http://localhost:1', 'a', '1')
        self.hints('mirror', ['httpx'], 'mirror', 'http://localhost:1', 'M.fs')
        self.hints('postgresql', ['relstorage'], 'check', 'postgresql://h/d')
        serve = 'serve', '--port', '0'
        self.hints('postgresql', ['psycopg2.extensions'], *serve,
                   'postgresql://h/d')
        self.hints('postgresql', ['relstorage'], *serve,
                   'sqlite://?data_dir=x')
        self.assertEqual(os.listdir(self.directory), ['sitecustomize.py'])

    def test_commands_that_need_no_extra(self):
        db = ZODB.DB(os.path.join(self.directory, 'Data.fs'))
        with db.transaction() as connection:
            connection.root.things = GSet()
        db.close()
        for name in 'check', 'renew':
            code, out, error = self.run_python(
                MODULES['mirror'], '-m', 'zc.generationalset', name, 'Data.fs')
            self.assertEqual((code, error), (0, ''))
            self.assertRegex(out, '^things: ')

    def test_modules(self):
        for name, extra in [
                ('wire', 'wire'), ('documents', 'wire'), ('mirror', 'wire'),
                ('replica.sqlite', 'wire'), ('client', 'client'),
                ('sync', 'sync'),
                ('server', 'server'), ('sql.postgresql', 'sql')]:
            code, _, error = self.run_python(
                MODULES['sql' if extra == 'sql' else 'mirror'],
                '-c', f'import zc.generationalset.{name}')
            self.assertEqual(code, 1)
            self.assertRegex(
                error.splitlines()[-1],
                rf"No module named .* 'zc.generationalset\[{extra}\]'$")
