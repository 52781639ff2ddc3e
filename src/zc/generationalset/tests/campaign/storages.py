"""Databases whose servers can be killed, each in a directory of its own."""

import contextlib
import os
import signal
import subprocess
import sys

import ZODB
from ZODB.FileStorage import FileStorage

from zc.generationalset.tests.campaign.network import Line
from zc.generationalset.tests.support import storages
from zc.generationalset.tests.support.postgresql import Server, tell
from zc.generationalset.tests.support.serving import ENVIRONMENT


class File:
    """A file, which only one process may open."""

    def __init__(self, directory, environment):
        self.path = os.path.join(directory, 'Data.fs')
        self.uri = self.path

    def open(self):
        """Return the database, when nobody else uses it."""
        return ZODB.DB(FileStorage(self.path))

    def close(self):
        pass


class ZEO:
    """A ZEO server with one file."""

    def __init__(self, directory, environment):
        self.server = storages.ZEOServer(
            directory=directory, environment=environment)
        self.path = os.path.join(directory, '1.fs')
        self.uri = f'zeo://{self.server.address}?storage=1'
        self._backups = os.path.join(directory, 'backups')
        os.mkdir(self._backups)

    def kill(self):
        self.server.kill()
        self.server.start()

    def open(self):
        return ZODB.DB(storages.zeo_client(self.server.address))

    def pack(self, resting):
        """Pack the database."""
        with contextlib.closing(self.open()) as db:
            db.pack()

    def close(self):
        self.server.stop()

    def back_up(self):
        self._repozo('-B', '-f', self.path)

    def restore(self):
        self.server.stop()
        for suffix in '', '.index':
            os.remove(self.path + suffix)
        self._repozo('-R', '-o', self.path)
        self.server.start()

    def _repozo(self, *arguments):
        subprocess.run(
            [sys.executable, '-m', 'ZODB.scripts.repozo', '-r', self._backups,
             *arguments], env=ENVIRONMENT, check=True)


class FarZEO(ZEO):
    """A ZEO server behind a network that fails."""

    def __init__(self, directory, environment):
        super().__init__(directory, environment)
        self.line = Line(self.server.address, directory)
        host, port = self.line.address
        self.uri = f'zeo://{host}:{port}?storage=1'

    def close(self):
        self.line.close()
        super().close()


class PostgreSQL:
    """A PostgreSQL server with one database."""

    def __init__(self, directory, environment):
        self.server = Server()
        self.server.start()
        self._tell('CREATE DATABASE gset')
        self.uri = (f'postgresql:///gset?host={self.server.directory}'
                    '&user=postgres&keep_history=false')

    def _tell(self, statement):
        tell(self.server.dsn(), statement)

    def kill(self):
        self.server.stop(signal.SIGQUIT)
        self.server.start()

    def open(self):
        return ZODB.DB(storages.postgresql(
            self.server.dsn('gset'), keep_history=False))

    def pack(self, resting):
        """Pack it as docs/deployment.txt says: it rests before."""
        with contextlib.closing(self.open()) as db:
            with resting():
                db.storage.pack(None, db.references, prepack_only=True)
            db.storage.pack(None, db.references, skip_prepack=True)

    def close(self):
        self.server.close()

    def back_up(self):
        self._call('pg_dump', '-Fc', '-f', 'backup', 'gset')

    def restore(self):
        self._tell('DROP DATABASE gset')
        self._tell('CREATE DATABASE gset')
        self._call('pg_restore', '-d', 'gset', 'backup')

    def _call(self, program, *arguments):
        self.server.call(program, '-h', self.server.directory,
                         '-U', 'postgres', *arguments)
