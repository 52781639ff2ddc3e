"""Tools of ZODB: what docs/storage.txt and docs/deployment.txt say of them."""

import contextlib
import os
import subprocess
import sys
import time
import unittest
from pathlib import Path

import transaction
import ZODB
import ZODB.config
from relstorage import zodbconvert, zodbpack
from ZEO.scripts import zeopack
from ZODB.FileStorage import FileStorage
from ZODB.POSException import ReadOnlyHistoryError
from ZODB.scripts import repozo
from zope.testing import setupstack
from zope.testing.wait import wait

from zc.generationalset import GSet, check
from zc.generationalset.documents import Document
from zc.generationalset.tests.support.layers import Databases
from zc.generationalset.tests.support.storages import (
    ZEOServer,
    open_db,
)

FILE = '<filestorage {}>\n path {}\n</filestorage>\n'
SQLITE = '''\
<relstorage {}>
  keep-history false
  <sqlite3>
    data-dir rel
  </sqlite3>
</relstorage>
'''
CLASSES = '''\
from persistent import Persistent


class Moved(Persistent):

    def __init__(self, id):
        self.id = id
'''
UPDATE = '''\
import sys
sys.path.insert(0, '.')
from zodbupdate.main import main
main()
'''


def change(db, number):
    """Change the tree in several transactions."""
    for each in range(number):
        with db.transaction() as connection:
            connection.root.tree['things'].add(
                Document(str(each % 40), os.urandom(3).hex()))


def state(db):
    """Return all that clients can see of the tree."""
    with db.transaction() as connection:
        tree = connection.root.tree
        if problems := check(tree):
            raise AssertionError(problems)
        epoch, generation = tree.epoch, tree.generation
        answers = [tree.client_updates(since, epoch)
                   for since in range(generation + 1)]
        return epoch, generation, repr([
            [(id, ob.value) for subset in answer.get('adds', ())
             for id, ob in subset.get('adds', subset.get('contents'))]
            for answer in answers])


def run_python(*arguments):
    """Run Python, which can import from the current directory, too."""
    path = os.pathsep.join([*sys.path, '.'])
    return subprocess.run(
        [sys.executable, *arguments], check=True, text=True,
        stdout=subprocess.PIPE, env={**os.environ, 'PYTHONPATH': path}).stdout


class ToolsTests(unittest.TestCase):

    layer = Databases

    def setUp(self):
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)
        with contextlib.closing(ZODB.DB('Data.fs')) as db:
            with db.transaction() as connection:
                connection.root.tree = GSet()
                connection.root.tree.add(GSet('things'))
            change(db, 150)
            self.before = state(db)

    def change(self, path='Data.fs', number=3):
        with contextlib.closing(ZODB.DB(path)) as db:
            change(db, number)
            return state(db)

    def state(self, path):
        with contextlib.closing(ZODB.DB(path)) as db:
            return state(db)

    def convert(self, source, destination):
        Path('convert.conf').write_text(source + destination)
        zodbconvert.main(['zodbconvert', 'convert.conf'])

    def open_sqlite(self):
        return ZODB.config.databaseFromString(
            f'%import relstorage\n<zodb>\n{SQLITE.format("")}</zodb>')

    def test_zodbconvert(self):
        self.convert(FILE.format('source', 'Data.fs'),
                     SQLITE.format('destination'))
        with contextlib.closing(self.open_sqlite()) as db:
            self.assertEqual(state(db), self.before)
            change(db, 20)
            there = state(db)
        self.convert(SQLITE.format('source'),
                     FILE.format('destination', 'Back.fs'))
        self.assertEqual(self.state('Back.fs'), there)
        epoch, generation, _ = self.change('Back.fs')
        self.assertEqual((epoch, generation), (there[0], there[1] + 3))

    def test_zodbpack(self):
        self.convert(FILE.format('source', 'Data.fs'),
                     SQLITE.format('destination'))
        Path('pack.conf').write_text(SQLITE.format(''))
        zodbpack.main(['zodbpack', '--days', '0', '--prepack', 'pack.conf'])
        with contextlib.closing(self.open_sqlite()) as db:
            change(db, 100)
            before = state(db)
        zodbpack.main(['zodbpack', '--use-prepack-state', 'pack.conf'])
        with contextlib.closing(self.open_sqlite()) as db:
            self.assertEqual(state(db), before)
            change(db, 3)
            state(db)

    def test_zeopack(self):
        Path('Data.fs').rename('1.fs')
        server = ZEOServer()
        self.addCleanup(server.stop)
        size = os.path.getsize('1.fs')
        zeopack.main(['-d', '0', '-u', server.address])
        self.assertLess(os.path.getsize('1.fs'), size / 2)
        with contextlib.closing(open_db('zeo', server.address)) as db:
            self.assertEqual(state(db), self.before)

    def test_repozo(self):
        os.mkdir('backup')
        repozo.main(['-B', '-r', 'backup', '-f', 'Data.fs'])
        middle = self.change()
        # Backups are named by the second, of a clock that is a little behind.
        began = time.gmtime()
        wait(lambda: time.gmtime() > began)
        repozo.main(['-B', '-r', 'backup', '-f', 'Data.fs'])
        self.change()
        repozo.main(['-R', '-r', 'backup', '-o', 'Restored.fs'])
        self.assertEqual(self.state('Restored.fs'), middle)

    def test_fsrecover(self):
        """It leaves damaged transactions out, so their numbers come again."""
        epoch, generation, _ = self.change()
        with contextlib.closing(FileStorage('Data.fs')) as storage:
            position = [each._tpos for each in storage.iterator()][-1]
        data = bytearray(Path('Data.fs').read_bytes())
        data[position + 8:position + 40] = bytes(32)
        Path('Bad.fs').write_bytes(data)
        run_python('-m', 'ZODB.fsrecover', 'Bad.fs', 'Good.fs')
        self.assertEqual(self.state('Good.fs')[:2], (epoch, generation - 1))

    def test_history(self):
        with contextlib.closing(ZODB.DB('Data.fs')) as db:
            at = db.storage.lastTransaction()
            change(db, 10)
            connection = db.open(at=at)
            tree = connection.root.tree
            self.assertEqual((tree.epoch, tree.generation), self.before[:2])
            self.assertEqual(check(tree), [])
            tree['things'].add(Document('new', 1))
            with self.assertRaises(ReadOnlyHistoryError):
                transaction.commit()
            transaction.abort()

    def test_zodbupdate(self):
        Path('old_place.py').write_text(CLASSES)
        fill = ('import ZODB, old_place\n'
                'with ZODB.DB("Data.fs").transaction() as connection:\n'
                '    connection.root.tree["things"].add('
                'old_place.Moved("moved"))\n')
        run_python('-c', fill)
        Path('new_place.py').write_text(CLASSES)
        Path('old_place.py').write_text('from new_place import Moved\n')
        run_python('-c', UPDATE, '--quiet', '-f', 'Data.fs')
        os.remove('old_place.py')
        look = ('import ZODB\nfrom zc.generationalset import check\n'
                'with ZODB.DB("Data.fs").transaction() as connection:\n'
                '    tree = connection.root.tree\n'
                '    print(tree.epoch, tree.generation, check(tree),\n'
                '          type(tree["things"]["moved"]).__module__)\n')
        epoch, generation, _ = self.before
        self.assertEqual(run_python('-c', look),
                         f'{epoch} {generation + 1} [] new_place\n')
