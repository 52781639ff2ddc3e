"""The browser client with parts: stored, and in several tabs."""

import unittest

from zc.generationalset.documents import Document
from zc.generationalset.tests.support.tabs import Tabs, wait
from zc.generationalset.tests.support.things import add_subsets


class PartsTests(Tabs, unittest.TestCase):

    def setUp(self):
        super().setUp()
        with self.changing() as things:
            add_subsets(things)

    def change(self, name, item):
        with self.changing() as things:
            things[name].add(Document('x', item))

    def wait_contents(self, page, **contents):
        expected = {name: {'x': item} for name, item in contents.items()}
        wait(lambda: self.contents(page) == expected)

    def test_they_are_stored(self):
        page = self.tab(self.context(), parts=['a'])
        self.change('a', 'A')
        self.wait_contents(page, a='A')
        page.evaluate("client.parts = ['a', 'b']")
        self.wait_contents(page, a='A', b='b')
        self.change('b', 'B')
        self.wait_contents(page, a='A', b='B')
        self.wait_stored(page)
        generation = page.evaluate('client.generation')
        self.stop()
        self.reload(page, parts=['a', 'b'])
        self.assertEqual(self.contents(page), {
            'a': {'x': 'A'}, 'b': {'x': 'B'}})
        self.change('c', 'C')
        self.start()
        wait(lambda: self.server.streams == 1)
        self.assertIn(f'generation={generation}&', self.server.requests[0])
        self.assertEqual(
            [kind for kind in self.types(page) if kind == 'reset'], [])
        # Another time, other parts: only the new one comes whole.
        self.wait_stored(page)
        self.server.requests.clear()
        self.reload(page, parts=['b', 'c'])
        self.wait_contents(page, b='B', c='C')
        self.assertNotIn('generation', self.server.requests[0])
        self.assertIn('%22c%22', self.server.requests[0])
        self.assertNotIn('%22b%22', self.server.requests[0])
        # The whole tree is another matter.
        self.wait_stored(page)
        self.reload(page)
        wait(lambda: 'ann' in self.contents(page))

    def test_tabs_have_the_same(self):
        context = self.context()
        first = self.tab(context, parts=['a'])
        wait(lambda: self.server.streams == 1)
        second = self.tab(context, parts=['a'])
        self.wait(second, 'client.online')
        second.evaluate("client.parts = ['a', 'b']")
        for page in first, second:
            self.wait_contents(page, a='a', b='b')
        self.change('b', 'B')
        for page in first, second:
            self.wait_contents(page, a='a', b='B')
        first.evaluate("client.parts = ['b']")
        for page in first, second:
            self.wait_contents(page, b='B')
        wait(lambda: self.server.streams == 1)
        first.close()
        self.change('b', 'again')
        self.wait_contents(second, b='again')
        # Nothing that the first one told had the wrong parts.
        self.assertNotIn('the parts that were named', second.evaluate(
            'JSON.stringify(events)'))
