"""A day of a server, its mirrors and thousands of clients, simulated.

    python -m benchmarks.simulation [--seed N] [--hours H] [--clients N]

See docs/simulation.txt.  The seed, a random one unless it is given, is printed
first: the same seed, hours and clients make the same day again.  The exit code
is 1 if anything differed.  The report of a whole day with all clients is kept
in results/simulation/DATE.json and .txt.
"""

import argparse
import json
import random
import sys
import time
from dataclasses import replace

from benchmarks.lib.results import RESULTS, about, installed_commit

from zc.generationalset.tests.simulation.world import DAY, simulate

KEPT = RESULTS / 'simulation'


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--seed', type=int, default=random.randrange(10 ** 6))
    parser.add_argument('--hours', type=float, default=DAY.hours)
    parser.add_argument('--clients', type=int, default=DAY.clients)
    options = parser.parse_args()
    print(f'seed {options.seed}', flush=True)
    began = time.monotonic()

    def progress(hours, report):
        print(f'{hours:5.1f} hours of {options.hours:g}, '
              f'{time.monotonic() - began:4.0f} s: '
              f'{report.counts["updates delivered"]:,} updates delivered, '
              f'{report.counts["differences"]} differences', flush=True)

    commit = installed_commit()
    report = simulate(replace(
        DAY, seed=options.seed, hours=options.hours, clients=options.clients,
    ), progress)
    report.counts['seconds'] = round(time.monotonic() - began)
    print(report)
    if (options.hours, options.clients) == (DAY.hours, DAY.clients):
        keep(report, commit)
    return bool(report.differences)


def keep(report, commit):
    """Keep the report under the date."""
    KEPT.mkdir(parents=True, exist_ok=True)
    results = about({}, commit)
    path = KEPT / results['date']
    path.with_suffix('.json').write_text(
        json.dumps({**results, 'report': report.figures}, indent=1) + '\n')
    path.with_suffix('.txt').write_text(
        f'{results["date"]}, commit {results["commit"]}, '
        f'Python {results["python"]}, {results["processor"]}\n\n{report}\n')


if __name__ == '__main__':
    sys.exit(main())
