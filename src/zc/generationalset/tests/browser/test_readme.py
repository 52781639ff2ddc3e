"""README.rst: what it says about pages works."""

import re
import textwrap
import unittest

from starlette.responses import HTMLResponse
from starlette.routing import Route

from zc.generationalset.tests.support.browsing import BrowsingServed
from zc.generationalset.tests.support.places import CHECKOUT, PACKAGE
from zc.generationalset.tests.support.serving import wait

README = CHECKOUT / 'README.rst'


def readme(test):
    if not README.is_file():
        if list(PACKAGE.parents[1].glob('zc?generationalset-*.dist-info')):
            test.skipTest('installed packages come without README.rst')
        test.fail(f'expected {README}, for the package in {PACKAGE} is not an '
                  'installed one; got nothing')
    return README.read_text(encoding='utf-8')


class CommandTests(unittest.TestCase):

    def test_what_comes_first(self):
        demo, tests = re.findall(r'^ +\$ (.+)$', readme(self), re.M)
        self.assertTrue(demo.endswith('/gset serve --demo'), demo)
        self.assertTrue(tests.endswith('bin/test'), tests)

    def test_files(self):
        text = readme(self)
        named = re.findall(r'<([\w./-]+)>`_|(?:::|target:) ([\w/]+\.\w+)$',
                           text, re.M)
        self.assertGreater(len(named), 8)
        for link, picture in named:
            self.assertTrue((README.parent / (link or picture)).exists(),
                            link or picture)


class PageTests(BrowsingServed, unittest.TestCase):

    options = {'routes': [Route(
        '/', lambda request: HTMLResponse(PageTests.page))]}

    def test_page(self):
        block, = re.findall(
            r'^\.\. code-block:: html\n\n((?: {4}.*\n|\n)+)', readme(self),
            re.M)
        PageTests.page = '<!doctype html><link rel="icon" href="data:,">' \
            + textwrap.dedent(block)
        self.put('a', {'text': 'Buy milk'})
        page = self.window('/')
        items = page.locator('li')
        page.get_by_text('Buy milk').wait_for()
        self.put('b', {'text': '<i>Tea</i>'})
        self.put('a', {'text': 'Buy more milk'})
        wait(lambda: sorted(items.all_text_contents()) == [
            '<i>Tea</i>', 'Buy more milk'])
        with self.changing() as things:
            things.remove(things['a'])
        wait(lambda: items.all_text_contents() == ['<i>Tea</i>'])
