"""Makes the pictures of README.rst and docs again, or those that are named.

    python docs/pictures.py [explorer ...]

It needs zc.generationalset[test], and Chromium.
"""

import base64
import contextlib
import sqlite3
import sys
import tempfile
from pathlib import Path

import ZODB
from playwright.sync_api import expect, sync_playwright
from ZODB.DemoStorage import DemoStorage

from zc.generationalset import GSet
from zc.generationalset.commands import demo
from zc.generationalset.server import application, folder
from zc.generationalset.sql import SQLSource, open_database
from zc.generationalset.tests.support.browsing import launch
from zc.generationalset.tests.support.programs import chromium
from zc.generationalset.tests.support.serving import served

HERE = Path(__file__).parent
ORDERS = HERE.parent / 'examples' / 'orders'
PICTURES = {}
FRAME = '''<!doctype html>
<style>
  body { display: flex; justify-content: space-between; margin: 0;
         padding: 40px 24px; background: #c3d3d6; }
  img { border-radius: 10px; box-shadow: 0 6px 24px rgb(0 30 40 / 35%); }
</style>
'''


@contextlib.contextmanager
def sample():
    """Serve the sample of ``gset serve --demo``; yield database and URL."""
    with contextlib.closing(ZODB.DB(DemoStorage())) as db:
        with db.transaction() as connection:
            connection.root()['board'] = board = GSet()
            demo.fill(board)
        with served(application(
                db, lambda root: root['board'], write=True,
                routes=demo.routes())) as url:
            yield db, url


@contextlib.contextmanager
def shop():
    """Serve the example of orders; yield a connection of SQLite, and URL."""
    with tempfile.TemporaryDirectory() as directory:
        path = f'{directory}/shop.db'
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.executescript((ORDERS / 'orders.sql').read_text())
            with contextlib.closing(
                    open_database(f'sqlite:///{path}')) as database:
                database.execute(database.plan_tracking(database.tables()))
                app = application(SQLSource(database, ['orders']), write=True)
                folder.add(app, str(ORDERS / 'site'))
                with served(app) as url:
                    yield connection, url


def picture(width, height, serve=sample):
    """Register a function that brings a page into the state to show.

    It is called with a page of that size, and what ``serve`` yields: a
    database, and the URL at which that is served.
    """
    def register(function):
        PICTURES[function.__name__] = (
            function, {'width': width, 'height': height}, serve)
        return function
    return register


@picture(720, 440, shop)
def orders(page, connection, url):
    page.goto(url)
    expect(page.locator('#status')).to_have_text('live')
    connection.execute("UPDATE orders SET total = 8 WHERE customer = 'Bob'")
    connection.execute("INSERT INTO orders VALUES ('4', 'Dora', 18.9, 'new')")
    connection.commit()
    expect(page.locator('tbody tr')).to_have_count(4)


@picture(1280, 720)
def explorer(page, db, url):
    page.goto(f'{url}/explore')
    page.locator('#tree .row', has_text='cards').click()
    change(db, 'cards', 'done-2', text='Tell the neighbours, all of them')
    page.locator('#table .row', has_text='Ask the band').click()
    expect(page.locator('#log summary')).to_have_count(2)
    asked = change(db, 'messages', 'sample-3', text='Posters are printed.')
    change(db, 'places', 'cards/to-do-2', column='doing', rank=0.5)
    expect(page.locator('#item mark').first).to_be_visible()
    page.locator('[name=generation]').fill(str(asked))
    page.locator('#question button').click()
    expect(page.locator('#answer .verdict')).to_contain_text('200')
    page.locator('#log summary').first.click()
    page.mouse.move(0, 0)


@picture(1560, 720)
def board(page, db, url):
    """Two people use the board at the same time."""
    one = window(page, url, ('Ann', 'violet'), (1140, 640))
    two = window(page, url, ('Bob', 'amber'), (350, 640), scheme='dark')
    say(one, 'We still need someone who makes coffee.')
    say(two, 'I can, if you lend me the big pot.')
    say(one, 'You have it.')
    expect(two.locator('.message')).to_have_count(6)
    add(two, 'To do', 'Make coffee')
    card = one.locator('.card', has_text='Ask the band')
    card.drag_to(one.locator('.card', has_text='Borrow benches'))
    two.locator('.card', has_text='Make coffee').locator('.open').focus()
    two.keyboard.press('Shift+ArrowUp')
    expect(one.locator('.story')).to_contain_text('Bob moved')
    add(one, 'To do', 'Buy milk')
    expect(two.locator('.story')).to_contain_text('Ann added')
    one.get_by_label('Write a message').fill('And I buy milk')
    one.mouse.move(0, 0)
    show(page, one, two)


def window(page, url, person, size, *, scheme='light', motion='reduce'):
    """Open a window of a person, in a browser of their own."""
    context = page.context.browser.new_context(
        viewport=dict(zip(('width', 'height'), size, strict=True)),
        color_scheme=scheme,
        reduced_motion=motion)
    context.add_init_script(
        "sessionStorage.setItem('board-me', "
        """'{{"name": "{}", "color": "{}"}}')""".format(*person))
    other = context.new_page()
    other.goto(url)
    expect(other.locator('.connection')).to_have_text('live')
    return other


def say(window, text):
    field = window.locator('.say textarea')
    if not field.is_visible():
        window.get_by_role('button', name='Messages').click()
    field.fill(text)
    field.press('Enter')
    expect(field).to_have_value('')
    window.locator('.views button').first.evaluate('(each) => each.click()')


def add(window, column, text):
    field = window.get_by_label(f'Add a card to {column}')
    field.fill(text)
    field.press('Enter')
    expect(field).to_have_value('')


def show(page, *windows):
    """Show pictures of windows side by side on a page."""
    images = [base64.b64encode(window.screenshot()).decode()
              for window in windows]
    page.set_content(FRAME + ''.join(
        f'<img src="data:image/png;base64,{image}">' for image in images))


def change(db, name, id, **members):
    """Change members of an item; return the generation before."""
    with db.transaction() as connection:
        items = connection.root()['board'][name]
        generation = items.generation
        items[id].value = {**items[id].value, **members}
        items.changed(items[id])
    return generation


def make(browser, function, size, serve):
    """Return the picture of a page on a new sample, after a function."""
    with contextlib.ExitStack() as stack:
        db, url = stack.enter_context(serve())
        stack.callback(close_all, browser)
        page = browser.new_page(viewport=size, reduced_motion='reduce')
        function(page, db, url)
        return page.screenshot()


def close_all(browser):
    for context in browser.contexts:
        context.close()


def main():
    with sync_playwright() as playwright:
        browser = launch(playwright, chromium())
        for name in sys.argv[1:] or PICTURES:
            (HERE / f'{name}.png').write_bytes(make(browser, *PICTURES[name]))
        browser.close()


if __name__ == '__main__':
    main()
