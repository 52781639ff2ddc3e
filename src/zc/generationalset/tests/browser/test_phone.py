"""The board and the explorer on a phone: fingers, keyboards, large letters."""

import unittest

from playwright.sync_api import expect

from zc.generationalset.documents import Document
from zc.generationalset.tests.support.accessibility import violations
from zc.generationalset.tests.support.boards import API, BoardServed
from zc.generationalset.tests.support.exploring import Explorer

PHONE = {'viewport': {'width': 360, 'height': 740}, 'has_touch': True,
         'is_mobile': True}
#: Letters of twice the size leave half of the pixels.
LARGE = {**PHONE, 'viewport': {'width': 180, 'height': 370}}
#: On its side; and with a keyboard
SHORT = [(740, 360), (360, 380)]
#: What is smaller than a finger needs, or has letters at which a phone zooms.
SMALL = '''() => [...document.querySelectorAll(
  'button, a[href], input, textarea, select, summary, #table .row')].filter(
  (each) => {
    const target = each.matches('.card > .open') ? each.parentElement : each;
    const {width, height} = target.getBoundingClientRect();
    return width && height && (width < 44 || height < 44
      || each.matches('input, textarea, select')
         && parseFloat(getComputedStyle(each).fontSize) < 16);
  }).map((each) => each.outerHTML)'''
#: What is wider than its box, or beyond the window, in a part of a page.
CUT = '''(part) => [part, ...part.querySelectorAll('*')].filter((each) => {
  const {left, right, width} = each.getBoundingClientRect();
  return width > 1 && (left < -1
    || right > document.documentElement.clientWidth + 1
    || each.matches('button') && each.scrollWidth > each.clientWidth + 1);
}).map((each) => each.outerHTML)'''
#: Buttons of which the middle is outside the window, or below something.
HIDDEN = '''(part) => [...part.querySelectorAll('button, textarea')].filter(
  (each) => {
    const {x, y, width, height} = each.getBoundingClientRect();
    const found = document.elementFromPoint(x + width / 2, y + height / 2);
    return width && !each.contains(found);
  }).map((each) => each.outerHTML)'''
#: Notes how far parts of a page move without a user, as a share of the window.
NOTE_SHIFTS = '''
window.shifts = [];
new PerformanceObserver((list) => shifts.push(
  ...list.getEntries().map(({ value }) => value),
)).observe({ type: 'layout-shift', buffered: true });
'''
#: Resolves when two frames are painted, the last of which had nothing new.
PAINTED = '''() => new Promise((resolve) => {
  requestAnimationFrame(() => requestAnimationFrame(() => resolve()));
})'''
WIDTH = 'document.documentElement.scrollWidth'
SONGS = 'Ask the band for a list of songs'


class BoardTests(BoardServed):

    def phone(self, options):
        page = self.board(**options)
        self.card(page, SONGS).wait_for()
        return page

    def none(self, where, script):
        self.until(lambda: where.evaluate(script), [])

    def edit(self, page):
        self.card(page, SONGS).tap()
        return page.locator('.editor')

    def remove(self, page):
        self.edit(page).get_by_role('button', name='Remove').tap()
        page.get_by_role('button', name='Undo').wait_for()

    def messages(self, page):
        page.get_by_role('button', name='Messages').tap()

    def test_fingers_hit_everything(self):
        page = self.phone(PHONE)
        self.none(page, SMALL)
        self.edit(page)
        self.none(page, SMALL)
        page.keyboard.press('Escape')
        self.remove(page)
        self.none(page, SMALL)
        self.none(page.locator('.notice-bar'), CUT)
        self.messages(page)
        self.none(page, SMALL)
        page.get_by_role('button', name='Help').tap()
        self.none(page, SMALL)

    def test_a_form_has_the_room(self):
        for width, height in SHORT:
            with self.subTest(height=height, width=width):
                page = self.phone({
                    **PHONE, 'viewport': {'width': width, 'height': height}})
                self.none(self.edit(page), HIDDEN)
                page.keyboard.press('Escape')
                expect(page.locator('.status')).to_be_visible()

    def test_the_keyboard_leaves_the_form_in_sight(self):
        page = self.phone(PHONE)
        self.assertIn('interactive-widget=resizes-content', page.locator(
            'meta[name=viewport]').get_attribute('content'))
        for number in range(5):
            self.add(page, 'To do', f'Errand {number}')
        self.card(page, 'Errand 4').tap()
        page.set_viewport_size({'width': 360, 'height': 380})
        self.none(page.locator('.editor'), HIDDEN)

    def test_notices_leave_the_field_free(self):
        page = self.phone(PHONE)
        self.remove(page)
        self.messages(page)
        expect(page.locator('.notice-bar')).to_be_visible()
        self.none(page.locator('.say'), HIDDEN)

    def test_notices_leave_the_buttons_free(self):
        page = self.phone(PHONE)
        self.remove(page)
        self.none(page.locator('.status'), HIDDEN)
        self.rests(page)
        self.is_stored(page)
        page.context.route(API, lambda route: route.abort())
        page.reload()
        self.is_live(page, 'offline')
        self.card(page, 'Find someone who bakes for eighty').tap()
        page.get_by_role('button', name='Remove').tap()
        expect(page.locator('.unsent')).to_have_text('1 not sent yet')
        self.none(page.locator('.status'), HIDDEN)

    def test_large_letters(self):
        page = self.phone(LARGE)
        page.get_by_label('Your name').fill('W' * 40)
        self.none(page.locator('.top'), CUT)
        self.none(page.locator('.status'), CUT)
        self.none(self.edit(page), CUT)
        page.keyboard.press('Escape')
        self.remove(page)
        self.none(page.locator('.notice-bar'), CUT)
        page.get_by_role('button', name='Undo').tap()
        self.messages(page)
        self.none(page.locator('.messages'), CUT)
        page.get_by_role('button', name='Help').tap()
        self.none(page.locator('.help-dialog'), CUT)
        self.assertEqual(page.evaluate(WIDTH), 180)
        self.assertEqual(violations(page), [])


class ExplorerTests(Explorer, unittest.TestCase):

    def test_fingers_hit_everything(self):
        page = self.explore(**PHONE)
        self.rows().first.wait_for()
        page.locator('#log summary').last.tap()
        page.locator('#log .changes button').first.wait_for()
        self.assertEqual(page.evaluate(SMALL), [])

    def test_a_tap_shows_the_item(self):
        with self.changing() as things:
            for number in range(20):
                things['people'].add(Document(f'n{number}', {'text': 'Hello'}))
        page = self.explore(**PHONE)
        self.choose_set('people')
        item = page.locator('#item pre')
        page.evaluate('scrollTo(0, 0)')
        expect(item).not_to_be_in_viewport()
        self.rows().first.tap()
        expect(item).to_contain_text('text')
        expect(item).to_be_in_viewport(ratio=1)

    def test_nothing_moves_while_it_fills(self):
        context = self.context(**PHONE)
        context.add_init_script(NOTE_SHIFTS)
        page = self.page = self.window('/explore', context)
        self.rows().first.wait_for()
        expect(page.locator('#state')).to_contain_text('Connected')
        page.evaluate(PAINTED)
        self.assertLess(sum(page.evaluate('shifts')), 0.1)

    def test_large_letters(self):
        page = self.explore(**LARGE)
        page.locator('#log summary').last.tap()
        page.locator('#question button').tap()
        page.locator('#answer').wait_for()
        self.assertEqual(page.evaluate(WIDTH), 180)
        for part in 'header', '#log', '#question-panel':
            self.assertEqual(page.locator(part).evaluate(CUT), [], part)
        self.assertEqual(violations(page), [])
