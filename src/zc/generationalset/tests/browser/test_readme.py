"""The page in README.rst works."""

import re
import textwrap
import unittest

from starlette.responses import HTMLResponse
from starlette.routing import Route

from zc.generationalset.tests.support.browsing import BrowsingServed
from zc.generationalset.tests.support.places import CHECKOUT
from zc.generationalset.tests.support.serving import wait

README = (CHECKOUT / 'README.rst').read_text(encoding='utf-8')


class CommandTests(unittest.TestCase):

    def test_what_comes_first(self):
        demo, tests = re.findall(r'^ +\$ (.+)$', README, re.M)
        self.assertTrue(demo.endswith('/gset serve --demo'), demo)
        self.assertTrue(tests.endswith('bin/test'), tests)

    def test_files(self):
        named = re.findall(r'<([\w./-]+)>`_|(?:::|target:) ([\w/]+\.\w+)$',
                           README, re.M)
        self.assertGreater(len(named), 8)
        for link, picture in named:
            self.assertTrue((CHECKOUT / (link or picture)).exists(),
                            link or picture)


class PageTests(BrowsingServed, unittest.TestCase):

    options = {'routes': [Route(
        '/', lambda request: HTMLResponse(PageTests.page))]}

    def test_page(self):
        block, = re.findall(
            r'^\.\. code-block:: html\n\n((?: {4}.*\n|\n)+)', README,
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
