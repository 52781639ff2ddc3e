"""Commands that serve, in processes of their own."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import unittest

import ZODB
from ZODB.FileStorage import FileStorage

from zc.generationalset import GSet
from zc.generationalset.tests.support.layers import Commands
from zc.generationalset.tests.support.serving import ENVIRONMENT

#: Commands that listen.
LISTENING = 'serve', 'mirror'


def complaints(text):
    """Return the lines of a text, except that a database let it wait."""
    return [line for line in text.splitlines()
            if not line.startswith('gset: waiting for ')]


class Interrupted(unittest.TestCase):
    """Lets tests interrupt children, even in the background of a shell."""

    def setUp(self):
        super().setUp()
        self.addCleanup(signal.signal, signal.SIGINT, signal.signal(
            signal.SIGINT, signal.default_int_handler))


class Serving(Interrupted):
    """Runs a command that serves, in a directory of its own."""

    layer = Commands
    name = 'serve'

    def setUp(self):
        super().setUp()
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def path(self, name):
        return os.path.join(self.directory, name)

    def command(self, *arguments):
        return [sys.executable, '-m', 'zc.generationalset', self.name,
                *arguments]

    @contextlib.contextmanager
    def serving(self, *arguments, **environment):
        """Run the command; yield its first line."""
        process = self.process = subprocess.Popen(
            self.command('--port', '0', *arguments), cwd=self.directory,
            env={**ENVIRONMENT, **environment}, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        try:
            line = process.stdout.readline()
            if not line:
                self.fail(process.stderr.read())
            self.url = line.split()[-1]
            self.process = process
            self.assertEqual(process.stdout.readline(),
                             f'explore it at {self.url}/explore\n')
            yield line
        finally:
            process.send_signal(signal.SIGTERM)
            _, self.stderr = process.communicate(timeout=90)
            self.assertEqual(process.returncode, 0)

    def refused(self, *arguments, code=2):
        # Another test, or program, may have the usual port.
        port = ['--port', '0'] if self.name in LISTENING else []
        result = subprocess.run(
            self.command(*port, *arguments), cwd=self.directory,
            env=ENVIRONMENT, capture_output=True, text=True, timeout=90,
            check=False)
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(result.stdout, '')
        lines = complaints(result.stderr)
        self.assertEqual(len(lines), 1, result.stderr)
        self.assertTrue(lines[0].startswith('gset: '))
        return lines[0]

    def fill(self, name, *sets):
        db = ZODB.DB(FileStorage(self.path(name)))
        with db.transaction() as connection:
            for each in sets:
                connection.root()[each] = GSet()
                connection.root()[each].add(GSet('inner'))
        db.close()
