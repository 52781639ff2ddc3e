"""The page in docs/sql.txt, and the example, show a table, live."""

import re
import sqlite3
import textwrap
import unittest
from contextlib import closing

from playwright.sync_api import expect
from starlette.responses import HTMLResponse
from starlette.routing import Route
from zope.testing import setupstack

from zc.generationalset.server import application, folder
from zc.generationalset.sql import SQLSource, open_database
from zc.generationalset.tests.support import tables
from zc.generationalset.tests.support.browsing import Browsing
from zc.generationalset.tests.support.places import CHECKOUT, EXAMPLES
from zc.generationalset.tests.support.serving import served, wait

TEXT = (CHECKOUT / 'docs' / 'sql.txt').read_text(encoding='utf-8')


class OrdersTests(Browsing, unittest.TestCase):

    def serve(self, script, add_pages, **options):
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)
        tables.make('shop.db', script)
        database = open_database('sqlite:///shop.db')
        self.addCleanup(database.close)
        tables.track(database, 'orders')
        app = application(SQLSource(database, ['orders']), **options)
        add_pages(app)
        context = served(app)
        self.url = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)

    def execute(self, statement):
        with closing(sqlite3.connect('shop.db')) as connection:
            connection.execute(statement)
            connection.commit()

    def test_tutorial(self):
        *made, update = re.findall(r'^ +sqlite> (.+)$', TEXT, re.M)
        [page] = re.findall(
            r'^\.\. code-block:: html\n\n((?: {4}.*\n|\n)+)', TEXT, re.M)
        html = '<!doctype html><link rel="icon" href="data:,">' \
            + textwrap.dedent(page)
        self.serve('\n'.join(made), lambda app: None, routes=[
            Route('/', lambda request: HTMLResponse(html))])
        items = self.window('/').locator('li')
        wait(lambda: items.all_text_contents() == ['Ann: 12.5'])
        self.execute(update)
        wait(lambda: items.all_text_contents() == ['Ann: 13'])
        self.execute('DELETE FROM orders')
        wait(lambda: items.all_text_contents() == [])

    def test_example(self):
        self.serve(
            'PRAGMA journal_mode = WAL;'
            + (EXAMPLES / 'orders/orders.sql').read_text(encoding='utf-8'),
            lambda app: folder.add(app, EXAMPLES / 'orders/site'), write=True)
        page, other = self.window('/'), self.window('/')
        rows = page.locator('tbody tr')
        expect(rows).to_have_count(3)
        self.execute("INSERT INTO orders VALUES ('4', 'Dan', 1, 'new')")
        expect(rows).to_have_count(4)
        page.get_by_label('Customer').fill('Eve')
        page.get_by_label('Total').fill('9')
        page.get_by_role('button', name='Add').click()
        row = other.locator('tr', has_text='Eve')
        expect(row).to_contain_text('9.00')
        row.get_by_role('button', name='Send').click()
        expect(page.locator('tr', has_text='Eve')).to_contain_text('sent')
        page.locator('tr', has_text='Dan').get_by_role(
            'button', name='Remove').click()
        expect(other.locator('tbody tr')).to_have_count(4)
        page.get_by_label('Customer').fill('Fay')
        page.get_by_label('Total').fill('-1')
        page.get_by_role('button', name='Add').click()
        expect(page.locator('output')).to_contain_text('positive')
