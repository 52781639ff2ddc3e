"""The browser client, in Node: the tests in the folder javascript."""

import gzip
import re
import unittest

from zc.generationalset.tests.support.node import Node, run
from zc.generationalset.tests.support.places import STATIC


def code_of(module):
    """Return a module without comments and indentation."""
    return re.sub(r'^ *(//|/?\*).*\n|^ +| // .*', '',
                  module.read_text(encoding='utf-8'), flags=re.MULTILINE)


class NodeTests(unittest.TestCase):

    layer = Node

    def setUp(self):
        if Node.missing:
            self.skipTest(Node.missing)

    def check(self, *command):
        done = run(*command)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_tests(self):
        output = self.check(
            *Node.node.node, '--test', '--test-reporter=tap')
        passed, skipped = (
            int(re.search(f'^# {word} ([0-9]+)$', output, re.M)[1])
            for word in ('pass', 'skipped'))
        self.assertGreater(passed, 50)
        self.assertEqual(skipped, 0)
        self.assertNotIn('Warning', output)

    def test_types(self):
        self.check(*Node.node.npm, 'run', '--silent', 'types')


class SizeTests(unittest.TestCase):

    def test_it_is_about_11_kilobytes_of_code(self):
        modules = [STATIC / 'gset.js', *sorted((STATIC / 'gset').glob('*.js'))]
        code = ''.join(code_of(path) for path in modules)
        packed = gzip.compress(code.encode(), mtime=0)
        self.assertLess(len(packed), 11_040)
