"""Files that can't grow: what was not committed is never read."""

import contextlib
import os
import random
import resource
import tempfile
import unittest

import transaction
import ZODB

from zc.generationalset import GSet
from zc.generationalset.check import check
from zc.generationalset.commands.files import File
from zc.generationalset.documents import Document
from zc.generationalset.tests.support.layers import Processes

SEED = 5
IDS = 'abc'


@contextlib.contextmanager
def limited(size):
    """Let no file of this process become larger."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class FullDiskTests(unittest.TestCase):

    layer = Processes

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = os.path.join(directory.name, 'Data.fs')
        self.db = ZODB.DB(File(self.path))
        self.addCleanup(lambda: self.db.close())
        self.manager = transaction.TransactionManager()
        self.things = self.db.open(self.manager).root.things = GSet()
        for id in IDS:
            self.things.add(Document(id, ''))
        self.manager.commit()
        self.random = random.Random(SEED)
        self.expected = {}

    def write(self, number):
        """Write two documents; they may be long."""
        item = f'{number:6}' * self.random.randrange(1, 120)
        ids = self.random.sample(IDS, 2)
        try:
            for id in ids:
                self.things[id].value = item
                self.things.changed(self.things[id])
            self.manager.commit()
        finally:
            self.manager.abort()
        self.expected.update(dict.fromkeys(ids, item))

    def read(self):
        """Read some of them from the file, and nothing else.

        That would empty buffers.
        """
        known = sorted(self.expected)
        for id in self.random.sample(
                known, min(len(known), self.random.randrange(3))):
            data, _ = self.db.storage.load(self.things[id]._p_oid)
            self.assertIn(f'"{self.expected[id]}"'.encode(), data)

    def test_what_is_cut_off_is_never_read(self):
        lost = 0
        for number in range(1000):
            size = os.path.getsize(self.path)
            free = self.random.choice([self.random.randrange(1500), 10 ** 6])
            with limited(size + free):
                try:
                    self.write(number)
                except OSError:
                    lost += 1
                self.read()
            self.read()
        self.assertGreater(lost, 100)
        self.db.close()
        self.db = ZODB.DB(File(self.path))
        with self.db.transaction() as connection:
            things = connection.root.things
            self.assertEqual(check(things), [])
            self.assertEqual({id: things[id].value for id in self.expected},
                             self.expected)
