"""Files of configuration, and the mistakes in them."""

import doctest
import os
import unittest
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

from zc.generationalset.merging import Owner, Priority, union
from zc.generationalset.sync import Store, configuration
from zc.generationalset.sync.configuration import Configuration, Mistake

GOOD = '''\
hub = "Hub.fs"

[types.person]
key = ["name"]
fields = {name = "str"}

[types.issue]
key = ["title"]
delete_wins = true
[types.issue.fields]
title = "str"
by = "ref:person"
labels = "set"
[types.issue.policies]
labels = "set"
by = {owner = "table"}
title = {priority = ["table", "files"]}

[stores.files]
kind = "folder"
path = "somewhere"
[stores.files.issue]
form = "markdown"
folder = "issues"

[stores.table]
kind = "file"
path = "issues.csv"
type = "issue"
read_only = true
'''


def make(options):
    """Make a store as somebody's own module does."""
    store = Store(options.name, {})
    store.token = options.take('token', str)
    return store


class ConfigurationTests(unittest.TestCase):

    def setUp(self):
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def read(self, text):
        file = self.folder / 'sync.toml'
        file.write_text(text)
        return Configuration(file)

    def test_all(self):
        found = self.read(GOOD)
        self.assertEqual(found.hub, str(self.folder / 'Hub.fs'))
        issue = found.types['issue']
        self.assertTrue(issue.delete_wins)
        self.assertEqual(issue.policies, {
            'labels': union, 'by': Owner('table'),
            'title': Priority(('table', 'files'))})
        for _ in range(2):
            files, table = found.stores()
            self.assertEqual(files.path, self.folder / 'somewhere')
            self.assertEqual((files.read_only, table.read_only),
                             (False, True))
            self.assertEqual((*files.accessors, *table.accessors),
                             ('issue', 'issue'))

    def test_settling(self):
        files, table = self.read(GOOD.replace(
            'read_only = true', 'settles = 5')).stores()
        self.assertEqual((files.settles, table.settles), (0, 5))

    def test_uris(self):
        found = self.read(GOOD.replace('Hub.fs', 'zeo://localhost:1'))
        self.assertEqual(found.hub, 'zeo://localhost:1')

    def test_mistakes(self):
        for old, new, message in [
                ('hub =', 'hub', r':1: Expected'),
                ('hub = "Hub.fs"', '', r'hub: expected .* str, got none'),
                ('"str"}', '"text"}', r':3: types.person: expected a kind'),
                ('["name"]', '["nam"]', r":3: types.person: .* 'nam'"),
                ('"ref:person"', '"ref:people"', r"types: .* 'people'"),
                ('delete_wins = true', 'delete = 1',
                 r':9: types.issue: delete: this option is not known'),
                ('labels = "set"\nby', 'labels = "sets"\nby',
                 r':14: types.issue: policies: expected for labels one of'),
                ('{owner = "table"}', '{owner = "tabel"}', 'owner'),
                ('"folder"\n', '"dir"\n', r':20: stores.files: kind: expect'),
                ('"folder"\n', '"nothing:make"\n', 'No module named'),
                ('"markdown"', '"text"',
                 r':23: stores.files: issue.form: expected'),
                ('"issues"', '"../x"', r':19: stores.files: expected the n'),
                ('[stores.files.issue]', '[stores.files.issues]',
                 r':22: stores.files: issues: expected an option or one of'),
                ('path = "issues.csv"', '', r':26: stores.table: path: expec'),
                ('"issues.csv"', '"issues.xls"', r':26: stores.table: expec'),
                ('read_only = true', 'read_only = 1', r':30: .* bool'),
                ('read_only', 'readonly', r':30: .* this option is not kno'),
                ('read_only = true', 'settles = "soon"',
                 r':30: stores.table: settles: expected .* int'),
                ('read_only = true', 'settles = true', r':30: .* int'),
                ('read_only = true', 'settles = -1',
                 r':30: stores.table: settles: expected seconds, 0 or more'),
                ('"files"', '"x/y"', 'priority')]:
            with self.subTest(new=new):
                self.assertIn(old, GOOD)
                with self.assertRaisesRegex(Mistake, message):
                    self.read(GOOD.replace(old, new, 1))
        with self.assertRaisesRegex(Mistake, 'No such file'):
            Configuration(self.folder / 'other.toml')

    def test_stores_of_ones_own_and_secrets(self):
        text = f'''\
hub = "Hub.fs"
[types.issue]
key = ["title"]
fields = {{title = "str"}}
[stores.mine]
kind = "{__name__}:make"
token = {{env = "SECRET"}}
'''
        with mock.patch.dict(os.environ, SECRET='hush'):
            [store] = self.read(text).stores()
            self.assertEqual(store.token, 'hush')
            with self.assertRaises(Mistake) as caught:
                self.read(text + 'other = {env = "SECRET"}\n')
            self.assertNotIn('hush', str(caught.exception))
        with self.assertRaisesRegex(Mistake, ':7: .*environment has no SECR'):
            self.read(text)
        text = text.replace('env', 'file')
        with self.assertRaisesRegex(Mistake, ':7: .* can not read SECRET'):
            self.read(text)
        (self.folder / 'SECRET').write_text('hush\n')
        [store] = self.read(text).stores()
        self.assertEqual(store.token, 'hush')


def load_tests(loader, tests, pattern):
    tests.addTests(doctest.DocTestSuite(configuration))
    return tests
