"""What people do on the board without a server is sent later, once."""

import contextlib

from playwright.sync_api import Error, expect

from zc.generationalset.tests.support.boards import BoardServed, shown
from zc.generationalset.tests.support.faulty import Proxy, refuse

SONGS = 'Ask the band for a list of songs'
BENCHES = 'Borrow benches from the school'
NEIGHBOURS = 'Tell the neighbours'
#: How many writes the browser stores.
KEPT = '''
async () => {
  const [{ name }] = await indexedDB.databases();
  const db = await new Promise((resolve) => {
    indexedDB.open(name).onsuccess = ({ target }) => resolve(target.result);
  });
  const all = await new Promise((resolve) => {
    db.transaction('writes').objectStore('writes').getAllKeys()
      .onsuccess = ({ target }) => resolve(target.result);
  });
  db.close();
  return all.length - 1; // without the user
}
'''
UNSENT = '.unsent:not([hidden])'


class Keeping(BoardServed):
    """A window without a server, and one with."""

    def setUp(self):
        super().setUp()
        self.two = self.board()
        self.proxy = self.stack.enter_context(Proxy(self.url))
        self.direct, self.url = self.url, self.proxy.url
        self.browser = self.context()
        self.one = self.board(self.browser)
        self.notice = self.one.locator('.notice-bar .text')

    def cut(self):
        self.proxy.fault = lambda request: refuse
        self.proxy.cut()
        self.is_live(self.one, 'offline')

    def mend(self):
        self.proxy.fault = lambda request: None

    def kept(self, page, count):
        """Wait until the browser stores this many writes."""
        self.until(lambda: page.evaluate(KEPT), count)

    def reopen(self):
        """Return a window that starts without a server.

        The page itself comes: here is no service worker.
        """
        page = self.browser.new_page()
        self.mend_pages()
        page.goto(self.url)
        return page

    def mend_pages(self):
        self.proxy.fault = lambda request: (
            None if request.path == '/' or request.path.startswith('/static')
            else refuse)

    def say(self, page, text):
        field = page.get_by_label('Write a message')
        field.fill(text)
        field.press('Enter')
        expect(field).to_have_value('')

    def edit(self, page, old, new):
        self.card(page, old).click()
        field = page.get_by_label('Text of the card')
        field.fill(new)
        field.press('Enter')

    def press(self, page, text, key):
        self.card(page, text).focus()
        page.keyboard.press(key)

    def there(self, text):
        return str(self.get().json()).count(text)


class OfflineTests(Keeping):

    def test_it_is_shown_marked_and_sent(self):
        self.cut()
        page = self.one
        self.say(page, 'Is anybody there?')
        self.add(page, 'Done', 'Sing')
        self.edit(page, NEIGHBOURS, 'Never')
        self.press(page, BENCHES, 'Shift+ArrowLeft')
        expect(page.locator('.story')).to_have_text(
            f'“{BENCHES}” is now in To do, 2 of 4.')
        self.press(page, SONGS, 'Delete')
        self.show(page, 'Done', 'Choose a day: the last Saturday in June',
                  'Never', 'Sing')
        self.assertEqual(shown(page)['messages'][-1], 'Is anybody there?')
        expect(page.locator(UNSENT)).to_have_text('5 not sent yet')
        mark = page.locator('.card.pending .about').first
        self.assertEqual(mark.evaluate(
            "(about) => getComputedStyle(about, '::after').content"),
            '"not sent yet"')
        self.assertEqual(self.there('Sing'), 0)
        self.add(self.two, 'To do', 'Meanwhile')
        self.mend()
        self.card(page, 'Meanwhile').wait_for()
        self.rests(page)
        expect(page.locator(UNSENT)).to_have_count(0)
        self.agree(page, self.two)
        self.assertEqual(self.there('Sing'), 1)
        self.assertNotIn(SONGS, str(shown(self.two)))

    def test_no_network(self):
        self.browser.set_offline(True)
        self.say(self.one, 'Hello')
        self.browser.set_offline(False)
        self.until(lambda: shown(self.two)['messages'][-1:], ['Hello'])
        self.rests(self.one)
        self.agree(self.one, self.two)

    def test_a_reload_a_closed_and_a_crashed_window(self):
        self.is_stored(self.one)
        self.cut()
        self.mend_pages()
        self.say(self.one, 'Reloaded')
        self.kept(self.one, 1)
        self.one.reload()
        other = self.reopen()
        for page in self.one, other:
            self.until(lambda page=page: shown(page)['messages'][-1:],
                       ['Reloaded'])
        self.say(self.one, 'Closed')
        self.kept(other, 2)
        self.one.close(run_before_unload=True)
        self.say(other, 'Crashed')
        third = self.reopen()
        self.until(lambda: shown(third)['messages'][-3:],
                   ['Reloaded', 'Closed', 'Crashed'])
        with other.expect_event('crash'), contextlib.suppress(Error):
            other.goto('chrome://crash')
        self.mend()
        self.until(lambda: shown(self.two)['messages'][-3:],
                   ['Reloaded', 'Closed', 'Crashed'])
        self.rests(third)
        self.agree(third, self.two)
        self.kept(third, 0)
        self.assertEqual([self.there(text) for text in (
            'Reloaded', 'Closed', 'Crashed')], [1, 1, 1])

    def test_a_text_that_somebody_has_changed(self):
        self.cut()
        self.edit(self.one, SONGS, 'Mine')
        self.edit(self.two, SONGS, 'Theirs')
        self.until(lambda: self.there('Theirs'), 1)
        self.mend()
        expect(self.notice).to_have_text(
            'Not saved: somebody has changed it meanwhile.')
        field = self.one.get_by_label('Text of the card')
        expect(field).to_have_value('Mine')
        expect(self.one.locator('.editor .notice')).to_contain_text(
            'changed it to “Theirs”. Save replaces that.')
        self.assertEqual(self.there('Theirs'), 1)
        field.press('Enter')
        self.until(lambda: 'Mine' in self.cards(self.two, 'To do'), True)
        self.agree(self.one, self.two)

    def test_what_is_refused_when_its_window_is_gone(self):
        self.is_stored(self.one)
        self.cut()
        self.mend_pages()
        self.edit(self.one, SONGS, 'Mine')
        self.press(self.one, BENCHES, 'Delete')
        self.kept(self.one, 2)
        for old, new in (SONGS, 'Theirs'), (BENCHES, 'Tables'):
            self.edit(self.two, old, new)
            self.until(lambda new=new: self.there(new), 1)
        self.one.reload()
        self.card(self.one, 'Mine').wait_for()
        self.mend()
        self.card(self.one, 'Tables').wait_for()
        # Nothing that was typed is lost.
        field = self.one.get_by_label('Text of the card')
        expect(field).to_have_value('Mine')
        expect(self.notice).to_have_text(
            'Not saved: somebody has changed it meanwhile.')
        field.press('Escape')
        self.agree(self.one, self.two)


class UndoTests(Keeping):

    def undo(self):
        self.one.keyboard.press('Control+z')

    def test_texts_moves_and_what_is_new(self):
        page = self.one
        before = shown(page)
        for text in 'saved', 'waiting':
            with self.subTest(text):
                if text == 'waiting':
                    self.cut()
                self.edit(page, SONGS, text)
                self.press(page, text, 'Shift+ArrowRight')
                self.add(page, 'Done', f'New, {text}')
                self.card(page, f'New, {text}').focus()
                if text == 'saved':
                    self.rests(page)
                self.undo()
                self.card(page, f'New, {text}').wait_for(state='detached')
                first, second = before['columns'][1][1]
                self.show(page, 'Doing', first, text, second)
                self.card(page, text).focus()
                self.undo()
                self.undo()
                self.until(lambda: shown(page), before)
        self.mend()
        self.rests(page)
        self.agree(page, self.two)
        self.assertEqual(shown(self.two), before)

    def test_what_was_dragged(self):
        before = shown(self.one)
        self.card(self.one, SONGS).drag_to(
            self.column(self.one, 'Done').locator('.handle'))
        expect(self.notice).to_have_text(f'Moved “{SONGS}”.')
        self.until(lambda: self.cards(self.one, 'Done')[:1], [SONGS])
        self.one.get_by_role('button', name='Undo').click()
        expect(self.notice).to_have_text('Taken back.')
        self.until(lambda: shown(self.one), before)
        self.rests(self.one)
        self.agree(self.one, self.two)

    def test_it_looks_first(self):
        self.press(self.one, SONGS, 'Shift+ArrowRight')
        self.show(self.two, 'Doing', *self.cards(self.one, 'Doing'))
        self.rests(self.one)
        self.edit(self.two, SONGS, 'Theirs')
        self.card(self.one, 'Theirs').wait_for()
        before = shown(self.one)
        self.undo()
        expect(self.notice).to_have_text(
            'Not taken back: somebody has changed it meanwhile.')
        self.until(lambda: shown(self.one), before)
        self.agree(self.one, self.two)
