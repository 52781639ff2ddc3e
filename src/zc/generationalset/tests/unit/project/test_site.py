"""The site has all pages, and the names of all packages."""

import re
import unittest

from zc.generationalset.tests.support.places import (
    CHECKOUT,
    PACKAGE,
    PAGES,
)

SITE = CHECKOUT / 'docs' / 'site'
#: Packages whose names other packages have, too.
INNER = re.compile(r'sql\.|sync\.stores\.')


class SiteTests(unittest.TestCase):

    def test_pages(self):
        listed = re.findall(r'^   .*</(.*)>$',
                            (SITE / 'index.rst').read_text('utf-8'), re.M)
        self.assertEqual(
            sorted(str(page.relative_to(CHECKOUT).with_suffix(''))
                   for page in PAGES), sorted(listed))

    def test_packages(self):
        names = {'.'.join(path.parent.relative_to(PACKAGE).parts)
                 for path in PACKAGE.glob('**/__init__.py')
                 if '\n__all__ = ' in path.read_text('utf-8')}
        there = {name for page in SITE.glob('python/*.rst')
                 for name in re.findall(
                     r'automodule:: zc\.generationalset\.?(.*)',
                     page.read_text('utf-8'))}
        self.assertGreater(len(names), 12)
        self.assertEqual(
            {name for name in names - there if not INNER.match(name)}, set())
