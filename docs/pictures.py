"""Makes the pictures of README.rst again, or those that are named.

    python docs/pictures.py [explorer ...]

It needs zc.generationalset[test], and Chromium.
"""

import contextlib
import sys
from pathlib import Path

import ZODB
from playwright.sync_api import expect, sync_playwright
from ZODB.DemoStorage import DemoStorage

from zc.generationalset import GSet
from zc.generationalset.commands import demo
from zc.generationalset.server import application
from zc.generationalset.tests.browsing import ARGUMENTS, program
from zc.generationalset.tests.serving import served

HERE = Path(__file__).parent
PICTURES = {}


def picture(width, height):
    """Register a function that brings a page into the state to be seen.

    It is called with a page of that size, a database with the sample of
    ``gset serve --demo``, and the URL at which that is served.
    """
    def register(function):
        PICTURES[function.__name__] = (
            function, {'width': width, 'height': height})
        return function
    return register


@picture(1280, 720)
def explorer(page, db, url):
    page.goto(f'{url}/explore')
    page.locator('#tree .row', has_text='cards').click()
    change(db, 'cards', 'done-2', text='Tell the neighbours, all of them')
    page.locator('#table .row', has_text='Ask the band').click()
    expect(page.locator('#log summary')).to_have_count(2)
    asked = change(db, 'messages', 'sample-3', text='Posters are printed.')
    change(db, 'cards', 'to-do-2', column='doing', rank=0.5)
    expect(page.locator('#item mark').first).to_be_visible()
    page.locator('[name=generation]').fill(str(asked))
    page.locator('#question button').click()
    expect(page.locator('#answer .verdict')).to_contain_text('200')
    page.locator('#log summary').first.click()
    page.mouse.move(0, 0)


def change(db, name, id, **members):
    """Change members of an item; return the generation before."""
    with db.transaction() as connection:
        items = connection.root()['board'][name]
        generation = items.generation
        items[id].value = {**items[id].value, **members}
        items.changed(items[id])
    return generation


def make(browser, name):
    function, size = PICTURES[name]
    with contextlib.ExitStack() as stack:
        db = ZODB.DB(DemoStorage())
        stack.callback(db.close)
        with db.transaction() as connection:
            connection.root()['board'] = board = GSet()
            demo.fill(board)
        url = stack.enter_context(served(application(
            db, lambda root: root['board'], routes=demo.routes())))
        context = stack.enter_context(contextlib.closing(
            browser.new_context(viewport=size, reduced_motion='reduce')))
        page = context.new_page()
        function(page, db, url)
        page.screenshot(path=HERE / f'{name}.png')


def main():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program(), args=ARGUMENTS)
        for name in sys.argv[1:] or PICTURES:
            make(browser, name)
        browser.close()


if __name__ == '__main__':
    main()
