"""Server processes: starting them, waiting, and always ending them."""

import math
import os
import pwd
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from benchmarks.lib.connection import HOST, Connection, request
from benchmarks.lib.environments import CHECKOUT

#: Where processes find this checkout.
PATH = f'{CHECKOUT / "src"}:{CHECKOUT}'
#: Seconds that a server may take to answer its first request, and to end.
START, STOP = 60, 10


class Failed(Exception):
    """A server has failed."""


class Process:
    """A process with a log, and a group of its own."""

    def __init__(self, command, directory, user=None, **environment):
        self.directory = directory
        self._log = directory / f'{os.path.basename(command[0])}.log'
        with self._log.open('wb') as log:
            # With a group of its own, Ctrl-C doesn't end it before its
            # clients, and its children can be ended, too.
            self._process = subprocess.Popen(
                command, cwd=directory, stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, start_new_session=True,
                env={**os.environ, **environment}, **as_user(user))

    @property
    def pid(self):
        return self._process.pid

    def wait_for(self, is_ready):
        """Wait until a function returns something true."""
        end = time.monotonic() + START
        while not is_ready():
            if self._process.poll() is not None:
                raise Failed(f'{self.text()}\nended with exit code '
                             f'{self._process.returncode}')
            if time.monotonic() > end:
                raise Failed(f'{self.text()}\nno answer in {START} seconds')
            time.sleep(0.05)

    def text(self):
        """Return the end of the log."""
        return self._log.read_text(errors='replace')[-3000:]

    def stop(self, how=signal.SIGTERM):
        if self._process.poll() is None:
            self._process.send_signal(how)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP)
        # What is left of the group.
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def memory(self):
        """Return the resident bytes of the process."""
        output = subprocess.run(
            ['ps', '-o', 'rss=', '-p', str(self.pid)],
            check=True, capture_output=True, text=True).stdout
        return int(output) * 1024

    def processor(self):
        """Return the seconds of processor time of the process, on Linux."""
        return processor(self.pid)


def processor(pid):
    try:
        fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2]
    except FileNotFoundError:
        return math.nan
    user, system = fields.split()[11:13]
    return (int(user) + int(system)) / os.sysconf('SC_CLK_TCK')


def as_user(user):
    """Return the arguments that let a process run as another user."""
    if user is None:
        return {}
    group = pwd.getpwnam(user).pw_gid
    return {'user': user, 'group': group, 'extra_groups': []}


def free_port():
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return listener.getsockname()[1]


def answers(port, message):
    """Tell whether a server answers a request with 200."""
    try:
        with Connection(port) as connection:
            connection.ask(message)
    except (OSError, ValueError):
        return False
    return True


def serving(directory, name, *arguments):
    """Start a server of sets, and wait for it; return it and its port.

    name, arguments
        The module, and what it is given before the port.
    """
    port = free_port()
    process = Process(
        [sys.executable, '-m', name, *arguments, str(port)], directory,
        PYTHONPATH=PATH)
    try:
        process.wait_for(lambda: answers(port, request('GET', '/items/')))
    except BaseException:
        process.stop()
        raise
    return process, port


def zeo(stack):
    """Start a ZEO server; return its URI."""
    directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    port = free_port()
    process = Process(
        [str(Path(sys.executable).with_name('runzeo')), '-a',
         f'{HOST}:{port}', '-f', str(directory / 'data.fs')], directory)
    stack.callback(process.stop)
    return f'zeo://{HOST}:{port}?wait_timeout=20'


def allow_many_connections():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
