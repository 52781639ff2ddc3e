"""One run of the synchronizer, in a process of its own.

    python -m benchmarks.synchronizer.measured KIND STEP COUNT

In the current directory are the stores and the hub.  Prints JSON.
"""

import json
import sys
from pathlib import Path

import ZODB
from benchmarks.synchronizer.items import FIELDS, KEY, changed, item
from benchmarks.synchronizer.resources import Measured

from zc.generationalset import GSet
from zc.generationalset.documents import Document
from zc.generationalset.sync import Data, Hub, Synchronizer, Type
from zc.generationalset.sync.stores.folder import FolderStore
from zc.generationalset.sync.stores.gset import SetStore
from zc.generationalset.sync.stores.memory import MemoryStore

TYPE = Type('issue', dict.fromkeys(FIELDS, 'str'), KEY)
NAMES = 'one', 'two'
#: How many documents are put into a set in one transaction.
BATCH = 1000


class Sets:
    """Two sets, in a database each."""

    def __init__(self):
        self._dbs = [ZODB.DB(f'{name}.fs') for name in NAMES]
        self.stores = [
            SetStore(name, db, lambda root, name: root[name],
                     {TYPE: {}})
            for name, db in zip(NAMES, self._dbs, strict=True)]

    def make(self, count):
        for db in self._dbs:
            with db.transaction() as connection:
                connection.root()['issue'] = GSet()
        self._put(count, item)

    def change(self, count):
        self._put(count, changed)

    def _put(self, count, document):
        for start in range(0, count, BATCH):
            with self._dbs[0].transaction() as connection:
                issues = connection.root()['issue']
                for number in range(start, min(start + BATCH, count)):
                    new = Document(f'{number}', document(number))
                    put = issues.add if document is item else issues.changed
                    put(new)

    def close(self):
        for db in self._dbs:
            db.close()


class Folders:
    """Two folders, with a file for each item."""

    def __init__(self):
        for name in NAMES:
            Path(name).mkdir(exist_ok=True)
        self.stores = [
            FolderStore(name, name, {TYPE: ('json', '.')}) for name in NAMES]

    def make(self, count):
        self._put(count, item)

    def change(self, count):
        self._put(count, changed)

    def _put(self, count, document):
        for number in range(count):
            Path('one', f'{number:07}.json').write_text(
                json.dumps(document(number)))

    def close(self):
        pass


class Memory:
    """Two stores in the memory of the process."""

    def __init__(self):
        self.stores = [MemoryStore(name, ['issue']) for name in NAMES]
        self._issues = self.stores[0].accessors['issue']

    def make(self, count):
        for number in range(count):
            self._issues.add(Data('issue', None, item(number)), f'{number}')

    def change(self, count):
        for number in range(count):
            self._issues.update(number + 1, changed(number), None)

    def close(self):
        pass


KINDS: dict = {'sets': Sets, 'folders': Folders, 'memory': Memory}


def run(stores):
    """Return the figures of a run, and how many steps were made."""
    db = ZODB.DB('Hub.fs')
    synchronizer = Synchronizer(
        Hub(db, is_exclusive=True), stores.stores, [TYPE])
    before = db.lastTransaction()
    with Measured() as measured:
        report = synchronizer.run()
    figures = {**measured.figures, 'steps': report.count,
               'code': report.code,
               'written': db.lastTransaction() != before}
    db.close()
    return figures


def main(kind, step, count):
    count = int(count)
    stores = KINDS[kind]()
    try:
        if kind == 'memory':
            stores.make(count)
            figures = {'first': run(stores), 'echoes': run(stores),
                       'nothing': run(stores)}
            stores.change(count // 100)
            figures['few'] = run(stores)
        elif step in ('make', 'change'):
            getattr(stores, step)(count)
            figures = {}
        else:
            figures = run(stores)
    finally:
        stores.close()
    print(json.dumps(figures))


if __name__ == '__main__':
    main(*sys.argv[1:])
