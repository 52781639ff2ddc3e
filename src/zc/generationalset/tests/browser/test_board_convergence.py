"""The board: all windows and the server agree, whatever people do at once."""

import random
import re
import unittest

from playwright.sync_api import expect
from zope.testing.wait import Wait

from zc.generationalset.tests.support.board_users import begin, is_done, rests
from zc.generationalset.tests.support.boards import (
    BoardServed,
    Demo,
    Windows,
    shown,
)

ACTIONS = 80
#: Until people have done all that, on a machine that does much else.
wait_long = Wait(timeout=240, wait=0.1)


class ConvergenceTests(BoardServed):

    seeds = [1, 2]

    def play(self, pages, seed, count=ACTIONS):
        for number, page in enumerate(pages):
            begin(page, 1000 * seed + number, count)
        wait_long(lambda: all(map(is_done, pages)))
        wait_long(lambda: all(map(rests, pages)))
        self.agree(*pages)

    def test_random_edits(self):
        pages = [self.board(), self.board(
            viewport={'width': 390, 'height': 844})]
        for seed in self.seeds:
            with self.subTest(seed=seed):
                self.play(pages, seed)
        # They did something, and neither of them is alone.
        texts = [text for _, cards in shown(pages[0])['columns']
                 for text in cards]
        self.assertGreater(len(texts), 10)
        self.assertEqual(len({text.split('-')[0] for text in texts
                              if text[-1].isdigit()} - {''}) > 2, True)

    def test_tabs_of_one_browser(self):
        # They share one stream, and what is stored.
        context = self.context()
        pages = [self.board(context), self.board(context), self.board()]
        self.play(pages, 7)
        # What they stored is what a new tab begins with.
        pages.append(self.board(context))
        self.agree(*pages)

    def test_somebody_comes_and_goes(self):
        stays = self.board()
        context = self.context()
        for seed in 11, 12:
            with self.subTest(seed=seed):
                comes = self.board(context)
                self.play([stays, comes], seed, 40)
                comes.close()
                self.play([stays], seed + 10, 20)


class LongConvergenceTests(ConvergenceTests):

    level = 2
    seeds = range(3, 11)


class CrashTests(Demo, Windows, unittest.TestCase):
    """The server is killed, again and again, while people work."""

    def test_killed_and_started_again(self):
        chance = random.Random(5)
        with self.serving('Data.fs', '--port', '0') as process:
            self.url = process.url
            port = self.url.rpartition(':')[2]
            pages = [self.board(), self.board()]
            for number, page in enumerate(pages):
                begin(page, 500 + number, 100)
            self.kill(process, pages, chance)
        for restart in range(2):
            with self.serving('Data.fs', '--port', port) as process:
                for number, page in enumerate(pages):
                    begin(page, 600 + 10 * restart + number, 50)
                for page in pages:
                    self.is_live(page)
                if restart == 0:
                    self.kill(process, pages, chance)
                    continue
                wait_long(lambda: all(map(is_done, pages)))
                wait_long(lambda: all(map(rests, pages)))
                self.agree(*pages)
                # And they go on.
                self.add(pages[0], shown(pages[0])['columns'][0][0], 'After')
                self.card(pages[1], 'After').wait_for()
                self.agree(*pages)

    def kill(self, process, pages, chance):
        first, count = self.generation(pages[0]), chance.randrange(5, 60)
        wait_long(lambda: self.generation(pages[0]) > first + count
                  or all(map(is_done, pages)))
        process.kill()
        process.wait()
        for page in pages:
            self.is_live(page, 'offline')
            expect(page.locator('.connection')).to_have_text(re.compile(
                r'^offline, trying again in \d+ s$|^connecting…$'))
