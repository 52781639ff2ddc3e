"""The board: columns, cards and messages, in two windows."""

import re

from playwright.sync_api import expect

from zc.generationalset.tests.support.boards import (
    BoardServed,
    contents,
    shown,
)

TO_DO = ['Open this page in a second window, and move this card',
         'Ask the band for a list of songs',
         'Find someone who bakes for eighty']
SONGS = TO_DO[1]
DOING = ['Print posters:\n50 for the town, 10 for the school',
         'Borrow benches from the school']
DONE = ['Choose a day: the last Saturday in June', 'Tell the neighbours']
#: What is on a card that comes from elsewhere, and the window's generation.
MARKS = '''(card) => [
  [...card.classList], card.querySelector('.mark').textContent,
  document.querySelector('.generation b').textContent]'''


class BoardTests(BoardServed):

    def setUp(self):
        super().setUp()
        self.one, self.two = self.board(), self.board()

    def test_sample(self):
        self.until(lambda: shown(self.one), {
            'columns': [['To do', TO_DO], ['Doing', DOING], ['Done', DONE]],
            'messages': contents(self.http)['messages']})
        self.assertEqual(len(shown(self.one)['messages']), 3)
        self.agree(self.one, self.two)
        times = self.one.locator('.card time')
        # Two minutes and half an hour, when the server began.
        expect(times.nth(0)).to_have_text(re.compile(r'^\d+ min ago$'))
        expect(times.nth(1)).to_have_text(re.compile(r'^\d+ min ago$|^1 h'))

    # Cards

    def test_a_card_is_added(self):
        with self.arriving(self.two, 'Sing', MARKS) as arrived:
            self.add(self.one, 'Done', 'Sing')
        self.show(self.two, 'Done', *DONE, 'Sing')
        self.show(self.one, 'Done', *DONE, 'Sing')
        field = self.one.get_by_label('Add a card to Done')
        expect(field).to_have_value('')
        me = self.one.get_by_label('Your name').input_value()
        card = self.two.locator('.card').filter(has_text='Sing')
        expect(card.locator('.by')).to_have_text(me)
        expect(card.locator('time')).to_have_text('just now')
        expect(self.two.locator('.story')).to_contain_text(
            f'{me} added “Sing” to Done.')
        self.rests(self.one)
        self.assertEqual(self.one.locator('.story').text_content(), '')
        # Liveness is seen: what came from elsewhere flashes.
        [(classes, mark, generation)] = arrived
        self.assertIn('remote', classes)
        self.assertEqual(mark, generation)
        self.agree(self.one, self.two)

    def test_a_card_is_edited(self):
        name = self.one.get_by_label('Your name')
        name.fill('Ann')
        name.press('Enter')
        self.two.locator('.people').get_by_text('Ann').wait_for()
        self.card(self.one, SONGS).click()
        field = self.one.get_by_label('Text of the card')
        expect(field).to_have_value(SONGS)
        field.fill('Two\nlines')
        field.press('Enter')
        self.show(self.two, 'To do', TO_DO[0], 'Two\nlines', TO_DO[2])
        self.agree(self.one, self.two)
        expect(self.two.locator('.story')).to_have_text(
            'Ann changed “Two lines”.')
        # The focus is where it was.
        self.focused(self.one, 'Two\nlines')

    def test_an_edit_is_cancelled(self):
        self.card(self.one, SONGS).click()
        field = self.one.get_by_label('Text of the card')
        field.fill('Nothing')
        field.press('Escape')
        expect(field).to_have_count(0)
        # What is written next comes without it.
        self.add(self.one, 'To do', 'More')
        self.show(self.two, 'To do', *TO_DO, 'More')
        self.agree(self.one, self.two)

    def test_a_card_is_put_into_another_column_by_its_form(self):
        self.card(self.one, SONGS).click()
        self.one.get_by_role('combobox').select_option('Done')
        self.one.get_by_role('button', name='Save').click()
        self.show(self.two, 'Done', *DONE, SONGS)
        self.agree(self.one, self.two)

    def test_a_card_is_removed_and_put_back(self):
        self.card(self.one, SONGS).focus()
        self.one.keyboard.press('Delete')
        self.focused(self.one, TO_DO[2])
        expect(self.one.locator('.notice-bar .text')).to_have_text(
            f'Removed “{SONGS}”.')
        self.one.get_by_role('button', name='Undo').hover()  # so that it stays
        self.show(self.two, 'To do', TO_DO[0], TO_DO[2])
        self.one.get_by_role('button', name='Undo').click()
        self.show(self.two, 'To do', *TO_DO)
        self.one.get_by_role('button', name='Undo').wait_for(state='hidden')
        self.card(self.one, SONGS).click()
        self.one.get_by_role('button', name='Remove').click()
        self.one.get_by_role('button', name='Undo').wait_for()
        self.show(self.two, 'To do', TO_DO[0], TO_DO[2])
        self.focused(self.one, TO_DO[2])
        self.one.keyboard.press('Control+z')
        self.show(self.two, 'To do', *TO_DO)
        self.agree(self.one, self.two)

    def test_a_card_that_is_edited_here_changes_elsewhere(self):
        self.card(self.one, SONGS).click()
        field = self.one.get_by_label('Text of the card')
        field.fill('Mine')
        field.evaluate('(field) => field.setSelectionRange(1, 2)')
        self.card(self.two, SONGS).click()
        self.two.get_by_label('Text of the card').fill('Theirs')
        self.two.get_by_role('combobox').select_option('Done')
        self.two.get_by_role('button', name='Save').click()
        you = self.two.get_by_label('Your name').input_value()
        expect(self.one.locator('.editor .notice')).to_have_text(
            f'{you} changed it to “Theirs”. Save replaces that.')
        # It was moved, with what is typed, the focus and the selection.
        expect(self.column(self.one, 'Done').get_by_label(
            'Text of the card')).to_have_value('Mine')
        self.assertEqual(field.evaluate(
            '(field) => [document.activeElement === field, '
            'field.selectionStart, field.selectionEnd]'), [True, 1, 2])
        field.press('Enter')
        self.show(self.two, 'Done', *DONE, 'Mine')
        self.agree(self.one, self.two)

    def test_a_card_that_is_edited_here_is_removed_elsewhere(self):
        self.card(self.one, SONGS).click()
        field = self.one.get_by_label('Text of the card')
        field.fill('Mine')
        self.card(self.two, SONGS).focus()
        self.two.keyboard.press('Delete')
        notice = self.one.locator('.editor .notice')
        expect(notice).to_contain_text('removed')
        self.add(self.two, 'To do', 'More')
        self.card(self.one, 'More').wait_for()
        self.assertEqual(field.input_value(), 'Mine')
        field.press('Enter')
        self.show(self.two, 'To do', TO_DO[0], 'Mine', TO_DO[2], 'More')
        self.agree(self.one, self.two)
        # And the other way: what is cancelled is gone.
        self.card(self.one, 'Mine').click()
        self.card(self.two, 'Mine').focus()
        self.two.keyboard.press('Delete')
        notice.wait_for()
        field.press('Escape')
        self.show(self.one, 'To do', TO_DO[0], TO_DO[2], 'More')
        self.agree(self.one, self.two)

    # Columns

    def test_columns_are_added_renamed_and_removed(self):
        field = self.one.get_by_label('Add a column')
        field.fill('Later')
        field.press('Enter')
        self.column(self.two, 'Later').wait_for()
        self.add(self.two, 'Later', 'Rest')
        self.show(self.one, 'Later', 'Rest')
        self.column(self.one, 'Later').get_by_role(
            'button', name='Later').click()
        name = self.one.get_by_label('Name of the column')
        name.fill('Some day')
        name.press('Enter')
        self.show(self.two, 'Some day', 'Rest')
        expect(self.two.locator('.story')).to_contain_text(
            '“Later” is “Some day” now')
        self.column(self.two, 'Some day').get_by_role(
            'button', name='Some day').focus()
        self.two.keyboard.press('Delete')
        self.column(self.one, 'Some day').wait_for(state='detached')
        self.agree(self.one, self.two)
        # Its cards went along, not only out of sight.
        texts = [text for _, cards in contents(self.http)['columns']
                 for text in cards]
        self.assertNotIn('Rest', texts)
        self.two.keyboard.press('Control+z')
        self.show(self.one, 'Some day', 'Rest')
        self.agree(self.one, self.two)

    def test_a_column_is_removed_while_cards_are_typed_into_it(self):
        field = self.one.get_by_label('Add a card to To do')
        field.fill('Nobody loses this')
        self.column(self.two, 'To do').get_by_role(
            'button', name='To do').focus()
        self.two.keyboard.press('Delete')
        gone = self.one.locator('.gone:not([hidden])')
        gone.wait_for()
        self.assertEqual(field.input_value(), 'Nobody loses this')
        self.show(self.one, 'To do')
        field.press('Enter')
        self.show(self.two, 'To do', 'Nobody loses this')
        gone.wait_for(state='hidden')
        self.agree(self.one, self.two)
        # What is thrown away takes the column along.
        field.fill('x')
        self.column(self.two, 'To do').get_by_role(
            'button', name='To do').focus()
        self.two.keyboard.press('Delete')
        gone.wait_for()
        field.fill('')
        self.column(self.one, 'To do').wait_for(state='detached')
        self.agree(self.one, self.two)

    def test_a_card_of_a_column_that_is_gone_is_in_the_first_one(self):
        self.http.put('/items/cards/lost', json={
            'text': 'Lost', 'column': 'gone', 'rank': 99})
        self.show(self.one, 'To do', *TO_DO, 'Lost')
        self.card(self.one, 'Lost').focus()
        self.one.keyboard.press('Shift+ArrowRight')
        self.show(self.two, 'Doing', *DOING, 'Lost')
        self.agree(self.one, self.two)

    def test_all_columns_are_removed(self):
        for name in 'To do', 'Doing', 'Done':
            self.column(self.one, name).get_by_role(
                'button', name=name).focus()
            self.one.keyboard.press('Delete')
            self.column(self.two, name).wait_for(state='detached')
        self.until(lambda: shown(self.two)['columns'], [])
        field = self.two.get_by_label('Add a column')
        field.fill('New')
        field.press('Enter')
        self.add(self.two, 'New', 'Begin')
        self.show(self.one, 'New', 'Begin')

    # Messages

    def test_messages(self):
        field = self.one.get_by_label('Write a message')
        field.fill('Hello\nyou')
        field.press('Enter')
        self.until(lambda: shown(self.two)['messages'][-1:], ['Hello\nyou'])
        expect(field).to_have_value('')
        field = self.two.get_by_label('Write a message')
        for text in 'Hello', 'How are you?':
            field.fill(text)
            self.two.get_by_role('button', name='Send').click()
            expect(field).to_have_value('')
        self.until(lambda: shown(self.one)['messages'][-2:],
                   ['Hello', 'How are you?'])
        self.agree(self.one, self.two)
        # The last one is seen.
        self.until(lambda: self.one.evaluate('''() => {
            const log = document.querySelector('.log');
            return log.scrollTop + log.clientHeight
              >= log.scrollHeight - 1; }'''), True)

    def test_the_oldest_messages_are_removed(self):
        self.http.post('/batch', json={'changes': [
            {'op': 'put', 'path': ['messages', f'{number:03}'],
             'item': {'text': f'{number}', 'at': number}}
            for number in range(300)]})
        self.until(lambda: len(shown(self.one)['messages']), 303)
        field = self.one.get_by_label('Write a message')
        field.fill('Enough')
        field.press('Enter')
        self.until(lambda: len(shown(self.two)['messages']), 200)
        messages = shown(self.two)['messages']
        self.assertEqual((messages[0], messages[-1]), ('104', 'Enough'))
        self.agree(self.one, self.two)

    # What somebody else may have written

    def test_things_of_other_programs(self):
        written = self.http.post('/batch', json={'changes': [
            *[{'op': 'put', 'path': ['cards', id], 'item': item}
              for id, item in [
                  ('a', 5), ('b', None), ('c', 'text'), ('d', [1]),
                  ('e', {'$date': '2026-01-02'})]],
            {'op': 'set', 'path': ['cards', 'set']},
            {'op': 'put', 'path': ['cards', 'odd'], 'item': {
                'text': 5, 'column': ['x'], 'rank': 'y', 'by': 'z',
                'at': {}}},
            {'op': 'put', 'path': ['columns', 'odd'], 'item': {
                'name': {}, 'rank': None}},
            {'op': 'put', 'path': ['messages', 'odd'], 'item': {}},
            {'op': 'put', 'path': ['here', 'odd'], 'item': {'name': 5}},
        ]})
        self.assertEqual(written.status_code, 200, written.text)
        self.column(self.one, 'Without a name').wait_for()
        self.until(lambda: [
            len(cards) for _, cards in shown(self.one)['columns']],
            [2, 3, 2, 2])

    def test_sets_that_are_missing_are_made(self):
        for name in 'columns', 'cards', 'messages', 'here':
            self.assertEqual(
                self.http.delete(f'/items/{name}/').status_code, 200)
        self.until(lambda: shown(self.one),
                   {'columns': [], 'messages': []})
        self.until(lambda: sorted(
            entry['id'] for entry in self.get().json()['contents']),
            ['cards', 'columns', 'here', 'messages'])
