"""Imports point one way."""

import unittest
from graphlib import TopologicalSorter

from zc.generationalset.tests.support.imports import (
    MODULES,
    ZODB,
    folder,
    imported,
    own,
    own_imports,
    roots,
)

#: What each folder, or module beside the folders, may import of this package.
#: The one without a name is the package itself.
MAY_IMPORT = {
    'extras': set(),
    'chunks': set(),
    'files': set(),
    'toml': set(),
    'merging': set(),
    'loopback': set(),
    'parts': set(),
    'answers': {'parts'},
    'updates': {'answers'},
    'pages': {'answers'},
    'interfaces': {'answers', 'pages', 'parts'},
    'sets': {'answers', 'interfaces', 'pages', 'parts'},
    'check': {'sets'},
    '': {'sets'},
    'wire': {'answers', 'chunks', 'extras', 'parts', 'updates'},
    'replica': {'answers', 'files', 'pages', 'parts', 'updates', 'wire'},
    'documents': {'sets', 'wire'},
    'client': {
        'answers', 'extras', 'loopback', 'pages', 'parts', 'replica', 'wire'},
    'sources': {
        'answers', 'documents', 'interfaces', 'pages', 'parts', 'sets',
        'wire'},
    'server': {'answers', 'extras', 'parts', 'sources', 'wire'},
    'sql': {
        'answers', 'chunks', 'extras', 'loopback', 'merging', 'pages', 'parts',
        'replica', 'sources', 'updates', 'wire'},
    'mirror': {
        '', 'answers', 'client', 'documents', 'extras', 'interfaces', 'pages',
        'parts', 'sets', 'updates', 'wire'},
    'push': {'answers', 'chunks', 'client', 'extras', 'server', 'sources'},
    'conformance': {
        'answers', 'client', 'extras', 'loopback', 'replica', 'wire'},
    'process': {'server'},
    'sync': {
        '', 'answers', 'chunks', 'client', 'documents', 'extras', 'files',
        'interfaces', 'loopback', 'merging', 'sources', 'sql', 'toml',
        'wire'},
    'commands': {
        '', 'check', 'client', 'documents', 'extras', 'files', 'interfaces',
        'loopback', 'mirror', 'process', 'push', 'replica', 'server',
        'sources', 'sql', 'sync', 'toml', 'wire'},
    '__main__': {'commands', 'extras'},
}

#: What comes with extras, and who needs it.
EXTRAS = {
    'msgspec': {
        'wire', 'server', 'client', 'push.endpoint', 'sql.verification.forms'},
    'starlette': {
        'process', 'server', 'commands.demo', 'commands.hub',
        'commands.peering', 'commands.pushing', 'commands.serving',
        'commands.tokens',
        'push.endpoint', 'sql.peers.route', 'sql.peers.server'},
    'uvicorn': {'process'},
    'anyio': {'server', 'client', 'push', 'sql.peers.route'},
    'cryptography': {'push'},
    'zodburi': {'commands.databases', 'sync'},
    'relstorage': {'commands.databases'},
    'psycopg': {'sql'}, 'psycopg_pool': {'sql'},
    'psycopg2': {'commands.databases'},
    'shtab': {'commands.completion'},
    'httpx': {
        'client', 'conformance', 'push', 'sql.peers.client',
        'sql.peers.posting', 'sync.stores.rest.accessor',
        'sync.stores.rest.paging', 'sync.stores.rest.service'},
    'prometheus_client': {'process', 'server'},
}


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
        for name in MODULES:
            if folder(name) in (
                    'answers', 'client', 'replica', 'server', 'sql', 'wire'):
                self.assertEqual(roots(name) & ZODB, set(), name)

    def test_extras(self):
        for name in MODULES:
            for extra in roots(name) & set(EXTRAS):
                self.assertTrue(
                    {name, folder(name)} & EXTRAS[extra], (name, extra))
