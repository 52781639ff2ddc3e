"""A change on its way to 100,000 event streams of one machine.

    python -m benchmarks.crowd --clients 100000

Some workers share a ZEO server.  Each has a player of its own, a program that
plays the worker's clients; players have different addresses, as one has only
28,232 ports.  A document of 200 bytes changes, again and again.  The times are
those from the write to the event at half of the clients, at 99 % of them, and
at the last.  *us an event* is the processor time of the workers for each event
of each client.

All processes share the processors of this machine.  Each worker and player
opens a file for each of its clients: see ``ulimit -n``.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks.lib.connection import Connection, request
from benchmarks.lib.documents import document
from benchmarks.lib.environments import CHECKOUT
from benchmarks.lib.processes import (
    PATH,
    Failed,
    allow_many_connections,
    serving,
    zeo,
)
from benchmarks.lib.progress import Progress
from benchmarks.lib.streams import processor, quantile
from benchmarks.lib.table import framed


class Worker:
    """A server process."""

    def __init__(self, uri, stack):
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        self.process, self.port = serving(
            directory, 'benchmarks.lib.served', uri)
        stack.callback(self.process.stop)


class Player:
    """A process that plays clients of one worker."""

    def __init__(self, number, worker, count, stack):
        address = f'127.0.0.{number + 2}'
        self._process = stack.enter_context(subprocess.Popen(
            [sys.executable, '-m', 'benchmarks.crowd.player', address,
             str(worker.port), str(count)], cwd=CHECKOUT, text=True,
            env={'PYTHONPATH': PATH},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        stack.callback(self._process.kill)

    def tell(self, message):
        """Send something to the process."""
        print(json.dumps(message), file=self._process.stdin, flush=True)

    def told(self):
        """Wait for what the process tells."""
        line = self._process.stdout.readline()
        if not line:
            raise Failed('a player has ended')
        return json.loads(line)


def told(players, message):
    """Send something to all players, and return what they tell."""
    for player in players:
        player.tell(message)
    return [player.told() for player in players]


def beat(players, port, number):
    """Write, and return the seconds until each client had the change."""
    mark = f'beat-{number:05}'
    told(players, mark)  # that they listen
    start = time.perf_counter()
    write(port, mark)
    return sorted(arrival - start
                  for player in players for arrival in player.told())


def write(port, mark):
    with Connection(port) as connection:
        connection.ask(request(
            'PUT', '/items/event', document(0, 0, mark)), (200, 201, 202))


def measured(options, progress):
    """Return the table's rows: a change in each."""
    with ExitStack() as stack:
        uri = zeo(stack)
        workers = [Worker(uri, stack) for _ in range(options.workers)]
        port = workers[0].port
        write(port, 'opening')
        memory = [worker.process.memory() for worker in workers]
        start = time.perf_counter()
        players = [
            Player(number, worker, options.clients // options.workers, stack)
            for number, worker in enumerate(workers)]
        count = 0
        for player in players:
            count += player.told()
            progress(f'{count:,} streams')
        opened = time.perf_counter() - start
        memory = sum(worker.process.memory() for worker in workers) \
            - sum(memory)
        rows = []
        for number in range(options.changes):
            before = processor(workers)
            delays = beat(players, port, number)
            used = processor(workers) - before
            if len(delays) != count:
                raise Failed(f'{count - len(delays)} clients are lost')
            rows.append({
                'median s': median(delays), '99 %': quantile(delays, .99),
                'last': delays[-1], 'us an event': used / count * 1e6})
            progress(f'change {number + 1}: {delays[-1]:.2f} s')
    print(f'{count:,} streams of {len(workers)} workers, opened in '
          f'{opened:.1f} s; {memory / count / 1024:.1f} KB each; '
          'none was lost')
    return rows


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--clients', type=int, default=100_000)
    parser.add_argument('--workers', type=int, default=6)
    parser.add_argument('--changes', type=int, default=7)
    options = parser.parse_args()
    allow_many_connections()
    rows = measured(options, Progress())
    names = list(rows[0])
    table = [['', *names]]
    table += [[f'change {number}', *(f'{row[name]:.2f}' for name in names)]
              for number, row in enumerate(rows, 1)]
    table.append(['median', *(
        f'{median([row[name] for row in rows]):.2f}' for name in names)])
    print('\n'.join(framed(table)))


if __name__ == '__main__':
    main()
