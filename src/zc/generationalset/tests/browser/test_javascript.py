"""The browser client, in Node: the tests in the folder javascript."""

import gzip
import re
import unittest

from zc.generationalset.tests.support.node import Node, run
from zc.generationalset.tests.support.places import STATIC


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

    def test_it_is_about_8_kilobytes(self):
        """That is what applications send: minified, and compressed."""
        packed = self.check(
            *Node.node.npm, 'exec', '--silent', '--', 'esbuild',
            str(STATIC / 'gset.js'), '--bundle', '--minify', '--format=esm',
            '--log-level=error')
        self.assertLess(len(gzip.compress(packed.encode(), mtime=0)), 8_500)
