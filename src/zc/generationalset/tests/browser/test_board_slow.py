"""The board on slow networks: nobody waits, and nothing gets mixed up."""

import threading
from contextlib import contextmanager

from playwright.sync_api import expect

from zc.generationalset.tests.support.boards import (
    BoardServed,
    contents,
    shown,
)
from zc.generationalset.tests.support.faulty import Proxy, refuse, status

#: Milliseconds of a round trip.
DELAYS = 50, 150, 500
ERRANDS = ['milk', 'bread', 'eggs']
TO_DO = ['Open this page in a second window, and move this card',
         'Ask the band for a list of songs',
         'Find someone who bakes for eighty']


#: Records in which column a card is, and its text, whenever either changes.
RECORD = '''(id) => {
  window.states = [];
  const look = () => {
    const card = document.querySelector(`.card[data-id="${id}"]`);
    const state = card && [
      card.closest('.column').querySelector('.handle .open').textContent,
      card.querySelector('.text').textContent].join(': ');
    if (state !== states.at(-1)) states.push(state);
  };
  look();
  new MutationObserver(look).observe(document.querySelector('.columns'), {
    childList: true, subtree: true, characterData: true });
}'''


class Slow(BoardServed):
    """One window behind a proxy, and one that isn't."""

    def setUp(self):
        super().setUp()
        self.two = self.board()
        self.proxy = self.stack.enter_context(Proxy(self.url))
        self.url = self.proxy.url
        self.one = self.board()
        self.notice = self.one.locator('.notice-bar .text')

    def delay(self, milliseconds):
        def late(request, pieces):
            self.proxy.stopping.wait(milliseconds / 2000)
            pieces = list(pieces)
            self.proxy.stopping.wait(milliseconds / 2000)
            yield from pieces
        self.proxy.fault = lambda request: (
            None if request.path == '/events' else late)

    @contextmanager
    def held(self, then=None):
        """Let the first window's next write wait until the end.

        Yields a function that waits until it is there.  ``then`` is the fault
        that it meets.
        """
        go_on, waiting = threading.Event(), threading.Event()

        def hold(request, pieces):
            waiting.set()
            go_on.wait(90)
            yield from then(request, pieces) if then else pieces
        self.proxy.fault = lambda request: (
            # What tells who is here goes on.
            hold if request.path == '/batch' and b'"beat"' not in request.body
            else None)
        try:
            yield lambda: waiting.wait(90)
            waiting.wait(90)
        finally:
            self.proxy.fault = lambda request: None  # for what comes next
            go_on.set()

    def type(self, label, *texts):
        """Type texts into a field, one after the other."""
        field = self.one.get_by_label(label)
        for text in texts:
            field.press_sequentially(text)
            field.press('Enter')
            self.assertEqual(field.input_value(), '')  # at once

    def press(self, *keys):
        for key in keys:
            self.one.keyboard.press(key)


class DelayTests(Slow):

    def each_delay(self):
        for milliseconds in DELAYS:
            with self.subTest(milliseconds=milliseconds):
                self.delay(milliseconds)
                yield
                self.rests(self.one)
                self.agree(self.one, self.two)

    def test_typing(self):
        cards, messages = [], shown(self.one)['messages']
        for _ in self.each_delay():
            self.type('Add a card to To do', *ERRANDS)
            self.type('Write a message', *ERRANDS)
            self.type('Add a column', 'Later')
            cards += ERRANDS
            messages += ERRANDS
            # They are here before the server has said yes.
            for page in self.one, self.two:
                self.show(page, 'To do', *TO_DO, *cards)
                self.until(lambda page=page: shown(page)['messages'], messages)

    def test_keys(self):
        for _ in self.each_delay():
            # Here and back again
            self.card(self.one, TO_DO[0]).focus()
            self.press('Shift+ArrowDown', 'Shift+ArrowDown',
                       'Shift+ArrowRight', 'Shift+ArrowLeft')
            self.card(self.one, TO_DO[0]).focus()
            while self.cards(self.one, 'To do')[0] != TO_DO[0]:
                self.press('Shift+ArrowUp')
            for page in self.one, self.two:
                self.show(page, 'To do', *TO_DO)

    def test_drags(self):
        to_do, done = list(TO_DO), self.cards(self.one, 'Done')
        for _ in self.each_delay():
            for _ in range(2):
                self.card(self.one, done[0]).drag_to(
                    self.card(self.one, to_do[0]),
                    target_position={'x': 20, 'y': 2})
                to_do.insert(0, done.pop(0))
                # It is there at once.
                self.assertEqual(self.cards(self.one, 'To do'), to_do)
            for text in to_do[:2]:
                self.card(self.one, text).focus()
                self.press('Shift+ArrowRight', 'Shift+ArrowRight')
            to_do, done = to_do[2:], self.cards(self.one, 'Done')
            self.show(self.two, 'To do', *to_do)

    def test_edits(self):
        text = TO_DO[1]
        for number, _ in enumerate(self.each_delay()):
            for again in 'once', 'twice':
                self.card(self.one, text).click()
                field = self.one.get_by_label('Text of the card')
                self.assertEqual(field.input_value(), text)
                text = f'{number} {again}'
                field.fill(text)
                field.press('Enter')
                self.assertEqual(field.count(), 0)
                self.assertEqual(self.cards(self.one, 'To do')[1], text)
            self.card(self.two, text).wait_for()

    def test_removals(self):
        for _ in self.each_delay():
            self.card(self.one, TO_DO[0]).focus()
            # Each takes what has the focus then.
            self.press('Delete', 'Delete', 'Delete')
            self.assertEqual(self.cards(self.one, 'To do'), [])
            self.show(self.two, 'To do')
            self.press('Control+z', 'Control+z', 'Control+z')
            self.assertEqual(self.cards(self.one, 'To do'), TO_DO)
            self.show(self.two, 'To do', *TO_DO)


class RecordedTests(Slow):

    def test_nothing_flickers_back(self):
        self.delay(300)
        card = self.card(self.one, TO_DO[0])
        self.one.evaluate(RECORD, card.locator('..').get_attribute('data-id'))
        card.focus()
        self.press('Shift+ArrowRight', 'Shift+ArrowRight', 'Enter')
        field = self.one.get_by_label('Text of the card')
        field.fill('Mine')
        field.press('Enter')
        self.card(self.one, 'Mine').focus()
        self.press('Shift+ArrowLeft', 'Delete', 'Control+z')
        self.card(self.two, 'Mine').wait_for()
        self.rests(self.one)
        self.agree(self.one, self.two)
        self.assertEqual(self.one.evaluate('states'), [
            f'To do: {TO_DO[0]}', f'Doing: {TO_DO[0]}', f'Done: {TO_DO[0]}',
            'Done: Mine', 'Doing: Mine', None, 'Doing: Mine'])


class RefusedTests(Slow):

    def refused(self):
        return self.one.locator('.refused .text').all_text_contents()

    def test_texts_come_back(self):
        with self.held(then=status(403)) as waiting:
            self.type('Add a card to To do', ERRANDS[0])
            waiting()  # it is in a request of its own
            self.type('Add a card to To do', *ERRANDS[1:])
            self.assertEqual(
                self.one.locator('.card.pending .text').all_text_contents(),
                ERRANDS)
            self.assertEqual(
                self.one.locator('.card.pending .about').first.evaluate(
                    "(about) => getComputedStyle(about, '::after').content"),
                '"saving…"')
            field = self.one.get_by_label('Add a card to To do')
            field.press_sequentially('but')
        self.until(self.refused, ERRANDS[:1])
        # What is being typed is left alone.
        field.press_sequentially('ter')
        self.assertEqual(field.input_value(), 'butter')
        self.show(self.one, 'To do', *TO_DO, *ERRANDS[1:])
        self.one.get_by_role('button', name='Try again').click()
        self.show(self.two, 'To do', *TO_DO, *ERRANDS[1:], 'milk')
        self.until(self.refused, [])

    def test_what_does_not_arrive_is_sent_again(self):
        messages = shown(self.two)['messages']
        with self.held(then=refuse) as waiting:
            self.type('Write a message', *ERRANDS)
            waiting()
        self.until(lambda: shown(self.two)['messages'], messages + ERRANDS)
        self.rests(self.one)
        self.agree(self.one, self.two)
        self.assertEqual(self.refused(), [])

    def test_you_may_look(self):
        with self.held(then=status(403)):
            self.one.locator('html[data-access=change]').wait_for()
            looking = self.one.get_by_text('you may look, not change')
            self.assertFalse(looking.is_visible())
            self.type('Write a message', 'milk')
        expect(self.notice).to_have_text('Not sent: you may look, not change.')
        state = self.one.locator('.state')
        expect(state).to_contain_text(
            'you may look, not change', use_inner_text=True)
        self.until(self.refused, ['milk'])
        # It may be allowed again.
        self.one.get_by_role('button', name='Try again').click()
        self.until(lambda: shown(self.two)['messages'][-1:], ['milk'])
        expect(state).not_to_contain_text('look', use_inner_text=True)

    def test_an_edit_opens_again(self):
        with self.held(then=status(413)):
            self.card(self.one, TO_DO[1]).click()
            field = self.one.get_by_label('Text of the card')
            field.fill('Mine')
            field.press('Enter')
            self.assertEqual(self.cards(self.one, 'To do')[1], 'Mine')
        expect(self.notice).to_contain_text('Not saved: ')
        expect(field).to_have_value('Mine')
        field.press('Escape')
        self.show(self.one, 'To do', *TO_DO)

    def test_what_was_removed_is_back(self):
        with self.held(then=status(413)):
            self.card(self.one, TO_DO[1]).focus()
            self.press('Delete')
            self.show(self.one, 'To do', TO_DO[0], TO_DO[2])
        self.show(self.one, 'To do', *TO_DO)
        expect(self.notice).to_contain_text('Not removed: ')
        self.notice.hover()  # so that it stays
        # There is nothing to undo.
        self.press('Control+z')
        self.add(self.one, 'To do', 'More')
        self.show(self.two, 'To do', *TO_DO, 'More')
        self.agree(self.one, self.two)
        self.assertEqual(self.notice.text_content()[:13], 'Not removed: ')


class TwoPeopleTests(Slow):

    def edit(self, page, old, new):
        self.card(page, old).click()
        field = page.get_by_label('Text of the card')
        field.fill(new)
        field.press('Enter')

    def test_a_move_and_a_text(self):
        """Neither of them knows of the other, and both stay."""
        with self.held() as waiting:
            self.card(self.one, TO_DO[0]).focus()
            self.press('Shift+ArrowDown')
            waiting()
            self.edit(self.two, TO_DO[0], 'Theirs')
            self.card(self.one, 'Theirs').wait_for()
        self.show(self.two, 'To do', TO_DO[1], 'Theirs', TO_DO[2])
        with self.held() as waiting:
            self.edit(self.one, 'Theirs', 'Mine')
            waiting()
            self.card(self.two, 'Theirs').focus()
            self.two.keyboard.press('Shift+ArrowUp')
            self.show(self.two, 'To do', 'Theirs', *TO_DO[1:])
        self.show(self.two, 'To do', 'Mine', *TO_DO[1:])
        self.agree(self.one, self.two)

    def test_a_name_and_a_move_of_a_column(self):
        def column(page, name):
            return self.column(page, name).get_by_role('button', name=name)
        with self.held() as waiting:
            column(self.one, 'To do').focus()
            self.press('Shift+ArrowRight')
            waiting()
            column(self.two, 'To do').click()
            field = self.two.get_by_label('Name of the column')
            field.fill('Soon')
            field.press('Enter')
            column(self.one, 'Soon').wait_for()
        self.until(lambda: [name for name, _ in shown(self.two)['columns']],
                   ['Doing', 'Soon', 'Done'])
        self.agree(self.one, self.two)

    def test_a_removal_and_a_text(self):
        """Whoever saves doesn't know of the removal: the card stays."""
        text = self.cards(self.one, 'Done')[1]
        with self.held() as waiting:
            self.edit(self.one, text, 'Mine')
            waiting()
            self.card(self.two, text).focus()
            self.two.keyboard.press('Delete')
            self.card(self.two, text).wait_for(state='detached')
            self.rests_without(text)
        self.until(lambda: self.cards(self.two, 'Done')[1:], ['Mine'])
        self.agree(self.one, self.two)

    def test_a_removal_and_a_name_of_a_column(self):
        with self.held() as waiting:
            self.column(self.one, 'Doing').get_by_role(
                'button', name='Doing').click()
            field = self.one.get_by_label('Name of the column')
            field.fill('Now')
            field.press('Enter')
            waiting()
            self.column(self.two, 'Doing').get_by_role(
                'button', name='Doing').focus()
            self.two.keyboard.press('Delete')
            self.rests_without('Doing')
        self.until(lambda: [name for name, _ in shown(self.two)['columns']],
                   ['To do', 'Now', 'Done'])
        self.agree(self.one, self.two)

    def rests_without(self, text):
        """Wait until the server doesn't have it."""
        self.until(lambda: text in str(contents(self.http)), False)

    def test_undo_leaves_what_somebody_saved(self):
        self.card(self.two, TO_DO[0]).click()
        field = self.two.get_by_label('Text of the card')
        field.fill('Saved meanwhile')
        self.card(self.one, TO_DO[0]).focus()
        self.press('Delete')
        self.two.locator('.editor .notice').wait_for()
        field.press('Enter')
        self.card(self.one, 'Saved meanwhile').wait_for()
        self.press('Control+z')
        expect(self.notice).to_have_text(
            'Not taken back: somebody has changed it meanwhile.')
        self.show(self.two, 'To do', 'Saved meanwhile', *TO_DO[1:])
        self.agree(self.one, self.two)

    def test_a_removal_and_the_text_of_a_card(self):
        """Whoever removes the column doesn't know of the text: both stay."""
        with self.held() as waiting:
            self.column(self.one, 'To do').get_by_role(
                'button', name='To do').focus()
            self.press('Delete')
            waiting()
            # They don't know of that, and save.
            self.edit(self.two, TO_DO[0], 'Theirs')
            self.until(lambda: 'Theirs' in str(contents(self.http)), True)
            generation = self.get().json()['generation']
            self.until(lambda: self.generation(self.one) >= generation, True)
        expect(self.notice).to_have_text(
            'Not removed: somebody has changed it meanwhile.')
        self.show(self.one, 'To do', 'Theirs', *TO_DO[1:])
        self.agree(self.one, self.two)
