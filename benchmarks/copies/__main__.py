"""Copies a large set over connections that are cut after each megabyte.

    python -m benchmarks.copies [--mirror] [--turns] [COUNT]

COUNT documents of 200 bytes, a million by default, are in a FileStorage.  A
process serves them, and a client in another process copies them into an SQLite
file, or a mirror.  Between them, each connection breaks when it has brought a
megabyte.  Meanwhile, documents are changed, added and removed, and a subset
with a fiftieth of them moves every five seconds.  With --turns, a mirror
serves the documents, too, and connections lead to the server and to it by
turns.

Prints the time, and how much more memory than at rest the server and the
client had at most.  This reads /proc, so it needs Linux.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from benchmarks.copies.cutting import Cutting
from benchmarks.copies.items import (
    FIRST,
    fill,
    in_file,
    in_mirror,
    length,
    served,
)

from zc.generationalset.client import Client

HERE = Path(__file__).parent
PORT, MIRROR = 18_233, 18_234
URL = f'http://127.0.0.1:{PORT}'
#: How often both are compared at most, as the subset may move in between.
COMPARISONS = 20


def memory(process, name):
    """Return the megabytes that a process has, or has had at most."""
    status = Path(f'/proc/{process.pid}/status').read_text()
    return int(re.search(rf'^{name}:\s*(\d+) kB', status, re.M)[1]) / 1000


def change(client, count, ended):
    """Change, add and remove documents until the copy has ended."""
    number = 0
    while not ended.wait(.05):
        client.put(f'{number * 7919 % count:08}', 'changed')
        client.put(f'{number:08}-new', 'new')
        client.remove(f'{number * 7907 % count:08}', missing_ok=True)
        number += 1
    return number


def start(*command):
    return subprocess.Popen(
        [sys.executable, *map(str, command)], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


@contextmanager
def serving(data, count):
    """Serve a set; yield the process of the server."""
    fill(data, count)
    server = start('-m', 'benchmarks.copies.serving', data, PORT)
    try:
        until_served(PORT)
        yield server
    finally:
        server.kill()
        server.wait()


@contextmanager
def mirrored(data):
    """Serve a mirror of the set."""
    mirror = start('-m', 'zc.generationalset', 'mirror', URL, data,
                   '--port', MIRROR)
    try:
        until_served(MIRROR)
        yield
    finally:
        mirror.kill()
        mirror.wait()


def until_served(port):
    with Client(f'http://127.0.0.1:{port}') as client:
        for _ in range(6000):
            with suppress(Exception):
                client.get(FIRST)
                return
            time.sleep(.1)
    raise TimeoutError('the server does not answer')


def copied(server, copy, count, *ports):
    """Copy over connections that are cut, while documents change."""
    cutting = Cutting(*ports)
    client = start(
        HERE / 'copying.py', f'http://127.0.0.1:{cutting.port}', copy)
    client.stdout.readline()  # it is ready
    processes = {'server': server, 'client': client}
    rest = {name: memory(each, 'VmRSS') for name, each in processes.items()}
    ended = threading.Event()
    with Client(URL) as writer:
        changing = threading.Thread(
            target=change, args=(writer, count, ended))
        changing.start()
        try:
            began = time.perf_counter()
            first = client.stdout.readline().strip()
            first_seconds = time.perf_counter() - began
            client.stdout.readline()
            seconds = time.perf_counter() - began
            peak = {name: memory(each, 'VmHWM')
                    for name, each in processes.items()}
        finally:
            ended.set()
            changing.join()
            client.kill()
            client.wait()
            cutting.stop()
    size = ' and '.join(
        [f'{size / 1e6:.0f}' for size in cutting.bytes.values()])
    print(f'{count:,} items in {seconds:.0f} s; {first} after '
          f'{first_seconds:.1f} s; {size} MB in {cutting.connections} '
          'connections')
    for name in processes:
        print(f'{name}: {rest[name]:.0f} MB at rest, {peak[name]:.0f} MB at '
              f'most, {peak[name] - rest[name]:.0f} MB more', flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--mirror', action='store_true')
    parser.add_argument('--turns', action='store_true')
    parser.add_argument('count', type=int, nargs='?', default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        copy = directory / ('copy.fs' if options.mirror else 'copy')
        contents = in_mirror if options.mirror else in_file
        with ExitStack() as stack:
            server = stack.enter_context(
                serving(directory / 'data.fs', options.count))
            ports = [PORT]
            if options.turns:
                stack.enter_context(mirrored(directory / 'mirror.fs'))
                ports.append(MIRROR)
            copied(server, copy, options.count, *ports)
            for _ in range(COMPARISONS):
                truth = served(URL)
                if truth == contents(copy, URL):
                    break
            else:
                sys.exit('the copy differs')
            print(f'{length(truth):,} items, equal')


if __name__ == '__main__':
    main()
