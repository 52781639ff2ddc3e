"""Compares this checkout with an earlier commit, in one run.

    python -m benchmarks.before COMMIT --rounds 7

A set, and a server, do the same work with the sources of both, in turns, each
time in a new process.  The times are those of a processor for the set, and
those that a client waits for the server.  A ratio is this checkout's figure
divided by that of the commit: the median of the rounds' own ratios, with the
lowest and the highest beside it.

Both use the packages of the environment that runs this.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from benchmarks.lib.environments import CHECKOUT
from benchmarks.lib.progress import Progress
from benchmarks.lib.table import figure, framed

WORKLOADS = 'core', 'served'


@contextmanager
def sources(commit):
    """Check out a commit beside this; yield the folder with its sources."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, 'before')
        git('worktree', 'add', '--quiet', '--detach', str(path), commit)
        try:
            yield path / 'src'
        finally:
            git('worktree', 'remove', '--force', str(path))


def git(*arguments):
    subprocess.run(['git', *arguments], cwd=CHECKOUT, check=True)


def measured(workload, source):
    """Return the microseconds of each row, from a new process."""
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run(
            [sys.executable, '-m', f'benchmarks.before.{workload}'],
            cwd=directory, check=True, stdout=subprocess.PIPE,
            env={**os.environ, 'PYTHONPATH': f'{source}:{CHECKOUT}'})
    return json.loads(done.stdout)


def table(rounds):
    """Return the lines of a table of pairs of figures, of all rounds."""
    rows = [['what', 'before', 'this', 'ratio', 'lowest..highest']]
    for name in rounds[0][0]:
        before, now = ([each[side][name] for each in rounds]
                       for side in (0, 1))
        ratios = sorted(
            new / old for old, new in zip(before, now, strict=True))
        rows.append([
            name, figure(median(before), 'us'), figure(median(now), 'us'),
            f'{median(ratios):.2f}', f'{ratios[0]:.2f}..{ratios[-1]:.2f}'])
    return framed(rows)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('commit', metavar='COMMIT')
    parser.add_argument('--rounds', type=int, default=7)
    parser.add_argument('--only', choices=WORKLOADS)
    options = parser.parse_args()
    progress = Progress()
    rounds = []
    with sources(options.commit) as before:
        sides = [before, CHECKOUT / 'src']
        for number in range(options.rounds):
            progress(f'round {number + 1} of {options.rounds}')
            figures = [{}, {}]
            for workload in WORKLOADS:
                if options.only in (None, workload):
                    # Who is first changes with each round.
                    for side in sorted((0, 1), reverse=number % 2 == 1):
                        figures[side] |= measured(workload, sides[side])
            rounds.append(figures)
    print('\n'.join(table(rounds)))


if __name__ == '__main__':
    main()
