"""What the package's modules import, read without importing them."""

import ast

from zc.generationalset.tests.support.places import PACKAGE

PREFIX = 'zc.generationalset'
#: The packages of ZODB that a module may import.
ZODB = {'ZODB', 'BTrees', 'persistent', 'transaction'}


def modules():
    """Return the name of each module, and its file."""
    for path in sorted(PACKAGE.rglob('*.py')):
        name = '.'.join(path.relative_to(PACKAGE).with_suffix('').parts)
        if not name.startswith('tests.'):
            yield name.removesuffix('__init__').removesuffix('.'), path


MODULES = dict(modules())


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


def roots(name):
    """Return the top names of all that a module imports."""
    return {other.split('.')[0] for other in imported(MODULES[name])}


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


def folders():
    """Return each folder, or module beside the folders, and its imports."""
    graph = {folder(name): set() for name in MODULES}
    for name in MODULES:
        graph[folder(name)] |= set(map(folder, own_imports(name)))
    return {name: others - {name} for name, others in graph.items()}
