"""Makes docs/board.webp: the board in two windows, in motion.

    python docs/animation.py

It needs zc.generationalset[test], Chromium, and Pillow.
"""

import io
from pathlib import Path

import pictures
from PIL import Image
from playwright.sync_api import sync_playwright

from zc.generationalset.tests.support.browsing import launch
from zc.generationalset.tests.support.programs import chromium

FILE = Path(__file__).with_name('board.webp')
HEIGHT = 480
#: Milliseconds for which a frame is shown.
PACE = 110
GAP = 20
GROUND = '#c3d3d6'


class Film:
    """Frames; each shows windows side by side."""

    def __init__(self, *windows):
        self.windows = windows
        self.frames = []

    def take(self, count=1):
        for _ in range(count):
            images = [Image.open(io.BytesIO(window.screenshot()))
                      for window in self.windows]
            width = sum(image.width + GAP for image in images) + GAP
            frame = Image.new('RGB', (width, HEIGHT + 2 * GAP), GROUND)
            x = GAP
            for image in images:
                frame.paste(image, (x, GAP))
                x += image.width + GAP
            self.frames.append(frame)

    def save(self, path):
        first, *others = self.frames
        first.save(path, save_all=True, append_images=others, duration=PACE,
                   loop=0, lossless=True, quality=90, method=6,
                   minimize_size=True)


def play(page, db, url):
    one = pictures.window(
        page, url, ('Ann', 'violet'), (1140, HEIGHT), motion='no-preference')
    two = pictures.window(
        page, url, ('Bob', 'amber'), (350, HEIGHT), scheme='dark',
        motion='no-preference')
    film = Film(one, two)
    film.take(6)
    field = two.get_by_label('Add a card to To do')
    write(film, field, 'Make coffee')
    film.take(12)
    drag(film, one)
    film.take(12)
    write(film, one.get_by_label('Write a message'), 'Coffee! Thank you.')
    film.take(16)
    film.save(FILE)


def write(film, field, text):
    field.focus()
    for start in range(0, len(text), 3):
        field.press_sequentially(text[start:start + 3])
        film.take()
    field.press('Enter')


def drag(film, page):
    start = page.locator('.card', has_text='Ask the band').bounding_box()
    end = page.locator('.card', has_text='Tell the neigh').bounding_box()
    x, y = start['x'] + 90, start['y'] + 30
    across, down = end['x'] - start['x'], end['y'] - start['y'] + 45
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 11):
        page.mouse.move(x + across * step / 10, y + down * step / 10)
        film.take()
    page.mouse.up()


def main():
    with sync_playwright() as playwright:
        browser = launch(playwright, chromium())
        pictures.make(browser, play, {'width': 100, 'height': 100})
        browser.close()


if __name__ == '__main__':
    main()
