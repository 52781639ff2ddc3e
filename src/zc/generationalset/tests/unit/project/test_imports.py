"""Imports point one way."""

import ast
import unittest

from zc.generationalset.tests.support.places import PACKAGE

PREFIX = 'zc.generationalset'

#: What each module may import of this package; within a folder, modules are
#: named as in ``folder._module``, and a folder stands for all that is in it.
MAY_IMPORT = {
    'interfaces': set(),
    'extras': set(),
    # The set
    'sets': set(),
    'sets.ids': {'interfaces'},
    'sets.epochs': set(),
    'sets.zeo': set(),
    'sets.btrees': {'sets.zeo'},
    'sets.records': {'sets.btrees', 'sets.zeo'},
    'sets.transactions': set(),
    'sets.journal': {'sets.records', 'sets.transactions'},
    'sets.members': {
        'interfaces', 'sets.btrees', 'sets.epochs', 'sets.ids',
        'sets.journal', 'sets.records', 'sets.transactions'},
    'sets.updates': {'interfaces', 'sets.btrees', 'sets.records'},
    'sets.operators': {'sets.members'},
    'sets.copies': {'sets.btrees', 'sets.journal'},
    'sets.set': {
        'interfaces', 'sets.btrees', 'sets.copies', 'sets.epochs', 'sets.ids',
        'sets.members', 'sets.operators', 'sets.updates'},
    'sets.audit': {
        'sets.btrees', 'sets.ids', 'sets.journal', 'sets.members',
        'sets.records'},
    'sets.repair': {
        'sets.ids', 'sets.members', 'sets.records', 'sets.transactions'},
    'check': {'sets.audit'},
    '': {'sets'},
    # Answers elsewhere
    'wire._json': set(),
    'wire._hashes': {'wire._json'},
    'wire._values': {'wire._hashes', 'wire._json'},
    'wire._forms': {'wire._json', 'wire._values'},
    'wire._ids': {'wire._forms', 'wire._json', 'wire._values'},
    'wire._entries': {
        'interfaces', 'wire._forms', 'wire._ids', 'wire._json',
        'wire._values'},
    'wire': {'extras', 'interfaces', 'wire'},
    'replica._answers': {'interfaces'},
    'replica._stored': {'wire'},
    'replica._file': set(),
    'replica._sqlite': {
        'replica._answers', 'replica._file', 'replica._stored', 'wire'},
    'replica': {'interfaces', 'replica', 'wire'},
    'documents': {'sets.ids', 'wire'},
    # The server
    'server.problems': set(),
    'server.ending': set(),
    'server.fields': set(),
    'server.sites': {'server.problems'},
    'server.turns': {'server.problems'},
    'server._poll': set(),
    'server.metrics': set(),
    'server.requests': {'server.metrics'},
    'server.monitoring': {
        'server.answer', 'server.problems', 'server.trees'},
    'server._wakeups': {'sets.zeo', 'server._poll'},
    'server._database': {
        'server.metrics', 'server.problems', 'server.turns',
        'server._wakeups'},
    'server.compression': set(),
    'server.spool': {'server.compression', 'server.problems'},
    'server.copies': {'server.problems', 'server.turns'},
    'server.answer': {'server.compression', 'server.spool', 'wire'},
    'server.cache': {'server.answer'},
    'server.encoding': {
        '', 'interfaces', 'server.answer', 'server.copies',
        'server._database', 'server.compression', 'server.problems',
        'server.spool', 'wire'},
    'server.tree': {'server.answer', 'server.cache', 'server.spool'},
    'server.trees': {
        'server.answer', 'server._database', 'server.cache',
        'server.metrics', 'server.problems', 'server.encoding',
        'server.spool', 'server.tree', 'server.turns',
        'server._wakeups'},
    'server.access': {'server.problems', 'server.turns'},
    'server.edits': {
        '', 'documents', 'interfaces', 'server.problems', 'wire'},
    'server.budget': {'server.problems'},
    'server.bodies': {
        'server.budget', 'server.edits', 'server.problems',
        'server.turns', 'wire'},
    'server.updates': {
        'server.answer', 'server.fields', 'server.problems',
        'server.requests', 'server.spool', 'server.tree', 'server.turns'},
    'server.items': {
        'server.answer', 'server.bodies', 'server.budget',
        'server.edits', 'server._database', 'server.problems',
        'server.updates', 'wire'},
    'server.description': set(),
    'server.pages': {'server.fields', 'server.problems'},
    'server': {'extras', 'server'},
    'server.hosts': {'server.problems'},
    'server._connection': {'server.problems', 'server.requests'},
    'server.folder': {'server.pages'},
    'server._run': {'server._connection'},
    'server._workers': {'server._run'},
    # The client
    'client._backoff': set(),
    'client._eventstream': set(),
    'client._replies': {'client._backoff'},
    'client._steps': {'client._replies', 'replica'},
    'client._lines': {'client._replies', 'client._steps'},
    'client._session': {
        'client._backoff', 'client._replies', 'client._steps', 'replica',
        'wire'},
    'client._watch': {
        'client._backoff', 'client._eventstream', 'client._replies',
        'client._session', 'client._steps', 'replica'},
    'client._writes': {
        'client._replies', 'client._session', 'client._steps', 'replica',
        'wire'},
    'client': {'extras', 'client', 'replica', 'wire'},
    # Mirrors
    'mirror._points': set(),
    'mirror._mirrored': {'', 'documents', 'interfaces', 'replica', 'wire'},
    'mirror._mirror': {
        'interfaces', 'mirror._mirrored', 'mirror._points', 'replica'},
    'mirror._following': {'mirror._mirror', 'replica'},
    'mirror': {'extras', 'mirror'},
    # The command
    'commands': set(),
    'commands._terminal': set(),
    'commands._listing': {'commands._terminal', 'replica', 'wire'},
    'commands._talking': {
        'client', 'commands', 'replica', 'wire'},
    'commands.check': {'', 'check', 'commands', 'interfaces'},
    'commands.client': {'extras', 'commands'},
    'commands.demo': {'', 'commands', 'documents', 'server'},
    'commands._databases': {'extras', 'commands'},
    'commands._trusted': set(),
    'commands._files': set(),
    'commands._logs': {'commands._terminal'},
    'commands._tokens': {'commands', 'server'},
    'commands._together': {'commands', 'server'},
    'commands.mirror': {'extras', 'commands', 'mirror', 'server'},
    'commands.renew': {'commands'},
    'commands.serve': {
        '', 'extras', 'commands', 'commands.demo', 'interfaces', 'server'},
    '__main__': {'extras', 'commands'},
}

ZODB = {'ZODB', 'BTrees', 'persistent', 'transaction'}
#: What comes with extras, and who needs it.
EXTRAS = {
    'msgspec': {'wire', 'server', 'client'},
    'starlette': {'server', 'commands.serve', 'commands._tokens'},
    'uvicorn': {'server'}, 'anyio': {'server', 'client'},
    'zodburi': {'commands._databases'},
    'relstorage': {'commands._databases'},
    'psycopg2': {'commands._databases'},
    'httpx': {'client'},
    'prometheus_client': {'server', 'commands._together'},
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


def own(name):
    """Return which of our modules an imported name is, None if none."""
    if name != PREFIX and not name.startswith(f'{PREFIX}.'):
        return None
    parts = name.split('.')[2:]
    while '.'.join(parts) not in MAY_IMPORT:
        parts.pop()
    return '.'.join(parts)


def folder(name):
    return name.partition('.')[0]


class LayersTests(unittest.TestCase):

    def test_all_modules_are_here(self):
        self.assertEqual({name for name, _ in modules()}, set(MAY_IMPORT))

    def test_imports(self):
        for name, path in modules():
            found = {own(other) for other in imported(path)} - {None, name}
            allowed = MAY_IMPORT[name]
            wrong = {other for other in found if other not in allowed
                     and (not other or folder(other) not in allowed)}
            # ``import zc.generationalset`` is how ``notify`` is looked up.
            if name in ('sets.members', 'sets.set'):
                wrong.discard('')
            self.assertEqual(wrong, set(), name)

    def test_wire_and_replicas_know_nothing_of_zodb(self):
        for name, path in modules():
            if folder(name) in ('wire', 'replica', 'client', 'interfaces'):
                roots = {other.split('.')[0] for other in imported(path)}
                self.assertEqual(roots & ZODB, set(), name)

    def test_extras(self):
        for name, path in modules():
            roots = {other.split('.')[0] for other in imported(path)}
            for extra in roots & set(EXTRAS):
                self.assertTrue(
                    {name, folder(name)} & EXTRAS[extra], (name, extra))

    def test_modules_are_short(self):
        for name, path in modules():
            self.assertLessEqual(
                len(path.read_text().splitlines()), 400, name)
