"""Names that users import, and that pickles contain."""

import subprocess
import sys
import unittest

from ZODB.broken import find_global
from zope.interface.verify import verifyClass

import zc.generationalset
from zc.generationalset import answers, interfaces, replica
from zc.generationalset.interfaces import IGenerationalSet
from zc.generationalset.tests.support.layers import Processes
from zc.generationalset.tests.support.serving import ENVIRONMENT

#: Every class that a pickle may name, of any release.
IN_PICKLES = [
    ('zc.generationalset', 'Backlog'),
    ('zc.generationalset', 'GenerationalSet'),
    ('zc.generationalset', 'Journal'),
    ('zc.generationalset', 'StringIdGenerationalSet'),
    ('zc.generationalset', 'ValueGenerationalSet'),
    ('zc.generationalset.documents', 'Document'),
    ('zc.generationalset.mirror', 'Mirror'),
    ('zc.generationalset.mirror', 'MirroredSet'),
    ('zc.generationalset.mirror', 'Points'),
    ('zc.generationalset.wire', 'Extended'),
]


def run(code):
    """Return what a new process prints."""
    return subprocess.run(
        [sys.executable, '-c', code], check=True, capture_output=True,
        text=True, env=ENVIRONMENT).stdout.strip()


class PickledNamesTests(unittest.TestCase):

    def test_classes(self):
        for module, name in IN_PICKLES:
            with self.subTest(name=name):
                found = find_global(module, name)
                self.assertEqual(
                    (found.__module__, found.__name__), (module, name))


class PublicNamesTests(unittest.TestCase):

    def test_all(self):
        for name in zc.generationalset.__all__:
            self.assertIn(name, dir(zc.generationalset))
            self.assertTrue(callable(getattr(zc.generationalset, name)))
        for name in 'GSet', 'SGSet', 'VGSet':
            verifyClass(IGenerationalSet, getattr(zc.generationalset, name))

    def test_names_that_several_modules_have(self):
        self.assertIs(interfaces.SubsetUpdates, answers.SubsetUpdates)
        for name in 'Change', 'Misfit', 'Subset':
            self.assertIs(getattr(replica, name), getattr(answers, name))

    def test_no_such_name(self):
        with self.assertRaisesRegex(AttributeError, "no attribute 'Gset'"):
            zc.generationalset.Gset
        with self.assertRaisesRegex(ImportError, 'Gset'):
            from zc.generationalset import Gset  # noqa: F401


class FreshTests(unittest.TestCase):
    """In a process that has imported nothing else before."""

    layer = Processes

    def test_pickled_names(self):
        ways = [
            'from ZODB.broken import find_global as find',
            'import pickle\nfind = lambda module, name: pickle.loads('
            'f"c{module}\\n{name}\\n.".encode())',
            # as Zope does
            'find = lambda module, name: getattr('
            '__import__(module, None, None, [name]), name)',
        ]
        for way in ways:
            with self.subTest(way=way):
                self.assertEqual(
                    run(f'{way}\nprint([find(module, name).__name__ '
                        f'for module, name in {IN_PICKLES}])'),
                    str([name for _, name in IN_PICKLES]))

    def test_check_is_a_function_and_a_module(self):
        """The order of imports doesn't matter."""
        imports = [
            'from zc.generationalset import check as function',
            'from zc.generationalset.check import check as function',
            'import zc.generationalset.check as module; '
            'function = module.check',
            'import zc.generationalset.check; '
            'function = zc.generationalset.check',
            'import zc.generationalset; function = zc.generationalset.check',
        ]
        for first in imports:
            code = first
            for second in imports:
                code += (f'\n{second}\nfrom zc.generationalset import GSet\n'
                         'print(function(GSet(), progress=None))')
            with self.subTest(first=first):
                self.assertEqual(run(code), '\n'.join(['[]'] * len(imports)))

    def test_what_needs_no_database(self):
        for module in (
                'zc.generationalset', 'zc.generationalset.answers',
                'zc.generationalset.client', 'zc.generationalset.replica',
                'zc.generationalset.replica.sqlite',
                'zc.generationalset.server', 'zc.generationalset.sources',
                'zc.generationalset.wire'):
            code = (f'import sys, {module}\n'
                    'print([name for name in ("ZODB", "BTrees", '
                    '"persistent", "transaction") if name in sys.modules])')
            with self.subTest(module=module):
                self.assertEqual(run(code), '[]')

    def test_help_needs_little(self):
        """The command answers soon, and imports what it will use."""
        code = ('import sys\nfrom zc.generationalset.__main__ import main\n'
                'try:\n    main(["--help"])\nexcept SystemExit:\n'
                '    print([name for name in ("ZODB", "BTrees", "httpx", '
                '"msgspec", "starlette") if name in sys.modules])')
        self.assertEqual(run(code).splitlines()[-1], '[]')
