"""The board: cards and columns are moved with mouse, finger and keys."""

import re

from playwright.sync_api import expect

from zc.generationalset.documents import Document
from zc.generationalset.tests.support.boards import BoardServed, shown
from zc.generationalset.tests.support.browsing import stop_clock

A, B, C = 'apples', 'bread', 'cheese'


class Moving(BoardServed):
    """Windows with few things, so that it is clear what is where."""

    def fill(self, things):
        super().fill(things)
        cards = things['cards']
        for card in list(cards):
            cards.remove(card)
        for rank, name in enumerate([A, B, C]):
            cards.add(Document(name, {
                'text': name, 'column': 'to-do', 'rank': rank}))

    def setUp(self):
        super().setUp()
        self.two = self.board()

    def lists(self, to_do=(), doing=(), done=()):
        expected = [['To do', [*to_do]], ['Doing', [*doing]],
                    ['Done', [*done]]]
        for page in self.one, self.two:
            self.until(lambda page=page: shown(page)['columns'], expected)
        self.rests(self.one)
        self.agree(self.one, self.two)

    def names(self, *names):
        for page in self.one, self.two:
            self.until(lambda page=page: [
                name for name, _ in shown(page)['columns']], list(names))
        self.rests(self.one)
        self.agree(self.one, self.two)


class KeyTests(Moving):

    def setUp(self):
        super().setUp()
        self.one = self.board()

    def press(self, *keys):
        for key in keys:
            self.one.keyboard.press(key)

    def test_going_from_card_to_card(self):
        # From the top: the name of the user, the first column, its first card.
        self.press('Tab', 'Tab', 'Tab')
        self.focused(self.one, A)
        for key, expected in [
                ('ArrowDown', B), ('ArrowDown', C), ('ArrowUp', B),
                ('ArrowRight', 'Doing'), ('ArrowRight', 'Done'),
                ('ArrowLeft', 'Doing'), ('ArrowLeft', 'To do'),
                ('ArrowDown', A), ('ArrowUp', 'To do'),
                ('ArrowLeft', 'To do')]:
            self.press(key)
            with self.subTest(key):
                self.focused(self.one, expected)
        # Tab goes to one card of a column, where one was last.
        self.press('ArrowDown', 'ArrowDown', 'Shift+Tab')
        self.focused(self.one, 'To do')
        self.press('Tab')
        self.focused(self.one, B)
        self.press('Tab')
        expect(self.one.get_by_label('Add a card to To do')).to_be_focused()

    def test_cards_are_moved(self):
        self.card(self.one, A).focus()
        # They are all made, however fast they are pressed.
        self.press('Shift+ArrowDown', 'Shift+ArrowDown', 'Shift+ArrowDown')
        self.lists([B, C, A])
        self.press('Shift+ArrowUp')
        self.lists([B, A, C])
        self.press('Shift+ArrowRight', 'Shift+ArrowRight')
        self.lists([B, C], [], [A])
        self.focused(self.one, A)
        expect(self.one.locator('.story')).to_have_text(
            f'“{A}” is now in Done, 1 of 1.')
        self.press('Shift+ArrowRight', 'Shift+ArrowLeft')
        self.lists([B, C], [A])
        self.press('Shift+ArrowUp', 'Shift+ArrowLeft')
        self.lists([A, B, C])

    def test_columns_are_moved(self):
        self.column(self.one, 'To do').get_by_role(
            'button', name='To do').focus()
        self.press('Shift+ArrowRight')
        self.names('Doing', 'To do', 'Done')
        self.press('Shift+ArrowRight', 'Shift+ArrowRight')
        self.names('Doing', 'Done', 'To do')
        self.focused(self.one, 'To do')
        expect(self.one.locator('.story')).to_have_text(
            'To do is now column 3 of 3.')
        self.press('Shift+ArrowLeft')
        self.names('Doing', 'To do', 'Done')

    def test_other_keys(self):
        self.card(self.one, B).focus()
        self.press('n')
        self.one.keyboard.type('new')
        self.press('Enter')
        self.lists([A, B, C, 'new'])
        self.card(self.one, B).focus()
        self.press('Enter')
        self.one.keyboard.type('butter')
        self.press('Enter')
        self.lists([A, 'butter', C, 'new'])
        # In fields, they are letters.
        name = self.one.get_by_label('Your name')
        name.focus()
        self.press('?')
        expect(name).to_have_value(re.compile(r'\?'))
        help = self.one.get_by_role('dialog', name='How this works')
        self.assertFalse(help.is_visible())
        self.card(self.one, C).focus()
        self.press('?')
        help.wait_for()
        expect(help).to_contain_text('Shift')
        self.press('Escape')
        help.wait_for(state='hidden')
        self.one.get_by_role('button', name='Help').click()
        help.get_by_role('button', name='Close').click()
        help.wait_for(state='hidden')


class MouseTests(Moving):

    def setUp(self):
        super().setUp()
        self.one = self.board()

    def centre(self, locator, down=.5):
        locator.hover(trial=True)  # when it has stopped moving
        box = locator.bounding_box()
        return (box['x'] + box['width'] / 2,
                box['y'] + box['height'] * down)

    def drag(self, locator, *places):
        mouse = self.one.mouse
        mouse.move(*self.centre(locator))
        mouse.down()
        for place in places:
            mouse.move(*place, steps=4)
        mouse.up()

    def test_cards(self):
        def card(name):
            return self.card(self.one, name)
        self.drag(card(A), self.centre(card(C), .3))
        self.lists([B, A, C])
        self.drag(card(B), self.centre(card(C), .9))
        self.lists([A, C, B])
        self.drag(card(C), self.centre(self.column(self.one, 'Done')))
        self.lists([A, B], [], [C])
        self.drag(card(A), self.centre(card(C), .1))
        self.lists([B], [], [A, C])
        # Above the first one, and where it already is
        self.drag(card(C), self.centre(
            self.column(self.one, 'Done').locator('.handle')))
        self.lists([B], [], [C, A])
        self.drag(card(A), self.centre(card(A), .9))
        self.lists([B], [], [C, A])
        # It isn't a click, too.
        self.drag(card(B), self.centre(self.column(self.one, 'Doing')))
        self.lists([], [B], [C, A])
        self.assertEqual(self.one.locator('.editor').count(), 0)
        self.assertEqual(self.one.locator('.ghost, .drop-line').count(), 0)

    def test_columns(self):
        handles = self.one.locator('.handle')
        box = handles.nth(2).bounding_box()
        self.drag(handles.nth(0), (box['x'] + 5, box['y'] + 5))
        self.names('Doing', 'To do', 'Done')
        self.drag(handles.nth(0), (box['x'] + box['width'] - 5, box['y'] + 5))
        self.names('To do', 'Done', 'Doing')

    def test_escape_and_changes_of_others(self):
        mouse = self.one.mouse
        mouse.move(*self.centre(self.card(self.one, A)))
        mouse.down()
        mouse.move(*self.centre(self.column(self.one, 'Done')), steps=3)
        self.one.locator('.ghost').wait_for()
        self.one.keyboard.press('Escape')
        self.one.locator('.ghost').wait_for(state='detached')
        mouse.up()
        self.lists([A, B, C])
        mouse.move(*self.centre(self.card(self.one, A)))
        mouse.down()
        mouse.move(*self.centre(self.column(self.one, 'Done')), steps=3)
        self.card(self.two, A).focus()
        self.two.keyboard.press('Delete')
        self.show(self.one, 'To do', B, C)
        mouse.up()
        expect(self.one.locator('.notice-bar .text')).to_have_text(
            'Not moved: somebody has removed it.')
        self.lists([B, C])

    def test_near_an_edge_it_scrolls(self):
        self.one.set_viewport_size({'width': 900, 'height': 700})
        main = self.one.locator('.board')
        box = main.bounding_box()
        mouse = self.one.mouse
        mouse.move(*self.centre(self.card(self.one, A)))
        mouse.down()
        mouse.move(box['x'] + box['width'] - 10, 300, steps=3)
        self.until(lambda: main.evaluate(
            '(main) => main.scrollLeft > 100'), True)
        mouse.move(*self.centre(self.column(self.one, 'Done')), steps=3)
        mouse.up()
        self.lists([B, C], [], [A])

    def test_two_people_move_into_the_same_gap(self):
        # Both compute the same rank; after that, there is still a place
        # between the two.
        for name in B, C:
            self.http.put(f'/items/cards/{name}', json={
                'text': name, 'column': 'doing', 'rank': 5})
        self.lists([A], [B, C])
        self.drag(self.card(self.one, A),
                  self.centre(self.card(self.one, C), .2))
        self.lists([], [B, A, C])


class FingerTests(Moving):
    """A finger that rests on something lifts it; one that moves scrolls."""

    def setUp(self):
        super().setUp()
        self.one = self.board(
            viewport={'width': 390, 'height': 844}, has_touch=True,
            is_mobile=True)
        self.touch = self.one.context.new_cdp_session(self.one)

    def send(self, type, *points):
        self.touch.send('Input.dispatchTouchEvent', {
            'type': f'touch{type}',
            'touchPoints': [{'x': x, 'y': y} for x, y in points]})

    def place(self, name):
        box = self.card(self.one, name).bounding_box()
        return box['x'] + 60, box['y'] + 20

    def test_hold_and_move(self):
        x, y = self.place(A)
        self.send('Start', (x, y))
        self.one.locator('.ghost').wait_for()
        for step in range(1, 21):
            self.send('Move', (x, y + 10 * step))
        self.send('End')
        self.lists([B, C, A])
        self.assertEqual(self.one.locator('.editor').count(), 0)

    def test_to_the_next_column(self):
        x, y = self.place(A)
        self.send('Start', (x, y))
        self.one.locator('.ghost').wait_for()
        for step in range(1, 11):
            self.send('Move', (x + (380 - x) * step / 10, y + 30))
        # It scrolls as long as the finger is at the edge.
        self.until(lambda: self.one.locator('.board').evaluate(
            '(main) => main.scrollLeft > 250'), True)
        self.send('Move', (200, y + 30))
        self.send('End')
        self.until(lambda: self.cards(self.two, 'To do'), [B, C])
        self.agree(self.one, self.two)

    def test_a_swipe_scrolls(self):
        self.one.clock.install()
        stop_clock(self.one)  # the finger doesn't rest, however slow this is
        x, y = self.place(A)
        self.send('Start', (x + 200, y))
        for step in range(1, 11):
            self.send('Move', (x + 200 - 25 * step, y))
        self.until(lambda: self.one.locator('.board').evaluate(
            '(main) => main.scrollLeft > 100'), True)
        self.one.clock.run_for(1000)
        self.assertEqual(self.one.locator('.ghost').count(), 0)
        self.send('End')
        self.lists([A, B, C])

    def test_a_tap_edits(self):
        self.card(self.one, A).tap()
        self.one.get_by_label('Text of the card').fill('plums')
        self.one.get_by_role('button', name='Save').tap()
        self.lists(['plums', B, C])
