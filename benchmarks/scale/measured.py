"""The measurements of ``benchmarks.scale``, in the environment it makes."""

import json
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from statistics import median

import ZODB
from benchmarks.lib.connection import HOST
from benchmarks.lib.dialects import This
from benchmarks.lib.environments import VARIABLES, module
from benchmarks.lib.processes import Process, answers, free_port, processor
from benchmarks.lib.progress import Progress
from benchmarks.lib.streams import Audience, quantile, streams

from zc.generationalset.commands.databases import resolve
from zc.generationalset.documents import Document
from zc.generationalset.tests.support.postgresql import Server, tell

FULL = {'writers': [1, 2, 4, 8, 16], 'warm': 2, 'seconds': 6, 'commits': 200,
        'clients': [100, 1000, 5000, 10000], 'beats': 10, 'workers': [1, 2],
        'mirrors': [[], [1], [1, 1], [2]], 'mirrored': [1000, 5000]}
QUICK = {'writers': [1, 2], 'warm': 0.5, 'seconds': 1, 'commits': 20,
         'clients': [100], 'beats': 2, 'workers': [1, 2],
         'mirrors': [[], [1], [1, 1], [2]], 'mirrored': [100]}
RELEASES = {'this release': 'scale', '0.4.0': 'scale_reference'}
STREAMS = 20_000


class Storages:
    """Databases that several processes can share, new ones each time."""

    def __init__(self, directory):
        self._directory = directory
        self._server = Server('-c', 'shared_buffers=128MB')
        self._server.start()
        self._made = 0

    def close(self):
        self._server.close()

    def directory(self):
        self._made += 1
        path = self._directory / str(self._made)
        path.mkdir()
        return path

    def postgresql(self):
        """Return the parameters of a new database."""
        name = f'scale_{self._made}_{time.monotonic_ns()}'
        tell(self._server.dsn(), f'CREATE DATABASE {name}')
        return name, self._server.dsn(name)

    @contextmanager
    def uri(self, kind):
        """Yield the URI of a new database."""
        if kind == 'postgresql':
            name, _ = self.postgresql()
            yield (f'postgresql:///{name}?host={self._server.directory}'
                   '&user=postgres&keep_history=false')
        elif kind == 'sqlite':
            yield f'sqlite://?data_dir={self.directory()}'
        else:
            directory = self.directory()
            address = directory / 'zeo.socket'
            process = Process(
                [sys.executable, '-m', 'ZEO.runzeo', '-a', address,
                 '-f', directory / 'Data.fs'], directory)
            try:
                process.wait_for(address.exists)
                yield f'zeo://{address}'
            finally:
                process.stop()


class Command:
    """``gset serve`` or ``gset mirror``."""

    dialect = This

    def __init__(self, directory, *arguments):
        self.port = free_port()
        self.url = f'http://{HOST}:{self.port}'
        self.process = self
        self._process = Process(
            [sys.executable, '-m', 'zc.generationalset', *arguments,
             '--streams', str(STREAMS), '--port', str(self.port)], directory)
        self._process.wait_for(
            lambda: 'explore' in self._process.text()
            and answers(self.port, This().everything()))

    def memory(self):
        """Return the resident bytes of all processes that serve."""
        return sum(size for _, size in self._workers()) \
            or self._process.memory()

    def processor(self):
        """Return the seconds of processor time of all these."""
        return sum(processor(pid) for pid, _ in self._workers()) \
            or self._process.processor()

    def _workers(self):
        output = subprocess.run(
            ['ps', '-ww', '-o', 'pid=,rss=,args=',
             '--ppid', str(self._process.pid)],
            capture_output=True, text=True).stdout
        lines = [line.split() for line in output.splitlines()
                 if 'spawn_main' in line]
        return [(int(pid), 1024 * int(size)) for pid, size, *_ in lines]

    def close(self):
        self._process.stop()


@contextmanager
def served(storages, kind, workers):
    with storages.uri(kind) as uri, closing(Command(
            storages.directory(), 'serve', uri, '--set', 'things',
            '--workers', str(workers))) as server:
        yield server, uri


@contextmanager
def mirrored(storages, source, shape):
    """Yield the mirrors that clients listen to.

    ``shape`` has the number of mirrors of each level; those of a level follow
    the first one of the level before.
    """
    with ExitStack() as stack:
        mirrors = [source]
        for count in shape:
            mirrors = [stack.enter_context(closing(Command(
                storages.directory(), 'mirror', mirrors[0].url, 'Mirror.fs')))
                for _ in range(count)]
        yield mirrors


def writers(storages, settings, progress):
    """Commits a second and conflicts a commit, by storage and release."""
    rows = []
    for kind in 'zeo', 'postgresql':
        for count in settings['writers']:
            for release, environment in RELEASES.items():
                address = (str(storages.directory()) if kind == 'zeo'
                           else storages.postgresql()[1])
                result = subprocess.run(
                    module(environment, 'benchmarks.scale.writer', kind,
                           address, str(count), str(settings['warm']),
                           str(settings['seconds'])),
                    env=VARIABLES, capture_output=True, text=True)
                if result.returncode:
                    sys.exit(f'{kind}, {count} writers:\n{result.stderr}')
                commits, conflicts = json.loads(result.stdout)
                rows.append({
                    'storage': kind, 'writers': count, 'release': release,
                    'commits': commits, 'conflicts': conflicts})
                progress(f'{kind}, {count} writers, {release}: '
                         f'{commits:.0f}/s, {conflicts:.2f} conflicts')
    return rows


def delays(storages, settings, progress):
    """Seconds from a commit in one process to its event from another."""
    rows = []
    for kind in 'zeo', 'postgresql', 'sqlite':
        with served(storages, kind, 2) as (server, uri):
            factory, options = resolve(uri)
            database = ZODB.DB(factory(), **options)
            try:
                seconds = _delays(server, database, settings['commits'])
            finally:
                database.close()
        seconds.sort()
        rows.append({'storage': kind, 'median': median(seconds),
                     'p99': quantile(seconds, 0.99), 'most': seconds[-1]})
        progress(f'{kind}: commit to event {median(seconds) * 1000:.1f} ms, '
                 f'99 % {rows[-1]["p99"] * 1000:.1f} ms')
    return rows


def _delays(server, database, commits):
    seconds = []
    with database.transaction() as connection:
        things = connection.root()['things']
        token = things.epoch, things.generation
    # Some on each of the two workers.
    audience = Audience([server.port], This().stream(token), 8)
    try:
        for number in range(commits):
            mark = f'beat-{number:05}'

            def commit(mark=mark):
                with database.transaction() as connection:
                    connection.root()['things'].add(
                        Document(mark, f'"{mark}"'))

            seconds += audience.beat(commit, mark.encode())
            audience.rest(time.perf_counter() + 0.05)
    finally:
        audience.close()
    return seconds


def readers(storages, settings, progress):
    """Delays of many event streams, by the number of workers."""
    rows = []
    for workers in settings['workers']:
        for clients in settings['clients']:
            with served(storages, 'zeo', workers) as (server, _):
                result = streams(server, clients, settings['beats'])
            rows.append({'workers': workers, 'clients': clients, **result})
            progress(f'{workers} workers, {clients} clients: '
                     f'{result["median"] * 1000:.0f} ms, 99 % '
                     f'{result["most"] * 1000:.0f} ms, '
                     f'{result["memory"] / 1024:.1f} KB each')
    return rows


def mirrors(storages, settings, progress):
    """Delays of many event streams, by the mirrors between."""
    rows = []
    for shape in settings['mirrors']:
        for clients in settings['mirrored']:
            with served(storages, 'zeo', 1) as (server, _), \
                    mirrored(storages, server, shape) as mirrors:
                source = server.processor()
                result = streams(
                    server, clients, settings['beats'], mirrors)
                source = server.processor() - source
            rows.append({'mirrors': shape, 'clients': clients,
                         'source': source, **result})
            progress(f'mirrors {shape}, {clients} clients: '
                     f'{result["median"] * 1000:.0f} ms, 99 % '
                     f'{result["most"] * 1000:.0f} ms')
    return rows


def medians(rows):
    """Return the medians of rows that are the same in all rounds."""
    return {name: median(row[name] for row in rows)
            if isinstance(value, float) else value
            for name, value in rows[0].items()}


PARTS = {'writers': writers, 'delays': delays, 'readers': readers,
         'mirrors': mirrors}


def main():
    quick, rounds, parts, path = json.loads(sys.argv[1])
    settings = QUICK if quick else FULL
    progress = Progress()
    results = {}
    with tempfile.TemporaryDirectory() as directory:
        storages = Storages(Path(directory))
        try:
            for part in parts:
                of_rounds = [PARTS[part](storages, settings, progress)
                             for _ in range(rounds)]
                results[part] = [
                    medians(rows) for rows in zip(*of_rounds, strict=True)]
        finally:
            storages.close()
    Path(path).write_text(json.dumps(results, indent=1) + '\n')


if __name__ == '__main__':
    main()
