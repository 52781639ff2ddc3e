"""Runs commands in processes that begin at once.

A process that has imported everything forks, so a kill at a random moment
hits the command at work, and not its imports.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys

from zc.generationalset.tests.support.serving import ENVIRONMENT

_FORKER = '''
import os, sys
from zc.generationalset.__main__ import main
import zc.generationalset.commands.syncing
import zc.generationalset.sync.stores.folder
import zc.generationalset.sync.stores.http
import zc.generationalset.sync.stores.sql
for line in sys.stdin:
    child = os.fork()
    if not child:
        os.dup2(os.open('out', os.O_CREAT | os.O_TRUNC | os.O_WRONLY), 1)
        code = main(line.split())
        sys.stdout.flush()
        os._exit(code)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
'''


class Forker:
    """Runs ``gset`` commands in a folder, one at a time."""

    def __init__(self, folder):
        self._out = folder / 'out'
        self._process = subprocess.Popen(
            [sys.executable, '-c', _FORKER], cwd=folder, env=ENVIRONMENT,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def close(self):
        self._process.stdin.close()
        self._process.wait(90)
        self._process.stdout.close()

    def start(self, command):
        """Start a command; return the id of its process."""
        self._process.stdin.write(f'{command}\n')
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def wait(self):
        """Wait for the command that was started; return its exit code."""
        return int(self._process.stdout.readline())

    def kill(self, process):
        """Kill a command that may have ended; tell whether it had not."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
        return self.wait() == -signal.SIGKILL

    def run(self, command):
        """Run a command; return its exit code, and its output as JSON."""
        self.start(command)
        code, out = self.wait(), self._out.read_text()
        return code, json.loads(out) if out else None
