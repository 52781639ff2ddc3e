"""Compares this checkout with release 0.4.0 of zc.generationalset.

Makes a virtual environment for each of the two under .environments (it needs
the package index for that the first time), then runs every workload in both,
alternately, some rounds long, and prints a table of medians.  A ratio is this
release's figure divided by that of 0.4.0: the median of the rounds' ratios,
with the lowest and the highest beside it.  What the rows mean is said in
docs/benchmarks.txt.

The results of a full run are kept in results/DATE.json and .txt.  From them
this draws docs/growth.svg:

    benchmarks/.environments/this/bin/python benchmarks/growth.py

The exit code is 1 if something failed; a goal that is missed is no failure.
A full run takes about ten minutes, and 2 GB on the disk while it runs.  Let
nothing else run meanwhile.
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import environments
import table
from environments import REFERENCE, THIS
from progress import Progress
from table import RELEASES

HERE = Path(__file__).resolve().parent
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
        # Else the disk would still be busy with it in the first round.
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
            # A half of a round is of no use.
            self.results[name] = dict.fromkeys(RELEASES, ())
            return
        if name not in self.failures:
            self.results[name][release].append(result)

    def call(self, release, name, settings):
        """Run a workload in a release's environment; return its result."""
        command = [environments.python_of(release), HERE / 'workloads.py',
                   name, json.dumps(settings)]
        try:
            result = subprocess.run(
                command, capture_output=True, text=True, timeout=TIMEOUT,
                cwd=self.directory / release)
        except subprocess.TimeoutExpired as error:
            raise Failed(f'no answer in {TIMEOUT} seconds') from error
        if result.returncode:
            raise Failed(result.stderr)
        return json.loads(result.stdout.splitlines()[-1])


def check_versions(versions):
    """Make sure that both environments differ in the release alone."""
    shared = versions[REFERENCE].keys() & versions[THIS].keys()
    for name in sorted(shared - {'zc.generationalset', 'packaging'}):
        mine, other = versions[THIS][name], versions[REFERENCE][name]
        if mine != other:
            sys.exit(f'the environments differ in {name}: {mine}, {other}; '
                     'remove benchmarks/.environments and run again')
    return {name: versions[THIS][name] for name in sorted(shared)}


def about(packages, commit):
    """Return what a reader of the results has to know of the machine."""
    return {
        'date': datetime.date.today().isoformat(),
        'commit': commit,
        'python': platform.python_version(),
        'system': f'{platform.system()} {platform.release()}',
        'processor': f'{os.cpu_count()} x {_processor()}',
        'packages': packages,
    }


def installed_commit():
    """Return the commit that is checked out, with + if src was edited.

    To be asked when the checkout has just been installed: it may be edited
    while this runs.
    """
    edited = _git('status', '--porcelain', 'src')
    return _git('rev-parse', '--short', 'HEAD') + ('+' if edited else '')


def _git(*arguments):
    result = subprocess.run(['git', *arguments], capture_output=True,
                            text=True, cwd=environments.CHECKOUT)
    return result.stdout.strip()


def _processor():
    try:
        text = Path('/proc/cpuinfo').read_text()
    except OSError:
        return platform.processor() or platform.machine()
    for line in text.splitlines():
        if line.startswith('model name'):
            return line.partition(':')[2].strip()
    return platform.machine()


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
        *table.lines(run.settings, run.results),
        *table.growth_lines(run.settings, run.results),
        ''])


class Results(NamedTuple):
    """What ``keep`` wants to know of a run."""

    rounds: int
    settings: dict
    results: object


def keep(about, run, text, directory=HERE / 'results'):
    directory.mkdir(exist_ok=True)
    data = {**about, 'rounds': run.rounds, 'settings': run.settings,
            'results': run.results}
    (directory / f'{about["date"]}.json').write_text(
        json.dumps(data, indent=1) + '\n')
    (directory / f'{about["date"]}.txt').write_text(text)


def arguments(description, workloads):
    """Return a parser for what all benchmarks understand."""
    parser = argparse.ArgumentParser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--quick', action='store_true',
        help='a minute, one round, few items; shows that all works, '
        'not how fast it is; the results are not kept')
    parser.add_argument(
        '--rounds', type=int, metavar='N',
        help='how many rounds (5; with --quick 1)')
    parser.add_argument(
        '--only', action='append', choices=workloads, metavar='WORKLOAD',
        help='this workload alone, may be repeated: ' + ', '.join(workloads)
        + '; the results are not kept')
    parser.add_argument(
        '--directory', metavar='DIR',
        help='where databases are put while this runs (default: the '
        "system's directory for temporary files); commits wait for its disk")
    return parser


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
