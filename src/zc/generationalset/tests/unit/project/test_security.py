"""The page about security names tests that exist."""

import re
import unittest

from zc.generationalset.tests.support.places import CHECKOUT, TESTS

PAGE = CHECKOUT / 'docs' / 'security.txt'


class PageTests(unittest.TestCase):

    def test_tests(self):
        names = set(re.findall('``T ([a-z_/]+)``', PAGE.read_text()))
        self.assertGreater(len(names), 20)
        for name in names:
            folder, _, noun = name.rpartition('/')
            self.assertTrue(
                list(TESTS.rglob(f'{folder or "."}/test_{noun}.py')), name)
