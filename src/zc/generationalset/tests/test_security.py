"""The page about security names tests that are there."""

import pathlib
import re
import unittest

HERE = pathlib.Path(__file__).parent
PAGE = HERE.parents[3] / 'docs' / 'security.txt'


@unittest.skipUnless(PAGE.exists(), 'the package is installed without docs')
class PageTests(unittest.TestCase):

    def test_tests(self):
        names = set(re.findall('``T ([a-z_]+)``', PAGE.read_text()))
        self.assertGreater(len(names), 20)
        for name in names:
            self.assertTrue((HERE / f'test_{name}.py').exists(), name)
