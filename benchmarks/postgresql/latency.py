"""How long after a statement of psql a browser is told."""

import json
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from queue import SimpleQueue

import httpx
from benchmarks.lib.postgresql import programs

TABLE = 'tracked'
#: Commits a second of each writer beside psql.
PACE = 10
#: Seconds to wait for an event.
PATIENCE = 30


class Psql:
    """A psql that executes what it is told."""

    def __init__(self, url):
        self._process = subprocess.Popen(
            [programs() / 'psql', '-qXAt', url], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, bufsize=1)

    def tell(self, statement):
        """Execute a statement; return the times before and after that."""
        start = time.perf_counter()
        self._process.stdin.write(f'{statement};\n\\echo done\n')
        if self._process.stdout.readline() != 'done\n':
            raise RuntimeError('psql has failed')
        return start, time.perf_counter()

    def close(self):
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


@contextmanager
def serving(url):
    """Run ``gset serve``; yield its URL."""
    process = subprocess.Popen(
        [sys.executable, '-m', 'zc.generationalset', 'serve', url,
         '--tables', TABLE, '--port', '0'], stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline().split()[-1]
    finally:
        process.terminate()
        process.stdout.close()
        process.wait()


@contextmanager
def events(url):
    """Follow a server, as a browser does; yield a queue.

    It gets the time of each event, and the rows that the event has.
    """
    start = httpx.get(f'{url}/updates', params={'cursor': ''}).json()
    found = SimpleQueue()
    with httpx.stream('GET', f'{url}/events', timeout=None, params={
            'epoch': start['epoch'],
            'generation': start['generation']}) as stream:

        def read():
            with suppress(httpx.HTTPError):  # the stream is closed
                for line in stream.iter_lines():
                    if line.startswith('data:'):
                        found.put((time.perf_counter(), rows(line[5:])))

        threading.Thread(target=read, daemon=True).start()
        yield found


def rows(text):
    """Return the rows that an answer has, by their ids."""
    return {id: row for entry in json.loads(text).get('adds', ())
            for id, row in entry.get('adds', ())}


@contextmanager
def others(url, script, count, seconds):
    """Let other writers commit, each at ``PACE``."""
    if not count:
        yield
        return
    process = subprocess.Popen(
        [programs() / 'pgbench', '-n', '-f', script, '-T', str(seconds), '-c',
         str(count), '-j', '2', '-R', str(count * PACE), url],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def measure(url, served, script, writers, repeats):
    """Print how long it takes until a client has what psql has committed.

    Measured from before the statement, and from when psql has its answer.
    """
    before, after = [], []
    psql = Psql(url)
    with events(served) as found, others(
            url, script, writers - 1, repeats * PATIENCE):
        for number in range(repeats):
            time.sleep(0.03 + number % 20 / 1000)
            start, done = psql.tell(
                f"UPDATE {TABLE} SET number = 'psql {number}' WHERE id = 1")
            told = 0.0
            while not told:
                now, new = found.get(timeout=PATIENCE)
                if new.get(1, {}).get('number') == f'psql {number}':
                    told = now
            before.append(1000 * (told - start))
            after.append(max(0.0, 1000 * (told - done)))
    psql.close()
    print(f'{writers:2} writers: from statement to event: {_quantiles(before)}'
          f'; from commit to event: {_quantiles(after)}', flush=True)


def _quantiles(times):
    times = sorted(times)
    return (f'p50 {times[len(times) // 2]:.1f} ms, '
            f'p95 {times[len(times) * 95 // 100]:.1f} ms')
