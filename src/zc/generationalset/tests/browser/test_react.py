"""The hook for React, in an application that esbuild has packed."""

import tempfile
import unittest
from pathlib import Path

from playwright.sync_api import expect
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from zc.generationalset import GSet
from zc.generationalset.documents import Document
from zc.generationalset.tests.support.browsing import BrowsingServed
from zc.generationalset.tests.support.node import Node, run

COUNT = 10_000
PAGE = ('<!doctype html><link rel="icon" href="data:,"><div id="app"></div>'
        '<script src="app.js"></script>')


def packed():
    """Return an application, with React, as one script."""
    Node.prepare()
    with tempfile.TemporaryDirectory() as directory:
        script = Path(directory) / 'app.js'
        done = run(*Node.node.node, 'react/pack.js', str(script))
        assert done.returncode == 0, done.stderr
        return script.read_text('utf-8')


class ReactTests(BrowsingServed, unittest.TestCase):

    def setUp(self):
        script = packed()
        self.options = {'routes': [
            Route('/app/', lambda request: HTMLResponse(PAGE)),
            Route('/app/app.js', lambda request: Response(
                script, media_type='text/javascript'))]}
        super().setUp()
        with self.changing() as things:
            cards = GSet('cards')
            things.add(cards)
            for number in range(COUNT):
                cards.add(Document(f'c{number}', {'text': 'new'}))

    def rendered(self, page):
        """Return what was rendered since the last call."""
        return page.evaluate(
            '() => { const was = rendered;'
            ' rendered = { rows: [], counts: 0, others: 0 }; return was; }')

    def test_rows_of_what_has_changed_render_again(self):
        page = self.window('/app/')
        rows = page.locator('li')
        expect(rows).to_have_count(COUNT)
        expect(page.locator('p')).to_have_text(f'{COUNT} cards')
        self.rendered(page)
        self.http.put('/items/cards/c7', json={'text': 'changed'})
        expect(rows.nth(7)).to_have_text('c7: changed')
        self.assertEqual(
            self.rendered(page), {'rows': ['c7'], 'counts': 0, 'others': 0})
        self.http.put('/items/cards/c1', json={'text': 'changed'})
        expect(page.locator('output')).to_have_text('changed')
        self.assertEqual(
            self.rendered(page), {'rows': ['c1'], 'counts': 0, 'others': 1})
        self.http.delete('/items/cards/c0')
        expect(rows).to_have_count(COUNT - 1)
        expect(page.locator('p')).to_have_text(f'{COUNT - 1} cards')
        self.assertEqual(
            self.rendered(page), {'rows': [], 'counts': 1, 'others': 0})
