"""What 10,000 subscriptions to webhooks cost those who write.

    python -m benchmarks.push --subscriptions 10000 --writes 500 --rounds 5

The first figures are the server's processor time for a write, without a pusher
and while one pushes to all subscribers.  The other is how many pushes it makes
in a second, to subscribers on this machine.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

import ZODB
from benchmarks.lib.connection import HOST
from benchmarks.lib.processes import processor

from zc.generationalset.client import Client
from zc.generationalset.push import Subscriptions

GSET = sys.executable, '-m', 'zc.generationalset'


@contextmanager
def running(*words):
    """Run a program; yield its process, and its first line."""
    with subprocess.Popen(words, text=True, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as process:
        try:
            yield process, process.stdout.readline().split()
        finally:
            process.terminate()


def subscribe(path, port, count):
    """Make a file with subscriptions."""
    db = ZODB.DB(str(path))
    with db.transaction() as connection:
        subscriptions = connection.root.push = Subscriptions(most=count)
        for number in range(count):
            subscriptions.add(
                f'user{number}', f'http://{HOST}:{port}/{number}', True)
    db.close()


def asked(receiver):
    receiver.stdin.write('\n')
    receiver.stdin.flush()
    return int(receiver.stdout.readline())


def write(url, pid, count):
    """Return the server's milliseconds for a write."""
    with Client(url) as client:
        client.sync()
        before = processor(pid)
        for number in range(count):
            client.put('item', number)
        return (processor(pid) - before) / count * 1000


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--subscriptions', type=int, default=10_000)
    parser.add_argument('--writes', type=int, default=500)
    parser.add_argument('--rounds', type=int, default=5)
    options = parser.parse_args()
    without, pushing, rates = [], [], []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        receiver, [port] = stack.enter_context(
            running(sys.executable, '-m', 'benchmarks.push.receiver'))
        server, line = stack.enter_context(running(
            *GSET, 'serve', str(folder / 'Data.fs'), '--port', '0'))
        url = line[-1]
        subscribe(folder / 'Push.fs', port, options.subscriptions)
        for _ in range(options.rounds):
            without.append(write(url, server.pid, options.writes))
            count = asked(receiver)
            with running(*GSET, 'push', 'run', str(folder / 'Push.fs'), url,
                         '--private'):
                began = time.monotonic()
                pushing.append(write(url, server.pid, options.writes))
                while asked(receiver) < count + options.subscriptions:
                    time.sleep(0.05)
                rates.append(options.subscriptions
                             / (time.monotonic() - began))
    print(f'a write without a pusher: {median(without):.2f} ms')
    print(f'a write while it pushes:  {median(pushing):.2f} ms')
    print(f'pushes a second:          {median(rates):,.0f}')


if __name__ == '__main__':
    main()
