"""Imports point one way."""

import ast
import unittest
from pathlib import Path

import zc.generationalset

PACKAGE = Path(zc.generationalset.__file__).parent

#: What each module may import of this package.
MAY_IMPORT = {
    'interfaces': set(),
    '_settled': set(),
    '_records': {'_settled'},
    '_transactions': set(),
    '_journal': {'_records', '_transactions'},
    '_tree': {'_journal', '_records', '_settled', '_transactions'},
    '_updates': {'_records', '_settled', 'interfaces'},
    '_algebra': {'_tree'},
    '_set': {'_algebra', '_settled', '_tree', '_updates', 'interfaces'},
    'check': {'_journal', '_records', '_settled', '_tree'},
    'replica': {'interfaces'},
    '__init__': {'_journal', '_set', 'check'},
    '__main__': {'check', '__init__'},
}

ZODB = {'ZODB', 'BTrees', 'persistent', 'transaction'}


def imported(module):
    """Return all names of modules that are imported when it runs."""
    tree = ast.parse((PACKAGE / f'{module}.py').read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and 'TYPE_CHECKING' in ast.dump(node.test):
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f'{node.module}.{alias.name}' for alias in node.names)


class LayersTests(unittest.TestCase):

    def test_all_modules_are_here(self):
        self.assertEqual({path.stem for path in PACKAGE.glob('*.py')},
                         set(MAY_IMPORT))

    def test_imports(self):
        prefix = 'zc.generationalset.'
        for module, allowed in MAY_IMPORT.items():
            names = {name.removeprefix(prefix).split('.')[0]
                     for name in imported(module) if name.startswith(prefix)}
            found = (names & set(MAY_IMPORT)) | (
                {'__init__'} if 'GenerationalSet' in names
                and module == '__main__' else set())
            self.assertLessEqual(found, allowed | {'__init__'}, module)

    def test_replica_knows_nothing_of_zodb(self):
        for module in 'replica', 'interfaces':
            names = {name.split('.')[0] for name in imported(module)}
            self.assertEqual(names & ZODB, set(), module)

    def test_modules_are_short(self):
        for path in PACKAGE.glob('*.py'):
            self.assertLessEqual(
                len(path.read_text().splitlines()), 400, path.name)
