"""Mutation testing: do the unit tests notice small defects?

    python -m benchmarks.mutation [--count N] [--seed N]

This needs cosmic-ray and coverage, beside what the tests need.  It chooses N
random places in the sets, answers, replicas and the wire format, and one of
cosmic-ray's mutations for each.  For each mutation, it runs the unit tests
that execute the mutated lines, in a process of its own, until one fails.

It prints each mutation that no test has noticed, as a difference, with the
explanation in explained.py.  The exit code is 1 if less than 95 % of the
mutations were noticed.
"""

import argparse
import difflib
import sys
import time
from collections import Counter

from benchmarks.lib.progress import Progress
from benchmarks.mutation.explained import EXPLAINED
from benchmarks.mutation.mutations import sample
from benchmarks.mutation.running import SURVIVED, Runner

GOAL = .95


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--count', type=int, default=200)
    parser.add_argument('--seed', type=int, default=1)
    options = parser.parse_args()
    mutations = sample(options.count, options.seed)
    runner = Runner()
    print(f'seed {options.seed}; {len(runner.seconds)} tests pass unmutated',
          flush=True)
    start = time.monotonic()
    outcomes, progress = Counter(), Progress()
    explained = 0
    for mutation, outcome in runner.run(mutations):
        outcomes[outcome] += 1
        progress(f'{outcomes.total()} of {len(mutations)}')
        if outcome == SURVIVED:
            reason = EXPLAINED.get(mutation.name)
            explained += reason is not None
            print(difference(mutation))
            print(f'  {reason or "not explained"}\n', flush=True)
    noticed = len(mutations) - outcomes[SURVIVED]
    print(f'{noticed} of {len(mutations)} noticed, '
          f'{noticed / len(mutations):.1%}: {dict(outcomes)}; '
          f'{explained} of the others explained; '
          f'{time.monotonic() - start:.0f} s')
    return noticed < GOAL * len(mutations)


def difference(mutation):
    lines = difflib.unified_diff(
        mutation.path.read_text().splitlines(), mutation.code.splitlines(),
        lineterm='', n=1)
    return '\n'.join([repr(mutation.name), *list(lines)[2:]])


if __name__ == '__main__':
    sys.exit(main())
