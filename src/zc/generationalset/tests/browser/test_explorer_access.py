"""Who may see the explorer's data, and below which URLs it works."""

import unittest

from playwright.sync_api import expect
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Mount, Route

from zc.generationalset.server import application
from zc.generationalset.tests.support.browsing import Browsing, BrowsingServed
from zc.generationalset.tests.support.serving import Served, served


class TokenTests(BrowsingServed, unittest.TestCase):

    options = {'tokens': {'secret-of-ann': 'ann'}}

    def use(self, token):
        self.page.locator('#token').fill(token)
        self.page.locator('#access button').click()

    def refused(self, text):
        expect(self.page.locator('#access')).to_contain_text(text)
        expect(self.page.locator('main')).to_be_hidden()
        expect(self.page.locator('#state')).to_have_text('No access')

    def test_token(self):
        self.put('milk', {'text': 'Buy milk'})
        self.page = self.window('/explore')
        self.refused('wants a token')
        self.use('wrong')
        self.refused('know this token')
        self.use('\N{EURO SIGN}')
        self.refused('work')
        self.use('secret-of-ann')
        expect(self.page.locator('#table .row .id')).to_have_text('milk')
        expect(self.page.locator('#access')).to_be_hidden()
        self.page.locator('#question button').click()
        expect(self.page.locator('#answer .verdict')).to_contain_text('200')
        self.page.reload()
        expect(self.page.locator('#table .row .id')).to_have_text('milk')
        # It is in this tab only, and nowhere else.
        self.assertEqual(self.page.evaluate(
            '[localStorage.length, document.cookie, location.href]'),
            [0, '', f'{self.url}/explore'])
        other = self.window('/explore', self.page.context)
        expect(other.locator('#access')).to_be_visible()
        self.page.locator('#forget').click()
        self.refused('wants a token')

    def test_taken_away(self):
        self.page = self.window('/explore')
        self.use('secret-of-ann')
        expect(self.page.locator('main')).to_be_visible()
        access = self.app.state.gset.access
        access._authenticate = lambda request: None
        self.app.state.gset.stop()  # all streams
        self.refused('know this token')


class RefusingTests(Browsing, Served, unittest.TestCase):

    def serve(self, error):
        def name(request):
            raise error
        app = application(
            self.db, lambda root, name: None, name=name)
        self.url = self.stack.enter_context(served(app))

    def check(self, *texts):
        page = self.window('/explore')
        for text in texts:
            expect(page.locator('#access')).to_contain_text(text)

    def test_forbidden(self):
        self.serve(PermissionError('not ann'))
        self.check('let this user see', '403: not ann')

    def test_no_tree(self):
        self.serve(LookupError())
        self.check('There is no set', '404: there is no such tree')


class MountedTests(BrowsingServed, unittest.TestCase):

    def test_below_a_prefix(self):
        self.put('milk', {'text': 'Buy milk'})
        app = Starlette(routes=[Mount('/some/where', self.app)])
        app.state.gset = self.app.state.gset
        with served(app) as self.url:
            for path in '/some/where/explore', '/some/where/explore/':
                page = self.window(path)
                expect(page.locator('#table .row .id')).to_have_text('milk')
                page.locator('#question button').click()
                expect(page.locator('#answer .verdict')).to_contain_text('200')
                self.assertEqual(page.url, f'{self.url}/some/where/explore')


class OriginsTests(BrowsingServed, unittest.TestCase):

    def test_pages_of_other_origins(self):
        """They may import the client, and use it, if they are configured."""
        empty = Starlette(routes=[
            Route('/', lambda request: HTMLResponse('<!doctype html>'))])
        empty.state.gset = self.app.state.gset
        self.put('milk', {'text': 'Buy milk'})
        with served(empty) as pages:
            app = application(
                self.db, lambda root: root['things'], origins=(pages,))
            with served(app) as allowing:
                page = self.context().new_page()
                page.goto(pages)
                self.assertEqual(page.evaluate(IMPORT, allowing), 'Buy milk')
                with page.expect_console_message(
                        lambda said: 'blocked by CORS policy' in said.text):
                    self.assertEqual(page.evaluate(IMPORT, self.url),
                                     'refused')
                self.assertEqual(len(self.complaints), 1)
                self.complaints.clear()


IMPORT = """async (url) => {
  let module;
  try {
    module = await import(`${url}/static/gset.js`);
  } catch {
    return 'refused';
  }
  const client = new module.Client(url);
  await client.start();
  client.close();
  return client.items.get('milk').text;
}"""
