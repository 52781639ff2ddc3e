"""Measures a large tree: its file, its answers, and the memory of a server.

    python -m benchmarks.trees [--items 300000] [--commits 50000]

The tree has 300 subsets, three deep, and items of 2 KB in all of them.  Each
commit changes one item.  A client that is behind is answered from an empty
cache of ZODB (cold), and once more (warm); the system may have the file in its
own cache.  Then ``gset serve`` serves the tree to twelve connections, which
read and write at random, and a stream of somebody who has nothing is open.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.lib.processes import Failed
from benchmarks.lib.progress import Progress
from benchmarks.lib.table import figure, framed
from benchmarks.trees.served import Served
from benchmarks.trees.tree import Session, Tree

from zc.generationalset import wire

BEHIND = 10, 1000, 10_000
MB = 2 ** 20

tell = Progress()


def timed(call, *arguments):
    """Return the seconds of a call, and its result."""
    begin = time.perf_counter()
    result = call(*arguments)
    return time.perf_counter() - begin, result


def stored(tree, commits):
    """Make the tree; yield what is known of its file."""
    seconds, _ = timed(tree.fill, tell)
    filled = tree.size()
    yield 'fill', figure(seconds, 's')
    yield 'file of the items', figure(filled / MB, 'MB')
    seconds, _ = timed(tree.change, commits, tell)
    changed = tree.size()
    yield 'commits', figure(commits / seconds, '/s')
    yield 'growth', figure((changed - filled) / commits, 'B a commit')
    seconds, _ = timed(opened, tree)
    yield 'open', figure(seconds * 1000, 'ms')
    tree.path.with_name('Data.fs.index').unlink()
    tell('opening without an index')
    seconds, _ = timed(opened, tree)
    yield 'open without an index, after a crash', figure(seconds, 's')
    yield from checked(tree)


def opened(tree):
    with Session(tree) as session:
        return session.at(()).generation


def checked(tree):
    tell('checking')
    seconds, done = timed(subprocess.run, [
        sys.executable, '-m', 'zc.generationalset', 'check', str(tree.path)])
    if done.returncode:
        raise Failed('gset check has found something')
    yield 'gset check', figure(seconds, 's')
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    yield 'gset check, memory', figure(peak / MB, 'MB')


def answered(tree, commits):
    """Yield how long answers take."""
    for behind in BEHIND:
        if behind > commits:
            continue
        tell(f'{behind:,} behind')
        with Session(tree) as session:
            for state in 'cold', 'warm':
                seconds, body = timed(session.answer, wire.encode, behind)
                yield (f'{behind:,} behind, {state}',
                       figure(seconds * 1000, 'ms'))
        yield f'{behind:,} behind, answer', figure(len(body) / MB, 'MB')


def packed(tree):
    tell('packing')
    with Session(tree) as session:
        seconds, _ = timed(session.db.pack)
    yield 'pack', figure(seconds, 's')
    yield 'file, packed', figure(tree.size() / MB, 'MB')


def served(tree, requests, directory):
    """Yield a server's memory, and answers beside a stream."""
    server = Served(tree, directory)
    try:
        yield 'server, at the start', figure(server.memory() / MB, 'MB')
        for done in server.use(requests):
            tell(f'{done:,} of {requests:,} requests')
            yield (f'server, after {done:,} requests',
                   figure(server.memory() / MB, 'MB'))
        for title, seconds in server.delays(1000):
            yield title, figure(seconds * 1000, 'ms')
        tell('everything, to one client')
        yield 'everything, from the server', figure(
            timed(server.everything)[0], 's')
        yield 'server, afterwards', figure(server.memory() / MB, 'MB')
    finally:
        server.close()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.split('\n')[0])
    parser.add_argument('--items', type=int, default=300_000, metavar='N')
    parser.add_argument('--commits', type=int, default=50_000, metavar='N')
    parser.add_argument('--requests', type=int, default=20_000, metavar='N')
    parser.add_argument(
        '--directory', metavar='DIR', help='where the file is put')
    options = parser.parse_args()
    rows = [('', 'value')]
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        tree = Tree(directory, options.items)
        rows += stored(tree, options.commits)
        rows += answered(tree, options.commits)
        rows += served(tree, options.requests, Path(directory))
        rows += packed(tree)
    print('\n'.join(framed(rows)))


if __name__ == '__main__':
    main()
