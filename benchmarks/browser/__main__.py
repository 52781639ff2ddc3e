"""Compares gset.js with PouchDB, in a real Chromium.

Two browsers show pages of `gset serve` and of pouchdb-server 4 with PouchDB 9
in a live sync.  All get the same documents, in the same order.
docs/benchmarks.txt explains the rows.

The first run installs what it needs under .environments, from the package
indexes of Python and npm.  Chromium and node must be there; GSET_TEST_CHROMIUM
may name a Chromium.

The results of a full run are kept in results/browser/DATE.json and .txt.

The exit code is 1 if something failed; a goal that is missed is no failure.  A
full run takes ten to twenty minutes.  Run nothing else meanwhile.
"""

import gzip
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.browser import tables, workloads
from benchmarks.lib import environments, servers
from benchmarks.lib.environments import ENVIRONMENTS
from benchmarks.lib.processes import Failed
from benchmarks.lib.progress import Progress
from benchmarks.lib.results import (
    RESULTS,
    about,
    arguments,
    installed_commit,
    keep,
)
from benchmarks.lib.servers import SERVED, SERVERS

NAMES = 'this', 'pouch'
POUCHDB = '9.0.0'

FULL = {
    'appearance': {'documents': 200, 'single': 200, 'paced': 100,
                   'rate': 20},
    'stored': [1000, 100_000],
    'first': 10_000,
    'work': {'documents': 200, 'writes': 500, 'removals': 0.3},
}
QUICK = {
    'appearance': {'documents': 20, 'single': 20, 'paced': 20, 'rate': 20},
    'stored': [1000],
    'first': 1000,
    'work': {'documents': 20, 'writes': 50, 'removals': 0.3},
}


class Run:
    """Some rounds of some workloads with some servers."""

    def __init__(self, settings, rounds, directory, windows, progress):
        self.settings = settings
        self.rounds = rounds
        self.results = {}
        self.failures = []
        self.progress = progress
        self._directory = directory
        self._windows = windows

    def appearance(self):
        def measure(name, number):
            with SERVERS[name](self._directory) as server:
                return workloads.Appearance(
                    self._windows, server,
                    self.settings['appearance']).measure()
        self.results['appearance'] = self._rounds(
            'appearance', dict.fromkeys(NAMES, measure))

    def stored(self):
        self.results['stored'] = {
            str(size): self._filled(f'{size:,} stored', workloads.Stored, size)
            for size in self.settings['stored']}

    def first(self):
        size = self.settings['first']
        self.results['first'] = self._filled(
            f'first contact, {size:,}', workloads.First, size)

    def work(self):
        self._work('work')

    def queued(self):
        self._work('queued', this='?outbox')

    def _work(self, title, **queries):
        def measure(name, number):
            with SERVERS[name](self._directory) as server:
                return workloads.Work(
                    self._windows, server, self.settings['work'], number,
                    queries.get(name, '')).measure()
        self.results[title] = self._rounds(
            title, dict.fromkeys(NAMES, measure))

    def library(self):
        self.results['library'] = {
            name: [sizes(b''.join(libraries()[name].values()))]
            for name in NAMES}

    def _filled(self, title, kind, size):
        """Measure servers that are filled once, and go on running."""
        with ExitStack() as stack:
            def start(name):
                server = SERVERS[name](self._directory)
                return kind(self._windows, stack.enter_context(server), size)
            started = {}
            for name in NAMES:
                self.progress(f'{title}: {SERVERS[name].title} is filled')
                started[name] = self._guarded(name, start, name)
            return self._rounds(title, {
                name: lambda *_, one=one: one.measure()
                for name, one in started.items() if one is not None})

    def _rounds(self, title, functions):
        """Call the functions in turns, return results by name."""
        measured = {name: [] for name in functions}
        for number in range(self.rounds):
            order = list(measured)
            for name in order[::-1] if number % 2 else order:
                self.progress(f'{title}: round {number + 1} of {self.rounds}'
                              f', {SERVERS[name].title}')
                result = self._guarded(name, functions[name], name, number)
                if result is None:
                    del measured[name]
                else:
                    measured[name].append(result)
        return measured

    def _guarded(self, name, function, *arguments):
        """Call a function; if it fails, report the server, and go on."""
        try:
            return function(*arguments)
        except (Failed, OSError, ValueError, KeyError) as error:
            self.failures.append(SERVERS[name].title)
            self.progress(f'FAILED: {SERVERS[name].title}\n{error!r}')
            return None


WORKLOADS = {'appearance': Run.appearance, 'stored': Run.stored,
             'first': Run.first, 'work': Run.work, 'queued': Run.queued,
             'library': Run.library}


def static():
    packages, = (ENVIRONMENTS / SERVED / 'lib').glob('python*/site-packages')
    return packages / 'zc/generationalset/static'


def outbox():
    """Return the files of outboxes, which are no part of the library."""
    return {path.relative_to(static()).as_posix(): path.read_bytes()
            for path in (static() / 'outbox').glob('*.js')}


def libraries():
    """Return the files that pages load, by name, for each server."""
    pouch = ENVIRONMENTS / 'pouchdb' / 'node_modules' / 'pouchdb' / 'dist'
    modules = [static() / 'gset.js',
               *sorted((static() / 'gset').glob('*.js'))]
    return {'this': {path.relative_to(static()).as_posix(): path.read_bytes()
                     for path in modules},
            'pouch': {'pouchdb.min.js':
                      (pouch / 'pouchdb.min.js').read_bytes()}}


def pages():
    """Return the files of all pages, by name."""
    library = libraries()
    return {**{path.name: path.read_bytes()
               for path in Path(__file__).with_name('pages').iterdir()},
            **library['this'], **library['pouch'], **outbox()}


def sizes(content):
    brotli = subprocess.run(
        ['node', '-e', 'process.stdout.write(require("zlib")'
         '.brotliCompressSync(require("fs").readFileSync(0)))'],
        input=content, check=True, capture_output=True).stdout
    return {'plain': len(content), 'gzip': len(gzip.compress(content, 9)),
            'brotli': len(brotli)}


def report(about, run):
    """Return the results as text."""
    served = about['packages']['served']
    pouch = about['packages']['pouch']
    return '\n'.join([
        f'{about["date"]}, commit {about["commit"]}, '
        f'medians of {run.rounds} rounds',
        f'Python {about["python"]}, {about["system"]}, '
        f'{about["processor"]}',
        f'Chromium {about["chromium"]}, ZODB {served["ZODB"]}, '
        f'starlette {served["starlette"]}, uvicorn {served["uvicorn"]}',
        f'PouchDB {POUCHDB}, pouchdb-server {pouch["pouchdb-server"]}, '
        f'node {about["packages"]["node"]}',
        *tables.lines(run.settings, run.results),
        ''])


def check():
    """End if this machine lacks something."""
    for name in NAMES:
        if missing := SERVERS[name].missing():
            sys.exit(f'{SERVERS[name].title} needs {missing}')


def enter(progress):
    """Go on in a new environment that has what is needed."""
    if Path(sys.prefix) != ENVIRONMENTS / SERVED:
        servers.prepare(NAMES, progress)
        environments.install(SERVED, 'playwright')
        servers.install_npm('pouchdb', f'pouchdb@{POUCHDB}', progress)
        command = environments.module(
            SERVED, 'benchmarks.browser', *sys.argv[1:])
        os.execve(command[0], command, environments.VARIABLES)


def main():
    options = arguments(__doc__, WORKLOADS).parse_args()
    check()
    progress = Progress()
    enter(progress)
    # Playwright is only in this environment.
    from benchmarks.browser.windows import Windows, program
    if program() is None:
        return 'needs Chromium; GSET_TEST_CHROMIUM may say where it is'
    # This ends the servers, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit('stopped'))
    with (tempfile.TemporaryDirectory(dir=options.directory) as directory,
          Windows(Path(directory), pages()) as windows):
        commit = installed_commit()
        run = Run(QUICK if options.quick else FULL,
                  options.rounds or (1 if options.quick else 5),
                  Path(directory), windows, progress)
        for name in options.only or WORKLOADS:
            WORKLOADS[name](run)
        header = {**about(servers.versions(), commit),
                  'chromium': windows.version}
    text = report(header, run)
    print(text)
    if run.failures:
        return f'failed: {", ".join(dict.fromkeys(run.failures))}'
    if not (options.quick or options.only):
        keep(header, run, text, RESULTS / 'browser')
    return None


if __name__ == '__main__':
    sys.exit(main())
