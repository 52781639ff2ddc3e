"""Compares the server with what a user might pick instead.

The others are Kinto 26, on PostgreSQL and in memory, and pouchdb-server 4, on
LevelDB and in memory.  An HTTP server that only says hello shows the least
cost.  All get the same documents, in the same order, from the same client.
docs/benchmarks.txt explains the rows.

The first run installs them under .environments.  It needs the package indexes
of Python and npm, node, and PostgreSQL's programs.  Servers whose programs are
missing are left out.

The results of a full run are kept in results/peers/DATE.json and .txt.  This
command draws docs/peers-items.svg and docs/peers-clients.svg from them:

    benchmarks/.environments/served/bin/python -m benchmarks.peers.growth

The exit code is 1 if something failed; a goal that is missed is no failure.  A
full run takes about forty minutes.  Run nothing else meanwhile.
"""

import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.lib import measures, servers
from benchmarks.lib.processes import Failed, allow_many_connections
from benchmarks.lib.progress import Progress
from benchmarks.lib.results import (
    RESULTS,
    about,
    arguments,
    installed_commit,
    keep,
)
from benchmarks.lib.servers import SERVERS
from benchmarks.lib.streams import on_core, streams
from benchmarks.peers import tables

FULL = {
    'items': {'sizes': [1000, 10_000, 100_000], 'few': 20, 'many': 8,
              'polls': 200, 'seconds': 2, 'copies': 3},
    'bulk': {'count': 10_000, 'seconds': 8},
    'mixed': {'count': 5000},
    'cut': {'count': 10_000},
    'churn': {'cycles': 10_000, 'count': 1000},
    'streams': {'counts': {'this': [100, 1000, 5000], 'pouch': [100, 1000]},
                'beats': 30},
}
QUICK = {
    'items': {'sizes': [1000], 'few': 5, 'many': 3, 'polls': 50,
              'seconds': 0.5, 'copies': 2},
    'bulk': {'count': 1000, 'seconds': 2},
    'mixed': {'count': 2000},
    'cut': {'count': 6000},
    'churn': {'cycles': 100, 'count': 200},
    'streams': {'counts': {'this': [100, 1000], 'pouch': [100]}, 'beats': 3},
}
#: Those that need another start for many streams.
STREAMING = {'this': servers.Streaming}


class Run:
    """Some rounds of some workloads with some servers."""

    def __init__(self, settings, servers, rounds, directory, progress):
        self.settings = settings
        self.rounds = rounds
        self.results = {}
        self.failures = []
        self.progress = progress
        self._servers = servers
        self._directory = directory

    def items(self):
        settings = self.settings['items']
        self.results['items'] = {
            str(size): self._items(size, settings)
            for size in settings['sizes']}

    def _items(self, size, settings):
        # All servers run all the time, so that rounds may alternate.
        measured = {name: [] for name in self._servers}
        with ExitStack() as stack:
            running = {}
            for name in self._servers:
                self.progress(f'{size:,} documents: {_title(name)} starts')
                start = self._guarded(name, self._start, name, size, stack)
                if start is not None:
                    running[name] = start
            for number in range(self.rounds):
                order = list(running)
                for name in order[::-1] if number % 2 else order:
                    self.progress(
                        f'{size:,} documents: round {number + 1} of '
                        f'{self.rounds}, {_title(name)}')
                    result = self._guarded(name, running[name])
                    if result is None:
                        del running[name]
                    else:
                        measured[name].append(result)
        return {name: measured[name] for name in running}

    def _start(self, name, size, stack):
        """Start and fill a server; return what measures a round."""
        server = stack.enter_context(SERVERS[name](self._directory))
        settings = self.settings['items']
        if name == 'empty':
            return lambda: measures.hello(server, settings)
        collection = measures.Collection(server, size, settings)
        collection.fill()
        return collection.measure

    def bulk(self):
        self._from_empty('bulk', 'bulk load', measures.bulk)

    def mixed(self):
        self._from_empty('mixed', 'changes and removals', measures.mixed)

    def cut(self):
        self._from_empty('cut', 'a link that is cut', measures.cut)

    def _from_empty(self, workload, title, measure):
        """Measure servers that are empty at first, in turn."""
        settings = self.settings[workload]
        measured = {name: [] for name in self._storing()}
        for number in range(self.rounds):
            for name in list(measured):
                self.progress(f'{title}: round {number + 1} of '
                              f'{self.rounds}, {_title(name)}')
                result = self._alone(
                    name, lambda server: measure(server, **settings))
                if result is None:
                    del measured[name]
                else:
                    measured[name].append(result)
        self.results[workload] = measured

    def churn(self):
        settings = self.settings['churn']
        self.results['churn'] = {}
        for name in self._storing():
            self.progress(f'{settings["cycles"]:,} documents created and '
                          f'deleted: {_title(name)}')
            result = self._alone(name, lambda server: measures.churn(
                server, settings['cycles'], settings['count']))
            if result is not None:
                self.results['churn'][name] = [result]

    def streams(self):
        settings = self.settings['streams']
        self.results['streams'] = found = {}
        for name, counts in settings['counts'].items():
            if name not in self._servers:
                continue
            for count in counts:
                self.progress(f'{count:,} event streams: {_title(name)}')
                result = self._guarded(
                    name, self._stream, name, count, settings['beats'])
                if result is not None:
                    found.setdefault(str(count), {})[name] = [result]

    def _stream(self, name, count, beats):
        with ExitStack() as stack:
            server = STREAMING.get(name, SERVERS[name])
            with on_core(0):
                server = stack.enter_context(server(self._directory))
            with on_core(1):
                return streams(server, count, beats)

    def _alone(self, name, measure):
        def measured():
            with SERVERS[name](self._directory) as server:
                return measure(server)
        return self._guarded(name, measured)

    def _storing(self):
        return [name for name in self._servers if name != 'empty']

    def _guarded(self, name, function, *arguments):
        """Call a function; if it fails, report the server, and go on."""
        try:
            return function(*arguments)
        except (Failed, OSError, ValueError, KeyError) as error:
            self.failures.append(_title(name))
            self.progress(f'FAILED: {_title(name)}\n{error!r}')
            return None


WORKLOADS = {'items': Run.items, 'bulk': Run.bulk, 'mixed': Run.mixed,
             'cut': Run.cut, 'churn': Run.churn, 'streams': Run.streams}


def _title(name):
    return SERVERS[name].title


def present(names, progress):
    """Return the servers that can run on this machine."""
    found = []
    for name in names:
        missing = SERVERS[name].missing()
        if missing:
            progress(f'left out: {_title(name)}, which needs {missing}')
        else:
            found.append(name)
    return found


def report(about, run):
    """Return the results as text."""
    packages = about['packages']
    kinto, pouch = packages.get('kinto', {}), packages.get('pouch', {})
    served = packages.get('served', {})
    versions = [
        ('ZODB', served), ('starlette', served), ('uvicorn', served),
        ('kinto', kinto), ('pyuwsgi', kinto), ('postgresql', packages),
        ('pouchdb-server', pouch), ('node', packages)]
    return '\n'.join([
        f'{about["date"]}, commit {about["commit"]}, '
        f'medians of {run.rounds} rounds',
        f'Python {about["python"]}, {about["system"]}, '
        f'{about["processor"]}',
        ', '.join(f'{name} {place[name]}'
                  for name, place in versions if name in place),
        *tables.lines(run.settings, run.results),
        ''])


def options_given():
    parser = arguments(__doc__, WORKLOADS)
    parser.add_argument(
        '--server', action='append', choices=SERVERS, metavar='SERVER',
        help='this server alone, may be repeated: ' + ', '.join(SERVERS)
        + '; the results are not kept')
    return parser.parse_args()


def main():
    options = options_given()
    # So that servers are ended, too.
    for number in signal.SIGTERM, signal.SIGINT:
        signal.signal(number, lambda *_: sys.exit('stopped'))
    allow_many_connections()
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        # PostgreSQL may be another user.
        Path(directory).chmod(0o711)
        progress = Progress()
        names = present(options.server or SERVERS, progress)
        servers.prepare(names, progress)
        commit = installed_commit()
        run = Run(QUICK if options.quick else FULL, names,
                  options.rounds or (1 if options.quick else 5),
                  Path(directory), progress)
        for name in options.only or WORKLOADS:
            WORKLOADS[name](run)
        header = about(servers.versions(), commit)
    text = report(header, run)
    print(text)
    if run.failures:
        return f'failed: {", ".join(dict.fromkeys(run.failures))}'
    if not (options.quick or options.only or options.server):
        keep(header, run, text, RESULTS / 'peers')
    return None


if __name__ == '__main__':
    sys.exit(main())
