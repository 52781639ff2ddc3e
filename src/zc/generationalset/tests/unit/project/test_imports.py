"""Imports point one way."""

import ast
import unittest
from graphlib import TopologicalSorter

from zc.generationalset.tests.support.places import PACKAGE

PREFIX = 'zc.generationalset'

#: What each folder, or module beside the folders, may import of this package.
#: The one without a name is the package itself.
MAY_IMPORT = {
    'extras': set(),
    'answers': set(),
    'interfaces': {'answers'},
    'sets': {'answers', 'interfaces'},
    'check': {'sets'},
    '': {'sets'},
    'wire': {'answers', 'extras'},
    'replica': {'answers', 'wire'},
    'documents': {'sets', 'wire'},
    'client': {'answers', 'extras', 'replica', 'wire'},
    'sources': {'answers', 'documents', 'interfaces', 'sets'},
    'server': {'answers', 'extras', 'sources', 'wire'},
    'mirror': {
        '', 'answers', 'client', 'documents', 'extras', 'interfaces', 'wire'},
    'process': {'server'},
    'commands': {
        '', 'check', 'client', 'documents', 'extras', 'interfaces', 'mirror',
        'process', 'replica', 'server', 'wire'},
    '__main__': {'commands', 'extras'},
}

ZODB = {'ZODB', 'BTrees', 'persistent', 'transaction'}
#: What comes with extras, and who needs it.
EXTRAS = {
    'msgspec': {'wire', 'server', 'client'},
    'starlette': {'process', 'server', 'commands.serving', 'commands.tokens'},
    'uvicorn': {'process'}, 'anyio': {'server', 'client'},
    'zodburi': {'commands.databases'},
    'relstorage': {'commands.databases'},
    'psycopg2': {'commands.databases'},
    'httpx': {'client'},
    'prometheus_client': {'process', 'server'},
}


def modules():
    """Return the name of each module, and its file."""
    for path in sorted(PACKAGE.rglob('*.py')):
        name = '.'.join(path.relative_to(PACKAGE).with_suffix('').parts)
        if not name.startswith('tests.'):
            yield name.removesuffix('__init__').removesuffix('.'), path


def imported(path):
    """Return all names of modules that are imported when it is used."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and 'TYPE_CHECKING' in ast.dump(node.test):
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f'{node.module}.{alias.name}' for alias in node.names)


MODULES = dict(modules())


def own(name):
    """Return which of our modules an imported name is, None if none."""
    if name != PREFIX and not name.startswith(f'{PREFIX}.'):
        return None
    parts = name.split('.')[2:]
    while '.'.join(parts) not in MODULES:
        parts.pop()
    return '.'.join(parts)


def folder(name):
    return name.partition('.')[0]


def own_imports(name):
    """Return our modules that a module imports."""
    found = {own(other) for other in imported(MODULES[name])} - {None, name}
    # ``import zc.generationalset`` is how ``notify`` is looked up.
    return found - {''} if folder(name) == 'sets' else found


class LayersTests(unittest.TestCase):

    def test_folders_are_here(self):
        self.assertEqual(set(map(folder, MODULES)), set(MAY_IMPORT))

    def test_imports_point_down(self):
        for name in MODULES:
            found = set(map(folder, own_imports(name))) - {folder(name)}
            self.assertEqual(found - MAY_IMPORT[folder(name)], set(), name)

    def test_there_are_no_circles(self):
        graph = {name: own_imports(name) for name in MODULES}
        list(TopologicalSorter(graph).static_order())

    def test_private_names_stay_in_their_folder(self):
        for name, path in MODULES.items():
            for other in imported(path):
                if own(other) and folder(own(other)) != folder(name):
                    private = [part for part in other.split('.')
                               if part.startswith('_')]
                    self.assertEqual(private, [], (name, other))

    def test_who_knows_nothing_of_zodb(self):
        for name, path in MODULES.items():
            if folder(name) in (
                    'answers', 'client', 'replica', 'server', 'wire'):
                roots = {other.split('.')[0] for other in imported(path)}
                self.assertEqual(roots & ZODB, set(), name)

    def test_extras(self):
        for name, path in MODULES.items():
            roots = {other.split('.')[0] for other in imported(path)}
            for extra in roots & set(EXTRAS):
                self.assertTrue(
                    {name, folder(name)} & EXTRAS[extra], (name, extra))
