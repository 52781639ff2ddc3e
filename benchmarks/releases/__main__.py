"""Compares this checkout with release 0.4.0 of zc.generationalset.

This makes a virtual environment for each of the two under .environments; the
first run needs the package index.  Then it runs every workload in both,
alternately, for some rounds, and prints a table of medians.  A ratio is this
release's figure divided by that of 0.4.0: the median of the rounds' ratios,
with the lowest and the highest beside it. docs/benchmarks.txt explains the
rows.

The results of a full run are kept in results/DATE.json and .txt.  This command
draws docs/growth.svg from them:

    benchmarks/.environments/this/bin/python -m benchmarks.releases.growth

The exit code is 1 if something failed; a goal that is missed is no failure.  A
full run takes about ten minutes, and 2 GB of disk while it runs.  Run nothing
else meanwhile.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.lib import environments
from benchmarks.lib.environments import REFERENCE, THIS
from benchmarks.lib.progress import Progress
from benchmarks.lib.results import about, arguments, installed_commit, keep
from benchmarks.releases import tables
from benchmarks.releases.tables import RELEASES

TIMEOUT = 1800

FULL = {
    'memory': {'count': 100_000, 'repeat': 3},
    'delta_flat': {'count': 100_000, 'repeat': 50},
    'delta_tree': {'count': 100_000, 'repeat': 50},
    'written': {'sizes': [1000, 100_000], 'commits': 1500},
    'threads': {'warm': 0.5, 'seconds': 2, 'repeat': 2},
    'zeo': {'warm': 1, 'seconds': 5},
    'length': {'count': 1_000_000, 'repeat': 5},
    'growth': {'sizes': [1000, 10_000, 100_000, 1_000_000],
               'commits': 1500, 'repeat': 30},
}
QUICK = {
    'memory': {'count': 100_000, 'repeat': 1},
    'delta_flat': {'count': 100_000, 'repeat': 10},
    'delta_tree': {'count': 100_000, 'repeat': 10},
    'written': {'sizes': [1000, 100_000], 'commits': 300},
    'threads': {'warm': 0.3, 'seconds': 1, 'repeat': 1},
    'zeo': {'warm': 0.3, 'seconds': 1},
    'length': {'count': 100_000, 'repeat': 3},
    'growth': {'sizes': [1000, 10_000], 'commits': 200, 'repeat': 10},
}


def databases(settings):
    """Return the shapes and counts of what the workloads need, by one."""
    return {
        'delta_flat': [('flat', settings['delta_flat']['count'])],
        'delta_tree': [('tree', settings['delta_tree']['count'])],
        'written': [('tree', n) for n in settings['written']['sizes']],
        'threads': [('bare', 1000), ('tree', 1000)],
        'zeo': [('tree', 1000)],
        'length': [('flat', settings['length']['count'])],
        'growth': [('flat', n) for n in settings['growth']['sizes']],
    }


class Failed(Exception):
    pass


class Run:
    """Some rounds of some workloads in both environments."""

    def __init__(self, settings, names, rounds, directory):
        self.settings = settings
        self.names = names
        self.rounds = rounds
        self.directory = Path(directory)
        self.results = {name: {THIS: [], REFERENCE: []} for name in names}
        self.failures = []
        self.progress = Progress()

    def build(self):
        needed = databases(self.settings)
        wanted = sorted({pair for name in self.names
                         for pair in needed.get(name, ())})
        for release in RELEASES:
            (self.directory / release).mkdir()
            for shape, count in wanted:
                self.progress(f'building {shape} {count:,} '
                              f'with {RELEASES[release]}')
                self.call(release, 'build', {'databases': [(shape, count)]})
        # Otherwise the disk would still be busy in the first round.
        os.sync()

    def measure(self):
        order = [THIS, REFERENCE]
        for number in range(1, self.rounds + 1):
            for name in self.names:
                for release in order:
                    self.progress(f'round {number} of {self.rounds}: '
                                  f'{name}, {RELEASES[release]}')
                    self._measure(release, name)
            order.reverse()

    def _measure(self, release, name):
        try:
            result = self.call(release, name, self.settings[name])
        except Failed as error:
            self.failures.append(name)
            self.progress(f'FAILED: {name}, {RELEASES[release]}\n{error}')
            # Half a round is of no use.
            self.results[name] = {release: [] for release in RELEASES}
            return
        if name not in self.failures:
            self.results[name][release].append(result)

    def call(self, release, name, settings):
        """Run a workload in a release's environment; return its result."""
        command = environments.module(
            release, 'benchmarks.releases.workloads', name,
            json.dumps(settings))
        try:
            result = subprocess.run(
                command, capture_output=True, text=True, timeout=TIMEOUT,
                cwd=self.directory / release, env=environments.VARIABLES)
        except subprocess.TimeoutExpired as error:
            raise Failed(f'no answer in {TIMEOUT} seconds') from error
        if result.returncode:
            raise Failed(result.stderr)
        return json.loads(result.stdout.splitlines()[-1])


def check_versions(versions):
    """Check that the environments differ only in the release."""
    shared = versions[REFERENCE].keys() & versions[THIS].keys()
    for name in sorted(shared - {'zc.generationalset', 'packaging'}):
        mine, other = versions[THIS][name], versions[REFERENCE][name]
        if mine != other:
            sys.exit(f'the environments differ in {name}: {mine}, {other}; '
                     'remove benchmarks/.environments and run again')
    return {name: versions[THIS][name] for name in sorted(shared)}


def report(about, run):
    """Return the results as text."""
    packages = ', '.join(f'{name} {about["packages"][name]}'
                         for name in ('ZODB', 'BTrees', 'persistent', 'ZEO')
                         if name in about['packages'])
    return '\n'.join([
        f'{about["date"]}, commit {about["commit"]}, '
        f'medians of {run.rounds} rounds',
        f'Python {about["python"]}, {about["system"]}, '
        f'{about["processor"]}',
        packages,
        '',
        *tables.lines(run.settings, run.results),
        *tables.growth_lines(run.settings, run.results),
        ''])


def main():
    options = arguments(__doc__, FULL).parse_args()
    settings = QUICK if options.quick else FULL
    names = options.only or list(FULL)
    rounds = options.rounds or (1 if options.quick else 5)
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        run = Run(settings, names, rounds, directory)
        environments.prepare(run.progress)
        commit = installed_commit()
        run.build()
        packages = check_versions(
            {name: run.call(name, 'versions', {}) for name in RELEASES})
        run.measure()
    header = about(packages, commit)
    text = report(header, run)
    print(text)
    if run.failures:
        return f'failed: {", ".join(dict.fromkeys(run.failures))}'
    if not (options.quick or options.only):
        keep(header, run, text)
    return None


if __name__ == '__main__':
    sys.exit(main())
