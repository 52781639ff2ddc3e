"""Operations on databases."""

import unittest

import transaction
import ZODB
from ZODB.DemoStorage import DemoStorage

from zc.generationalset.sets.members import locate


def undo(db, count):
    """Undo the last transactions of a database."""
    ids = [log['id'] for log in db.undoLog(0, count)]
    manager = transaction.TransactionManager()
    manager.begin()
    db.undoMultiple(ids, manager.get())
    manager.commit()


class Stored(unittest.TestCase):

    def setUp(self):
        self.db = ZODB.DB(DemoStorage())
        self.addCleanup(self.db.close)
        self.manager = transaction.TransactionManager()
        self.root = self.db.open(self.manager).root()
        self.addCleanup(self.manager.abort)

    def store(self, gset):
        self.root['gset'] = gset
        self.manager.commit()
        return gset

    def settle(self, gset):
        """Move all records into the B-trees."""
        root, _ = locate(gset)
        root._journal.settle(root)
        self.manager.commit()
