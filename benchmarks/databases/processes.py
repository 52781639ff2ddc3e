"""The processes of both sides, and the databases."""

import json
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg

from zc.generationalset.tests.support.postgresql import tell

#: What ``clear_refs`` of a process wants, to forget its peak of memory.
FORGET = '5'


class Database(NamedTuple):
    """A database with a table ``things``."""

    name: str
    url: str
    connect: object

    def run(self, *statements):
        with closing(self.connect()) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()

    def value(self, query):
        with closing(self.connect()) as connection:
            return connection.execute(query).fetchone()[0]


def sqlite(path):
    found = Database(
        path.stem, f'sqlite:///{path}', lambda: sqlite3.connect(path))
    found.run('PRAGMA journal_mode = WAL', '''
        CREATE TABLE things (
            id TEXT PRIMARY KEY, number INT, other INT, note TEXT)''')
    return found


def postgresql(server, name):
    tell(server.dsn(), f'CREATE DATABASE {name}')
    found = Database(
        name, f'postgresql://postgres@/{name}?host={server.directory}',
        lambda: psycopg.connect(server.dsn(name)))
    found.run('''
        CREATE TABLE things (
            id text PRIMARY KEY, number bigint, other bigint, note text)''')
    return found


@contextmanager
def serving(database, path):
    """Run ``gset peer serve`` at a Unix socket; yield the process."""
    process = subprocess.Popen(
        [sys.executable, '-m', 'zc.generationalset', 'peer', 'serve',
         database.url, '--tables', 'things', '--at', f'unix:{path}'],
        stdout=subprocess.PIPE, text=True)
    try:
        while not process.stdout.readline().startswith('keeping '):
            if process.poll() is not None:
                raise RuntimeError('gset peer serve has ended')
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate()


def sync(database, path):
    """Run a client; return what it has measured."""
    return json.loads(subprocess.run(
        [sys.executable, '-m', 'benchmarks.databases.client', database.url,
         path], check=True, stdout=subprocess.PIPE, text=True).stdout)


def forget_peak(process):
    Path(f'/proc/{process.pid}/clear_refs').write_text(FORGET)


def peak(process):
    """Return the most bytes of memory since ``forget_peak``."""
    status = Path(f'/proc/{process.pid}/status').read_text()
    return int(re.search(r'VmHWM:\s+(\d+) kB', status)[1]) * 1024
