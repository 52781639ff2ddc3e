"""Tables with references, sets in a ZODB, and others, kept equal."""

import sqlite3
import unittest
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import ZODB

from zc.generationalset import GSet
from zc.generationalset.merging import canonical
from zc.generationalset.sync import Data, Hub, Synchronizer, Type
from zc.generationalset.sync.stores.gset import SetStore
from zc.generationalset.sync.stores.memory import MemoryStore
from zc.generationalset.sync.stores.sql import SQLStore
from zc.generationalset.sync.testing import sample
from zc.generationalset.tests.support.stored import TYPE

PERSON = Type('person', {'name': 'str', 'boss': 'ref:person'}, ['name'])
ISSUE = Type('issue', {'title': 'str', 'by': 'ref:person'}, ['title'])
TABLES = '''
    CREATE TABLE people (
        id INTEGER PRIMARY KEY, name TEXT UNIQUE,
        boss INTEGER REFERENCES people (id));
    CREATE TABLE issues (
        id INTEGER PRIMARY KEY, title TEXT UNIQUE,
        by INTEGER NOT NULL REFERENCES people (id));'''


class InTables(unittest.TestCase):

    def setUp(self):
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = Path(folder.name, 'shop.db')
        self.hub = ZODB.DB(None)
        self.addCleanup(self.hub.close)

    def tell(self, script):
        with closing(sqlite3.connect(self.file)) as connection:
            connection.executescript(script)

    def ask(self, query):
        with closing(sqlite3.connect(self.file)) as connection:
            return connection.execute(query).fetchall()

    def synchronize(self, stores, types):
        for store in stores:
            self.addCleanup(store.close)
        self.sync = Synchronizer(Hub(self.hub), stores, types)
        self.settle()

    def settle(self):
        report = self.sync.run()
        self.assertEqual(report.code, 0, report)
        again = self.sync.run()
        self.assertEqual((again.code, again.steps), (0, []), again)


class ReferencesTests(InTables):
    """The database enforces foreign keys and unique values."""

    def setUp(self):
        super().setUp()
        self.tell(TABLES)
        self.memory = MemoryStore('memory', ['person', 'issue'])
        self.people = self.memory.accessors['person']
        self.issues = self.memory.accessors['issue']
        ann = self.add(self.people, 'person', name='Ann')
        bob = self.add(self.people, 'person', name='Bob', boss=ann)
        self.issue = self.add(self.issues, 'issue', title='x', by=bob)
        self.synchronize([self.memory, SQLStore(
            'table', f'sqlite:///{self.file}',
            {PERSON: ('people', {}), ISSUE: ('issues', {})})], [PERSON, ISSUE])

    def add(self, accessor, type, **fields):
        return accessor.add(Data(type, None, fields), str(fields)).id

    def test_parents_come_first(self):
        self.assertEqual(self.ask(
            'SELECT issues.title, people.name, bosses.name FROM issues '
            'JOIN people ON people.id = by '
            'JOIN people AS bosses ON bosses.id = people.boss'),
            [('x', 'Bob', 'Ann')])

    def test_children_go_first(self):
        for accessor in self.people, self.issues:
            for data in list(accessor.find()):
                accessor.remove(data.id, None)
        self.settle()
        self.assertEqual(self.ask('SELECT * FROM people, issues'), [])
        self.assertEqual(self.ask('SELECT * FROM people'), [])

    def test_a_unique_value_that_moves(self):
        """It is refused until the row that has it was removed."""
        by = self.issues.get(self.issue).fields['by']
        other = self.add(self.issues, 'issue', title='y', by=by)
        self.settle()
        before = self.ask("SELECT id FROM issues WHERE title = 'y'")
        self.issues.remove(self.issue, None)
        self.issues.update(other, {'title': 'x'}, None)
        self.settle()
        self.assertEqual(self.ask('SELECT id FROM issues'), before)
        self.assertEqual(self.ask('SELECT title FROM issues'), [('x',)])


class KindsTests(InTables):
    """Fields of all kinds go from store to store, and back."""

    def test_all(self):
        self.tell('CREATE TABLE issues (id INTEGER PRIMARY KEY, {})'.format(
            ', '.join(TYPE.fields)))
        db = ZODB.DB(None)
        self.addCleanup(db.close)
        with db.transaction() as connection:
            connection.root.issues = GSet()
        sets = SetStore('set', db, lambda root, name: root['issues'],
                        {TYPE: {'state': 'status'}})
        memory = MemoryStore('memory', ['issue'])
        table = SQLStore('table', f'sqlite:///{self.file}',
                         {TYPE: ('issues', {})})
        stores = [store.accessors['issue'] for store in (sets, memory, table)]
        for number, accessor in enumerate(stores):
            accessor.add(Data('issue', None, sample(TYPE, number)),
                         f'{number}')
        self.synchronize([sets, memory, table], [TYPE])
        for number, accessor in enumerate(stores):
            self.assertEqual(accessor.count(), 3)
            data = list(accessor.find())[number]
            accessor.update(data.id, {
                **sample(TYPE, number + 1), 'title': data.fields['title']},
                data.token)
            self.settle()
        found = [sorted(canonical(TYPE.normal(each))
                        for each in accessor.find()) for accessor in stores]
        self.assertEqual(found[0], found[1])
        self.assertEqual(found[0], found[2])
