"""Counts answers that lack an earlier commit, on a ZEO server.

Processes commit at the same moment, again and again: each changes one of its
items, commits, and reads what is new since its generation.  Then its items are
compared with what the database had at the new generation.

    python -m benchmarks.overtaking --processes 2 --rounds 10000

The exit code is 1 if any differs.
"""

import argparse
import io
import json
import multiprocessing
import pathlib
import pickle
import socket
import subprocess
import sys
import tempfile
import time
import zlib

import transaction
import ZEO
import ZODB
from benchmarks.lib.progress import Progress
from persistent import Persistent
from transaction.interfaces import TransientError
from ZODB.FileStorage import FileStorage
from ZODB.utils import get_pickle_metadata

from zc.generationalset import GSet

ITEMS = 8

tell = Progress()


class Item(Persistent):

    def __init__(self, id):
        self.id = id
        self.version = 0


def follow(address, number, rounds, together, path):
    """Write, and store the result of each answer in a file."""
    manager = transaction.TransactionManager()
    connection = ZODB.DB(ZEO.client(address, wait_timeout=30)).open(manager)
    versions, generation = {}, 0
    with open(path, 'w') as answers:
        for count in range(1, rounds + 1):
            together.wait()
            write(manager, connection, f'{number}-{count % ITEMS}', count)
            updates = connection.root.tree.generational_updates(generation)
            generation = updates['generation']
            for item in updates.get('contents', updates.get('adds', ())):
                versions[item.id] = item.version
            manager.abort()
            print(json.dumps([generation, summary(versions)]), file=answers)
            if number == 0 and count % 1000 == 0:
                tell(f'{count:,} of {rounds:,} rounds')
    connection.close()


def write(manager, connection, id, version):
    while True:
        try:
            item = connection.root.tree[id]
            item.version = version
            connection.root.tree.changed(item)
            manager.commit()
            return
        except TransientError:
            manager.abort()


def summary(versions):
    return zlib.crc32(repr(sorted(versions.items())).encode())


def summaries(path, generation):
    """Return what the tree had at each generation.

    generation
        After it was made.  Each transaction since has changed one item.
    """
    storage = FileStorage(path, read_only=True)
    versions, result = {}, {}
    for committed in storage.iterator():
        changed = [record.data for record in committed
                   if get_pickle_metadata(record.data)[1] == 'Item']
        for data in changed:
            unpickler = pickle.Unpickler(io.BytesIO(data))
            unpickler.load()  # the class
            item = unpickler.load()
            versions[item['id']] = item['version']
        if changed:
            generation += len(result) and 1
            result[generation] = summary(versions)
    storage.close()
    return result


def create(address, processes):
    """Make the tree, and return its generation."""
    db = ZODB.DB(ZEO.client(address, wait_timeout=30))
    with db.transaction() as connection:
        connection.root.tree = tree = GSet()
        for number in range(processes):
            for item in range(ITEMS):
                tree.add(Item(f'{number}-{item}'))
        generation = tree.generation
    db.close()
    return generation


def play(directory, processes, rounds):
    """Return the first generation, and generation and summary of each answer.
    """
    with socket.create_server(('127.0.0.1', 0)) as probe:
        address = probe.getsockname()
    server = subprocess.Popen(
        [sys.executable, '-m', 'ZEO.runzeo', '-a', '{}:{}'.format(*address),
         '-f', str(directory / 'Data.fs')], stderr=subprocess.DEVNULL)
    try:
        generation = create(address, processes)
        together = multiprocessing.Barrier(processes)
        paths = [directory / f'{number}.jsonl' for number in range(processes)]
        followers = [multiprocessing.Process(target=follow, args=(
            address, number, rounds, together, path))
            for number, path in enumerate(paths)]
        for follower in followers:
            follower.start()
        for follower in followers:
            follower.join()
    finally:
        server.terminate()
        server.wait()
    return generation, [
        json.loads(line) for path in paths for line in path.open()]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--processes', type=int, default=2)
    parser.add_argument('--rounds', type=int, default=1000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        began = time.monotonic()
        first, answers = play(directory, options.processes, options.rounds)
        seconds = time.monotonic() - began
        tell('comparing')
        truth = summaries(str(directory / 'Data.fs'), first)
        wrong = sum(truth.get(generation) != what
                    for generation, what in answers)
    print(f'{options.processes} processes, {options.rounds:,} rounds, '
          f'{len(answers):,} answers, {wrong:,} wrong, {seconds:.0f} s')
    sys.exit(bool(wrong) or len(answers) < options.rounds)


if __name__ == '__main__':
    main()
