"""An explorer that shows some sets, for its tests."""

from playwright.sync_api import expect

from zc.generationalset import GSet
from zc.generationalset.documents import Document
from zc.generationalset.tests.support.browsing import BrowsingServed


class Explorer(BrowsingServed):
    """A test with an explorer that shows some sets."""

    def setUp(self):
        super().setUp()
        with self.changing() as things:
            things.add(Document('note', {'text': 'Hello'}))
            for name in 'people', 'rooms':
                things.add(GSet(name))
            things['people'].add(Document('ann', {'name': 'Ann'}))
            things['people'].add(Document('bob', {'name': 'Bob'}))
            things['rooms'].add(GSet(7))
            things['rooms'][7].add(Document(1, {'desk': 'of Ann'}))

    def explore(self, path='/explore', **options):
        self.page = self.window(path, **options)
        expect(self.rows('#tree').first).to_be_visible()
        return self.page

    def rows(self, of='#table'):
        return self.page.locator(f'{of} .rows .row')

    def choose_set(self, name):
        self.page.locator('#tree .row', has=self.page.locator(
            '.id', has_text=name)).click()
        expect(self.page.locator('#items-title')).to_contain_text(name)

    def choose_item(self, id):
        self.page.locator('#table .row', has=self.page.locator(
            '.id', has_text=id)).click()

    def text(self, selector):
        return self.page.locator(selector)
