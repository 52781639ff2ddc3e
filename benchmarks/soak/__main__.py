"""Uses a system for some minutes, and checks what it still uses afterwards.

    python -m benchmarks.soak [--minutes 2]

Clients come and go, writers write, workers of ``gset serve`` on a ZEO server
are killed, and a mirror follows.  Within two minutes afterwards, memory,
files, threads, bytes of temporary files and listeners must be what they were
before.
"""

import argparse
import contextlib
import datetime
import json
import logging
import platform
import sys
from dataclasses import asdict

from benchmarks.lib.results import RESULTS
from benchmarks.lib.table import framed

from zc.generationalset.tests.support.soaking import Soak

CLIENTS = 300
WRITERS = 16
#: Seconds that a client stays.
STAY = 5, 60
#: Minutes for a kill.
KILL = .5
KEPT = RESULTS / 'soak'


def quantile(values, share):
    return sorted(values)[int(len(values) * share)]


def report(result, minutes):
    cells: list[tuple[str, ...]] = [
        ('', 'at rest', 'at most', 'afterwards')]
    for name, unit in [('memory', ' MB'), ('files', ''), ('threads', ''),
                       ('disk', ' MB'), ('listeners', '')]:
        cells.append((f'{name}{unit and "," + unit}', *[
            f'{getattr(use, name):,.0f}' for use in (
                result.rest, result.most, result.afterwards)]))
    writes = result.writes
    return '\n'.join([
        f'{datetime.date.today()}, {minutes:g} minutes, {CLIENTS} clients at '
        f'a time ({result.clients:,} in all), {WRITERS} writers, '
        f'{result.kills} kills',
        f'Python {platform.python_version()}, {platform.system()}', '',
        *framed(cells), '',
        f'As before after {result.returned:.0f} seconds.  '
        f'{len(writes):,} writes, {result.failures} that failed; median '
        f'{quantile(writes, .5) * 1000:.0f} ms, p99 '
        f'{quantile(writes, .99) * 1000:.0f} ms.  '
        f'{result.differences} items differ in the mirror.', ''])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--minutes', type=float, default=2, metavar='N')
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)  # errors are expected here
    with contextlib.ExitStack() as stack:
        result = Soak(
            stack, clients=CLIENTS, writers=WRITERS,
            seconds=options.minutes * 60,
            kills=int(options.minutes / KILL), stay=STAY).run()
    text = report(result, options.minutes)
    print(text)
    if options.minutes >= 10:
        KEPT.mkdir(exist_ok=True)
        row = {**asdict(result), 'writes': len(result.writes)}
        path = KEPT / str(datetime.date.today())
        path.with_suffix('.txt').write_text(text)
        path.with_suffix('.json').write_text(json.dumps(row, indent=1) + '\n')
    is_good = (result.afterwards.is_like(result.rest)
               and not result.differences)
    return 0 if is_good else 1


if __name__ == '__main__':
    sys.exit(main())
