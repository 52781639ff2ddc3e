"""Storages that need more than a constructor."""

import os
import subprocess
import sys

import ZEO
import ZODB
from relstorage.adapters.postgresql import PostgreSQLAdapter
from relstorage.adapters.sqlite.adapter import Sqlite3Adapter
from relstorage.options import Options
from relstorage.storage import RelStorage
from zope.testing.wait import wait


def open_db(kind, *address):
    return ZODB.DB(open_storage(kind, *address))


def open_storage(kind, *address):
    return {'zeo': zeo_client, 'relstorage': relstorage,
            'postgresql': postgresql}[kind](*address)


def zeo_client(address, name='1', server_sync=True):
    # Without server_sync a client may be a little behind, so a test could not
    # know what it must find.
    return ZEO.client(
        address, storage=name, wait_timeout=90, server_sync=server_sync)


def relstorage(path, keep_history=True):
    options = Options(keep_history=keep_history)
    return RelStorage(Sqlite3Adapter(path, {}, options), options=options)


def postgresql(dsn, keep_history=True):
    options = Options(keep_history=keep_history)
    return RelStorage(PostgreSQLAdapter(dsn, options), options=options)


_CONFIGURATION = '''
<zeo>
  address {}
</zeo>
<eventlog>
  level ERROR
  <logfile>
    path {}
  </logfile>
</eventlog>
'''


_STORAGE = '''
<filestorage {0}>
  path {0}.fs
</filestorage>
'''


# Ends with the process that started it, however that ends.
_SERVER = '''
import os, sys, threading
threading.Thread(
    target=lambda: (sys.stdin.read(), os._exit(1)), daemon=True).start()
for name in sys.argv[1].split():
    sys.modules[name] = None
from ZEO.runzeo import main
main(sys.argv[2:])
'''


class ZEOServer:
    """A ZEO server, of FileStorages, in the current or another directory.

    The server may lack modules.  Tests can kill it and start it again.
    """

    def __init__(self, lacking=(), storages=1, directory='.',
                 environment=()):
        self._directory = directory
        self._lacking = lacking
        self._environment = environment
        self.address = os.path.abspath(self._path('server.socket'))
        self._log = os.path.abspath(self._path('server.log'))
        with open(self._path('server.conf'), 'w') as file:
            file.write(_CONFIGURATION.format(self.address, self._log))
            for number in range(1, storages + 1):
                file.write(_STORAGE.format(number))
        self.start()

    def _path(self, name):
        return os.path.join(self._directory, name)

    def start(self):
        self._process = python(
            '-c', _SERVER, ' '.join(self._lacking), '-C', 'server.conf',
            stdin=subprocess.PIPE, cwd=self._directory,
            environment=self._environment)
        try:
            wait(self._is_up, 90)
        except BaseException:
            self.stop()
            raise

    def _is_up(self):
        if self._process.poll() is not None:
            raise AssertionError('the ZEO server does not start')
        return os.path.exists(self.address)

    def resolver_errors(self):
        """Return the lines of the log that tell of errors in a resolver."""
        with open(self._log) as file:
            return [line for line in file
                    if ' ZODB.ConflictResolution ' in line]

    def forget_errors(self):
        os.truncate(self._log, 0)

    def stop(self):
        stop(self._process)

    def kill(self):
        """Kill the server."""
        self._process.kill()
        self.stop()
        # Otherwise the server would seem to be up before it is.
        os.remove(self.address)


def python(*arguments, environment=(), **options):
    path = {'PYTHONPATH': os.pathsep.join(sys.path)}
    return subprocess.Popen(
        [sys.executable, *arguments],
        env={**os.environ, **path, **dict(environment)}, **options)


def stop(process):
    """Stop a process, whatever state it is in, and wait for its end."""
    process.terminate()
    try:
        process.wait(90)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for stream in process.stdin, process.stdout:
        if stream is not None:
            stream.close()
