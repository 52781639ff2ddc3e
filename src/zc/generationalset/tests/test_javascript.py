"""The browser client, in Node: the tests in the folder javascript.

They need Node 20 and npm, which installs what is in their package.json.
"""

import gzip
import re
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

from zc.generationalset.tests.serving import ENVIRONMENT

HERE = Path(__file__).parent
FOLDER = HERE / 'javascript'
STATIC = HERE.parent / 'static'


class Node:
    """A layer of tests: Node, with the packages that its tests use."""

    missing = None

    @classmethod
    def setUp(cls):
        cls.missing = cls.prepare()
        if cls.missing:
            print(f'\nNO TESTS OF THE BROWSER CLIENT IN NODE: {cls.missing}',
                  file=sys.stderr)

    @classmethod
    def tearDown(cls):
        pass

    @staticmethod
    def prepare():
        """Return what is missing, None if nothing is."""
        if not (FOLDER / 'package.json').exists():
            return 'this installation is without them'
        for program in 'node', 'npm':
            if shutil.which(program) is None:
                return f'{program} is not installed'
        version = run('node', '--version').stdout.strip()
        if int(re.match('v([0-9]+)', version)[1]) < 20:
            return f'expected Node 20 or newer, got {version}'
        if not (FOLDER / 'node_modules' / 'fast-check').exists():
            installed = run('npm', 'ci')
            if installed.returncode:
                return f'npm ci failed: {installed.stderr}'
        return None


def run(*command):
    environment = {**ENVIRONMENT, 'GSET_TEST_PYTHON': sys.executable}
    return subprocess.run(
        command, cwd=FOLDER, env=environment, capture_output=True,
        encoding='utf-8')


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
        output = self.check('node', '--test', '--test-reporter=tap')
        passed, skipped = (
            int(re.search(f'^# {word} ([0-9]+)$', output, re.M)[1])
            for word in ('pass', 'skipped'))
        self.assertGreater(passed, 50)
        self.assertEqual(skipped, 0)
        self.assertNotIn('Warning', output)

    def test_types(self):
        self.check('npm', 'run', '--silent', 'types')


class SizeTests(unittest.TestCase):

    def test_a_page_loads_10_kilobytes(self):
        packed = gzip.compress((STATIC / 'gset.js').read_bytes(), mtime=0)
        self.assertLess(len(packed), 10240)
