"""Modules are short, and functions have few parameters."""

import ast
import unittest

from zc.generationalset.tests.support.places import CHECKOUT, PACKAGE, TESTS

LINES = 400
PARAMETERS = 5
#: These are longer.
LONG = {
    'examples/replay.py',  # one file, so that it can be copied
}


def sources(*suffixes):
    """Yield the sources of the package, its tests, and all around it."""
    for name, folder in {
            'package': PACKAGE, 'tests': TESTS,
            **{name: CHECKOUT / name
               for name in ('benchmarks', 'docs', 'examples')}}.items():
        for path in folder.rglob('*'):
            inside = path.relative_to(folder)
            if path.suffix in suffixes and not {
                    '.environments', 'node_modules'} & set(inside.parts) \
                    and not (folder == PACKAGE and inside.parts[0] == 'tests'):
                yield f'{name}/{inside.as_posix()}', path


def positional(function):
    """Return the names that a function takes by position."""
    names = [each.arg for each in
             function.args.posonlyargs + function.args.args]
    return names[names[:1] in (['self'], ['cls']):]


class SizeTests(unittest.TestCase):

    maxDiff = None

    def test_modules(self):
        long = {name for name, path in sources('.py', '.js')
                if len(path.read_text('utf-8').splitlines()) > LINES}
        self.assertEqual(long, LONG)

    def test_parameters(self):
        many = {name for name, path in sources('.py')
                for node in ast.walk(ast.parse(path.read_text('utf-8')))
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                and len(positional(node)) > PARAMETERS}
        self.assertEqual(many, set())
