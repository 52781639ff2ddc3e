"""How long a run takes that adds items to a file.

    python -m benchmarks.syncfiles 1000 10000

The items come from a store in memory; the hub is a FileStorage.
"""

import argparse
import tempfile
import time
from pathlib import Path

import ZODB
from ZODB.FileStorage import FileStorage

from zc.generationalset.sync import Data, Hub, Synchronizer, Type
from zc.generationalset.sync.stores.file import FileStore
from zc.generationalset.sync.stores.memory import MemoryStore

TYPE = Type('issue', {'title': 'str', 'state': 'str'}, ['title'])


def seconds(count, folder):
    """Return how long a run takes."""
    file = Path(folder, 'issues.jsonl')
    file.write_text('')
    memory = MemoryStore('memory', ['issue'])
    for number in range(count):
        memory.accessors['issue'].add(Data('issue', None, {
            'title': f'item {number}', 'state': 'open'}), str(number))
    db = ZODB.DB(FileStorage(str(Path(folder, 'Hub.fs'))))
    try:
        synchronizer = Synchronizer(
            Hub(db), [memory, FileStore('file', file, TYPE)], [TYPE])
        start = time.perf_counter()
        report = synchronizer.run()
        spent = time.perf_counter() - start
    finally:
        db.close()
    found = len(file.read_text().splitlines())
    if (report.code, found) != (0, count):
        raise SystemExit(f'expected {count} lines, got {found}: {report}')
    return spent


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('counts', type=int, nargs='*', default=[1000, 10000])
    for count in parser.parse_args().counts:
        with tempfile.TemporaryDirectory() as folder:
            print(f'{count:6,} items: {seconds(count, folder):6.1f} s')


if __name__ == '__main__':
    main()
