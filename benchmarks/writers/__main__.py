"""How fast many connections write, and how long readers wait meanwhile.

    python -m benchmarks.writers
    python -m benchmarks.writers --workers 4
    python -m benchmarks.writers --pouchdb

Each write is a PUT of 200 bytes into a FileStorage, which syncs each commit.
One server makes the writes that wait for each other in one transaction, and
another one makes each alone, in eight threads.  They take turns, and the
medians of all rounds are printed.

With --workers, one process is compared with several, all of them clients of
one ZEO server.  With --pouchdb, this is compared with pouchdb-server on
LevelDB, which doesn't sync the disk; the clients then create documents, as
PouchDB's would have to know the revisions of those that they change.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks.lib.connection import Connection, request
from benchmarks.lib.environments import CHECKOUT
from benchmarks.lib.processes import (
    PATH,
    Failed,
    serving,
    zeo,
)
from benchmarks.lib.progress import Progress
from benchmarks.lib.servers import Pouch, install_pouch
from benchmarks.lib.streams import quantile
from benchmarks.lib.table import figure, framed
from benchmarks.writers.clients import ITEMS

CONNECTIONS = 1, 8, 64
#: Connections that write while others read, and those that read.
WRITERS, READERS = 64, 4


def served(stack, module, *arguments):
    """Start a server, and put items into it; return it and its port."""
    directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    process, port = serving(directory, module, *arguments)
    stack.callback(process.stop)
    with Connection(port) as connection:
        connection.ask(request('POST', '/batch', {'changes': [
            {'op': 'put', 'path': [f'{number}'], 'item': 'x'}
            for number in range(ITEMS)]}))
    return process, port


def clients(port, count, seconds, how):
    """Begin to write or to read; return a function that waits for the end."""
    process = subprocess.Popen(
        [sys.executable, '-m', 'benchmarks.writers.clients', str(port),
         str(count), str(seconds), how], stdout=subprocess.PIPE,
        cwd=CHECKOUT, env={'PYTHONPATH': PATH})

    def done():
        output, _ = process.communicate(timeout=seconds + 60)
        if process.returncode:
            raise Failed('the clients have failed')
        return json.loads(output)
    return done


def p99(times):
    return quantile(sorted(times), .99)


def written(process, port, count, seconds, how='write'):
    """Return the figures of some connections that write."""
    before = process.processor()
    done = clients(port, count, seconds, how)()
    used = process.processor() - before
    return {'rate': done['rate'], 'refused': done['refused'],
            'p50': median(done['times']), 'p99': p99(done['times']),
            'used': used / (len(done['times']) or 1)}


def read(port, seconds):
    """Return how long readers wait at rest, and while others write."""
    rest = clients(port, READERS, seconds, 'read')()
    writing = clients(port, WRITERS, seconds + 1, 'write')
    busy = clients(port, READERS, seconds, 'read')()
    writing()
    return p99(rest['times']), p99(busy['times'])


def medians(rounds):
    """Return the median of each figure."""
    return {name: median([each[name] for each in rounds])
            for name in rounds[0]}


def rows(title, figures):
    """Return the lines of a table for one server."""
    one = figures[1]['rate']
    return [(title, f'{count}', figure(each['rate'], '/s'),
             f'{each["rate"] / one:.2f}', figure(each['p50'] * 1000, 'ms'),
             figure(each['p99'] * 1000, 'ms'),
             figure(each['used'] * 1e6, 'µs'), f'{each["refused"]:.0f}')
            for count, each in figures.items()]


HEADING = ('', 'connections', 'PUTs', 'to one', 'median', 'p99',
           'processor', 'refused')


def compared(options):
    """Compare writes that share transactions with writes that don't."""
    with ExitStack() as stack:
        servers = {how: served(
            stack, 'benchmarks.writers.served', how, 'data.fs')
            for how in ('together', 'alone')}
        measured = {how: {count: [] for count in CONNECTIONS}
                    for how in servers}
        waits = {how: [] for how in servers}
        for _ in range(options.rounds):
            for count in CONNECTIONS:
                for how, (process, port) in servers.items():
                    measured[how][count].append(
                        written(process, port, count, options.seconds))
            for how, (_, port) in servers.items():
                waits[how].append(read(port, options.seconds))
    table = [HEADING]
    for how, figures in measured.items():
        table += rows(how, {
            count: medians(each) for count, each in figures.items()})
    print('\n'.join(framed(table)))
    for how, pairs in waits.items():
        rest, busy = (median(each) for each in zip(*pairs, strict=True))
        print(f'{how}: a reader waits {rest * 1000:.1f} ms at rest, '
              f'{busy * 1000:.1f} ms while {WRITERS} connections write (p99): '
              f'{busy / rest:.1f} times as long')


def workers(options):
    """Compare one process with several, which share a ZEO server."""
    measured = {}
    for _ in range(options.rounds):
        for number in 1, options.workers:
            with ExitStack() as stack:
                process, port = served(
                    stack, 'zc.generationalset', 'serve', zeo(stack),
                    '--workers', str(number), '--port')
                measured.setdefault(number, []).append(
                    written(process, port, WRITERS, options.seconds))
    one = median([each['rate'] for each in measured[1]])
    table = [('workers', 'PUTs', 'to one', 'p99', 'refused')]
    for number, rounds in measured.items():
        each = medians(rounds)
        table.append((
            f'{number}', figure(each['rate'], '/s'),
            f'{each["rate"] / one:.2f}', figure(each['p99'] * 1000, 'ms'),
            f'{sum(each["refused"] for each in rounds)}'))
    print('\n'.join(framed(table)))


def beside_pouchdb(options):
    """Compare this with PouchDB."""
    install_pouch(Progress())
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        pouch = stack.enter_context(Pouch(directory))
        ours, port = served(stack, 'benchmarks.lib.served', 'data.fs')
        measured = {Pouch.title: {}, 'this': {}}
        for _ in range(options.rounds):
            for count in CONNECTIONS:
                for title, process, at, path in (
                        (Pouch.title, pouch.process, pouch.port, '/things/'),
                        ('this', ours, port, '/items/')):
                    measured[title].setdefault(count, []).append(
                        written(process, at, count, options.seconds, path))
    table = [HEADING]
    for title, figures in measured.items():
        table += rows(title, {
            count: medians(each) for count, each in figures.items()})
    print('\n'.join(framed(table)))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--seconds', type=float, default=4)
    parser.add_argument('--workers', type=int, metavar='N')
    parser.add_argument('--pouchdb', action='store_true')
    options = parser.parse_args()
    if options.workers:
        workers(options)
    elif options.pouchdb:
        beside_pouchdb(options)
    else:
        compared(options)


if __name__ == '__main__':
    main()
