"""The command, and writers, in processes of their own."""

import json
import signal
import subprocess
import sys

from zope.testing.wait import Wait

from zc.generationalset.tests.support.ports import free_port
from zc.generationalset.tests.support.serving import ENVIRONMENT

wait = Wait(timeout=90, wait=0.05)


class Server:
    """``gset serve`` in a process that can be killed."""

    def __init__(self, path, *options, log=None, environment=ENVIRONMENT):
        self.path = path
        self._options = options
        self._log = log
        self._environment = environment
        self.port = free_port()
        self.url = f'http://127.0.0.1:{self.port}'
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, '-m', 'zc.generationalset', 'serve', self.path,
             '--port', str(self.port), *self._options], env=self._environment,
            stdout=subprocess.PIPE, stderr=self._log, text=True)
        line = self.process.stdout.readline()
        if not line.startswith('serving things'):
            raise AssertionError(f'the server did not start: {line!r}')

    def stop(self, how):
        self.process.send_signal(how)
        code = self.process.wait(90)
        self.process.stdout.close()
        return code

    def kill(self):
        """Kill it, if it runs."""
        if self.process.poll() is None:
            self.stop(signal.SIGKILL)


class Writer:
    """support/http_writer.py in a process."""

    def __init__(self, url, seed, count):
        self.process = subprocess.Popen(
            [sys.executable, '-m',
             'zc.generationalset.tests.support.http_writer',
             url, str(seed), str(count)], env=ENVIRONMENT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def wait(self):
        line = self.process.stdout.readline()
        if line != 'written\n':
            raise AssertionError(f'a writer ended: {line!r}')

    def result(self):
        with self.process:
            return json.loads(self.process.communicate('\n', 90)[0])


class MirrorServer:
    """``gset mirror`` in a process."""

    def __init__(self, source, path):
        self.source = source
        self.path = path
        self.port = free_port()
        self.url = f'http://127.0.0.1:{self.port}'
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, '-m', 'zc.generationalset', 'mirror',
             self.source, self.path, '--port', str(self.port)],
            env=ENVIRONMENT, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)
        line = self.process.stdout.readline()
        if not line.startswith('serving a mirror of'):
            raise AssertionError(f'the mirror did not start: {line!r}')

    stop = Server.stop
    kill = Server.kill


def children(pid):
    """Return the process ids of the workers of a process."""
    output = subprocess.run(
        ['ps', '-ww', '-o', 'pid=,args=', '--ppid', str(pid)],
        capture_output=True, text=True, check=False).stdout
    return [int(line.split()[0]) for line in output.splitlines()
            if 'spawn_main' in line]


def is_running(pid):
    try:
        with open(f'/proc/{pid}/stat') as file:
            return file.read().rpartition(')')[2].split()[0] != 'Z'
    except FileNotFoundError:
        return False
