"""The board as a page: what it looks like, to whom, and what never runs."""

import time
import unittest

from playwright.sync_api import expect

from zc.generationalset.documents import Document
from zc.generationalset.tests.support.accessibility import violations
from zc.generationalset.tests.support.boards import (
    API,
    BoardServed,
    Demo,
    Windows,
    shown,
)

PHONE = {'viewport': {'width': 390, 'height': 844}, 'has_touch': True,
         'is_mobile': True}
SIZES = [(320, 568), (390, 844), (844, 390), (768, 1024), (1280, 800),
         (2560, 1440)]
#: What goes beyond the window, or is cut, in bars and empty fields.
CUT = '''() => [...document.querySelectorAll(
  '.top *, .status *, .new-column textarea')].filter((element) => {
    const {right, width} = element.getBoundingClientRect();
    return width > 1 && !element.matches('.story, .answer, input') && (
      right > innerWidth && !element.closest('.board')
      || element.scrollWidth > element.clientWidth + 1
         && getComputedStyle(element).display !== 'inline'
      || element.matches('textarea')
         && element.scrollHeight > element.clientHeight);
  }).map((element) => element.outerHTML)'''
#: The names of the animations of a card.
ANIMATIONS = '''(card) => card.getAnimations({subtree: true}).map(
  (each) => each.animationName)'''
#: A promise of two frames: styles and layout are those of what was done.
SETTLED = '''new Promise((done) => requestAnimationFrame(
  () => requestAnimationFrame(done)))'''
NASTY = [
    '<img src=x onerror="window.ran = 1">', '<script>window.ran = 1</script>',
    '"><svg onload=window.ran=1>', 'javascript:window.ran=1', '&lt;b&gt;',
    '\u202eevil', '</textarea><script>window.ran = 1</script>']


class MarkupTests(BoardServed):

    def test_it_is_text(self):
        one, two = self.board(), self.board()
        field = one.get_by_label('Your name')
        field.fill('<b onclick=x>Me</b>')
        field.press('Enter')
        for text in NASTY:
            self.add(one, 'To do', text)
            self.card(two, text).wait_for()
            field = one.get_by_label('Write a message')
            field.fill(text)
            field.press('Enter')
            self.until(lambda text=text: shown(two)['messages'][-1:],
                       [text])
            field = one.get_by_label('Add a column')
            field.fill(text)
            field.press('Enter')
            self.column(two, text).wait_for()
        self.agree(one, two)
        expect(two.locator('.people ul .name')).to_have_text(
            '<b onclick=x>Me</b>')
        # In a form, in its list of columns, and when it has changed
        self.card(two, NASTY[0]).click()
        self.card(one, NASTY[0]).click()
        one.get_by_label('Text of the card').fill(NASTY[6])
        one.get_by_label('Text of the card').press('Enter')
        two.locator('.editor .notice').wait_for()
        for page in one, two:
            self.assertEqual(page.evaluate('window.ran'), None)
            self.assertEqual(page.locator('main img, main svg').count(), 0)

    def test_what_programs_write(self):
        page = self.board()
        for text in NASTY:
            self.http.post('/batch', json={'changes': [
                {'op': 'put', 'path': [set, text], 'item': {
                    'text': text, 'name': text, 'column': text, 'rank': 1,
                    'at': 1, 'by': {'name': text, 'color': text},
                    'color': text}}
                for set in ('cards', 'columns', 'messages', 'here')]})
            self.column(page, text).wait_for()
        self.assertEqual(page.evaluate('window.ran'), None)
        self.assertEqual(page.evaluate(
            "[...document.querySelectorAll('[style]')].length"), 0)


class TokenTests(Demo, Windows, unittest.TestCase):

    def test_token(self):
        with self.serving('--port', '0', GSET_TOKEN='secret') as process:
            self.url = process.url
            self.http.headers['authorization'] = 'Bearer secret'
            page = self.window('/')
            field = page.get_by_label('Token')
            field.wait_for()
            field.fill('wrong')
            field.press('Enter')
            page.get_by_text('does not know that token').wait_for()
            page.get_by_label('Token').fill('secret')
            page.get_by_role('button', name='Go on').click()
            self.is_live(page)
            self.agree(page)
            self.add(page, 'To do', 'New')
            self.card(page, 'New').wait_for()
            page.reload()
            self.is_live(page)
            self.agree(page)
            # It is for this window, and so is what it gave access to.
            self.assertEqual(page.evaluate('localStorage.length'), 0)
            self.until(lambda: page.evaluate(
                'indexedDB.databases().then((all) => all.length)'), 1)
            page.context.new_page().goto(self.url)
            page.context.pages[1].get_by_label('Token').wait_for()
            # It is gone from the others' sight, too.
            other = self.window('/')
            other.get_by_label('Token').fill('secret')
            other.get_by_role('button', name='Go on').click()
            self.is_live(other)
            names = other.locator('.people ul .name')
            expect(names).to_have_count(1)
            page.close(run_before_unload=True)
            expect(names).to_have_count(0)


class LayoutTests(BoardServed):

    def resize(self, page, width, height):
        page.set_viewport_size({'width': width, 'height': height})
        page.evaluate(SETTLED)

    def assert_fits(self, page):
        width, most, height, highest = page.evaluate(
            '[document.documentElement.scrollWidth, innerWidth,'
            ' document.documentElement.scrollHeight, innerHeight]')
        self.assertLessEqual(width, most)
        self.assertLessEqual(height, highest)

    def test_no_overflow(self):
        long = 'x' * 500
        page = self.board()
        for width, height in SIZES:
            with self.subTest(width=width):
                self.resize(page, width, height)
                self.assert_fits(page)
                self.assertEqual(page.evaluate(CUT), [])
        for width, height in SIZES:
            with self.subTest(width=width, names='long'):
                self.resize(page, width, height)
                if width == 320:
                    self.http.post('/batch', json={'changes': [
                        {'op': 'put', 'path': ['here', f'n{number}'],
                         'item': {'name': 'M' * 40}}
                        for number in range(9)]})
                    expect(page.locator('.more')).to_have_text('+5')
                    field = page.get_by_label('Your name')
                    field.fill('W' * 40)
                    field.press('Enter')
                    self.add(page, 'To do', long)
                    self.card(page, long).wait_for()
                self.assert_fits(page)

    def test_no_overflow_without_a_server(self):
        page = self.board()
        self.is_stored(page)
        page.context.route(API, lambda route: route.abort())
        page.reload()
        self.is_live(page, 'offline')
        page.locator('.connection').evaluate(
            "(each) => { each.textContent = "
            "'offline, trying again in 60 s'; }")
        page.evaluate("document.documentElement.dataset.access = 'look'")
        self.add(page, 'To do', 'Later')
        expect(page.locator('.unsent')).to_have_text('1 not sent yet')
        for width, height in SIZES:
            with self.subTest(width=width):
                self.resize(page, width, height)
                self.assert_fits(page)
                self.assertEqual(page.evaluate(CUT), [])
                expect(page.get_by_role(
                    'button', name='Try now')).to_be_visible()

    def test_long_names_leave_columns_as_they_are(self):
        page = self.board()
        column = self.column(page, 'Done')
        width = column.bounding_box()['width']
        self.http.put('/items/cards/done-2', json={
            'text': 'Tell everybody', 'column': 'done', 'rank': 2,
            'by': {'name': 'M' * 33}, 'at': 1000 * time.time()})
        card = column.locator('.card').filter(has_text='Tell everybody')
        card.wait_for()
        self.assertEqual(column.bounding_box()['width'], width)
        self.assertLess(card.bounding_box()['width'], width + 1)
        self.assertLessEqual(*card.locator('.about').evaluate(
            '(about) => [about.scrollWidth, about.clientWidth]'))

    def test_texts_have_the_direction_of_their_language(self):
        page = self.board()
        name = page.get_by_label('Your name')
        name.fill('\u05e2\u05e0\u05d4')
        name.press('Enter')
        text = '\u05e9\u05dc\u05d5\u05dd, hello!'
        self.add(page, 'To do', text)
        for field in 'Write a message', 'Add a column':
            page.get_by_label(field).fill(text)
            page.get_by_label(field).press('Enter')
        self.card(page, text).wait_for()
        self.card(page, text).click()
        field = page.get_by_label('Add a card to Done')
        field.fill(text)
        for selector in [
                '.editor textarea', '.message:last-child .text',
                '.message:last-child .by', '.column:last-child .open',
                '.me input']:
            expect(page.locator(selector).first).to_have_css(
                'direction', 'rtl')
        for which, direction in [
                (field, 'rtl'), (page.locator('.card .text').first, 'ltr')]:
            expect(which).to_have_css('direction', direction)

    def test_times(self):
        page = self.board()
        self.assertEqual(page.evaluate('''async () => {
          const {ago, showTime} = await import('./static/board/times.js');
          const now = Date.UTC(2026, 5, 15, 12);
          const shown = [undefined, 'x', {}, 0, 5, 1.7e9, 1e300, -1, null,
                         Date.UTC(2020, 0, 1)].map((at) => {
            const element = document.createElement('time');
            showTime(element, at);
            return element.hidden ? '' : element.textContent;
          });
          return [[59, 60, 7200, 6 * 86400, 8 * 86400, -50, -9 * 86400].map(
            (seconds) => ago(now - 1000 * seconds, now)), shown];
        }'''), [
            ['just now', '1 min ago', '2 h ago', '6 d ago', '7 Jun 2026',
             'just now', '24 Jun 2026'],
            ['', '', '', '', '', '', '', '', '', '1 Jan 2020']])

    def test_a_phone_shows_one_thing_at_a_time(self):
        one, two = self.board(**PHONE), self.board()
        self.assert_fits(one)
        main, messages = one.locator('.board'), one.locator('.messages')
        expect(main).to_be_visible()
        expect(messages).to_be_hidden()
        # It begins with the first column, and each can be reached.
        self.until(lambda: main.evaluate('(main) => main.scrollLeft'), 0)
        self.column(one, 'Done').scroll_into_view_if_needed()
        self.until(lambda: self.column(one, 'Done').evaluate(
            '(column) => column.getBoundingClientRect().left < 100'), True)
        one.get_by_label('Add a column').scroll_into_view_if_needed()
        for text in 'Hello', 'You':
            field = two.get_by_label('Write a message')
            field.fill(text)
            field.press('Enter')
            expect(field).to_have_value('')
        unread = one.locator('.unread')
        expect(unread).to_have_text('2')
        button = one.get_by_role('button', name='Messages')
        button.tap()
        expect(main).to_be_hidden()
        expect(messages).to_be_visible()
        expect(unread).to_be_hidden()
        expect(button).to_have_attribute('aria-pressed', 'true')
        self.assert_fits(one)

    def test_motion_can_be_reduced(self):
        page = self.board(reduced_motion='reduce')
        with self.arriving(page, 'Moved', ANIMATIONS) as animations:
            self.http.put('/items/cards/to-do-1', json={
                'text': 'Moved', 'column': 'done', 'rank': 1})
        # It is marked, and nothing flies.
        self.assertEqual(animations, [['flash', 'fade']])

    def test_a_thousand_cards(self):
        with self.changing() as things:
            for number in range(1000):
                things['cards'].add(Document(f'n{number:04}', {
                    'text': f'Card {number}', 'rank': 10 + number,
                    'column': ['to-do', 'doing', 'done'][number % 3]}))
        one, two = self.board(), self.board()
        expect(one.locator('.card')).to_have_count(1007)
        # For how long a change keeps the page busy, without what other
        # programs on this machine do meanwhile
        session = one.context.new_cdp_session(one)
        session.send('Performance.enable', {'timeDomain': 'threadTicks'})

        def busy():
            metrics = session.send('Performance.getMetrics')['metrics']
            return {each['name']: each['value'] for each in metrics}[
                'TaskDuration']

        def five_moves():
            started = busy()
            for _ in range(5):
                one.keyboard.press('Shift+ArrowUp')
                self.rests(one)
                one.evaluate(SETTLED)
            return busy() - started

        one.locator('.card > .open').nth(500).focus()
        # On a busy machine, processors themselves are slower.
        self.until(lambda: five_moves() / 5 < .5, True)
        self.agree(one, two)


class AccessibilityTests(BoardServed):

    def test_landmarks_and_names(self):
        page = self.board()
        for role, name in [
                ('main', None), ('banner', None), ('contentinfo', None),
                ('region', 'Columns'), ('region', 'Messages'),
                ('log', 'Messages'), ('link', 'Explorer'),
                ('region', 'To do'), ('list', 'Cards in To do'),
                ('heading', 'To do'), ('textbox', 'Add a card to Doing'),
                ('textbox', 'Write a message'), ('textbox', 'Your name')]:
            found = page.get_by_role(role, name=name, exact=True)
            with self.subTest(role, name=name):
                expect(found).to_have_count(1)
        self.assertEqual(
            page.locator('.story').get_attribute('aria-live'), 'polite')
        nameless = page.evaluate('''() => [...document.querySelectorAll(
          'button, input, textarea, select')].filter((element) => !(
            element.textContent.trim() || element.ariaLabel
            || element.labels?.length)).map((each) => each.outerHTML)''')
        self.assertEqual(nameless, [])

    def test_axe(self):
        for name, options, prepare in [
                ('desktop', {}, lambda page: None),
                ('dark', {'color_scheme': 'dark'}, self.busy),
                ('offline', PHONE, self.offline),
                ('phone', PHONE, lambda page: None),
                ('messages', PHONE, lambda page: page.get_by_role(
                    'button', name='Messages').tap()),
                ('help', {'color_scheme': 'dark'}, lambda page:
                    page.get_by_role('button', name='Help').click())]:
            with self.subTest(name):
                page = self.board(reduced_motion='reduce', **options)
                prepare(page)
                page.evaluate(SETTLED)
                self.assertEqual(violations(page), [])

    def offline(self, page):
        self.is_stored(page)
        page.context.route(API, lambda route: route.abort())
        page.reload()
        self.is_live(page, 'offline')
        self.add(page, 'To do', 'Later')
        self.card(page, 'Ask the band for a list of songs').focus()
        page.keyboard.press('Delete')
        expect(page.locator('.unsent')).to_have_text('2 not sent yet')

    def busy(self, page):
        self.card(page, 'Tell the neighbours').click()
        self.http.put('/items/cards/done-2', json={
            'text': 'Changed', 'column': 'done', 'rank': 2})
        page.locator('.editor .notice').wait_for()
        self.card(page, 'Borrow benches from the school').focus()
        page.keyboard.press('Delete')
        page.get_by_role('button', name='Undo').wait_for()
