"""The board: what people do before they hear of each other.

One window hears of nothing but its own writes: what the server pushes to it is
held back.
"""

from zc.generationalset.tests.support.boards import BoardServed

#: Has a window hear nothing but signs of life, and not write who is here,
#: because the responses to that would say what is new.
DEAF = '''
const send = fetch;
const silence = (signal) => new Response(new ReadableStream({
  start: (controller) => {
    const timer = setInterval(
      () => controller.enqueue(new TextEncoder().encode(':\\n\\n')), 1000);
    signal.addEventListener('abort', () => {
      clearInterval(timer);
      controller.error(signal.reason);
    });
  },
}));
globalThis.fetch = async (url, options) => {
  if (/[/]events([?]|$)/.test(url)) return silence(options.signal);
  if (/"here"/.test(options?.body)) throw new TypeError('nobody hears');
  return send(url, options);
};
'''
SONGS = 'Ask the band for a list of songs'
BENCHES = 'Borrow benches from the school'


class RaceTests(BoardServed):

    def setUp(self):
        super().setUp()
        context = self.context()
        context.add_init_script(DEAF)
        self.deaf, self.other = self.board(context), self.board()
        self.id, = [id for id, card in self.cards_there().items()
                    if card['text'] == SONGS]

    def cards_there(self):
        entry, = [entry for entry in self.get().json()['contents']
                  if entry['id'] == 'cards']
        return dict(entry['contents'])

    def press(self, page, text, *keys):
        self.card(page, text).focus()
        for key in keys:
            page.keyboard.press(key)

    def write(self, page, old, new):
        self.card(page, old).click()
        page.get_by_label('Text of the card').fill(new)
        page.get_by_role('button', name='Save').click()

    def notice(self, text):
        self.until(lambda: self.deaf.locator(
            '.notice-bar .text').text_content(), text)

    def lasts(self, text):
        """Expect that the other window's change comes to the server."""
        self.until(lambda: text in [
            card['text'] for card in self.cards_there().values()], True)
        self.card(self.deaf, SONGS).wait_for()

    def test_moving_what_somebody_has_just_removed(self):
        before = self.cards_there()
        self.press(self.other, SONGS, 'Delete')
        self.until(lambda: self.id in self.cards_there(), False)
        self.press(self.deaf, SONGS, 'Shift+ArrowRight')
        self.notice('Not moved: somebody has removed it.')
        self.agree(self.deaf, self.other)
        del before[self.id]
        self.assertEqual(self.cards_there(), before)

    def test_a_move_and_then_a_text(self):
        self.press(self.other, SONGS, 'Shift+ArrowRight')
        self.until(lambda: self.cards_there()[self.id]['column'], 'doing')
        self.card(self.deaf, SONGS).wait_for()
        self.write(self.deaf, SONGS, 'Songs')
        self.until(lambda: 'Songs' in self.cards(self.deaf, 'Doing'), True)
        self.agree(self.deaf, self.other)

    def test_a_text_and_then_a_move(self):
        self.write(self.other, SONGS, 'Songs')
        self.lasts('Songs')
        self.press(self.deaf, SONGS, 'Shift+ArrowRight')
        self.until(lambda: 'Songs' in self.cards(self.deaf, 'Doing'), True)
        self.agree(self.deaf, self.other)

    def test_making_room_and_a_text(self):
        """A move that gives other cards new ranks keeps their texts."""
        for id in self.cards_there():
            self.http.patch(
                f'/items/cards/{id}', json={'rank': 5, 'column': 'doing'},
                headers={'Content-Type': 'application/merge-patch+json'})
        self.deaf.reload()
        self.is_live(self.deaf)
        self.card(self.deaf, BENCHES).wait_for()
        self.until(lambda: len(self.cards(self.deaf, 'Doing')), 7)
        first = self.cards(self.deaf, 'Doing')[0]
        last = self.cards(self.deaf, 'Doing')[-1]
        self.until(lambda: len(self.cards(self.other, 'Doing')), 7)
        self.write(self.other, last, 'Last')
        self.lasts('Last')
        self.press(self.deaf, first, 'Shift+ArrowDown')
        self.until(lambda: 'Last' in self.cards(self.deaf, 'Doing'), True)
        self.until(lambda: self.cards(self.deaf, 'Doing')[1:2], [first])
        self.agree(self.deaf, self.other)

    def test_undo_looks_first(self):
        self.press(self.deaf, SONGS, 'Delete')
        self.until(lambda: self.id in self.cards_there(), False)
        theirs = {'text': 'Theirs', 'column': 'done', 'rank': 9}
        self.http.put(f'/items/cards/{self.id}', json=theirs)
        self.deaf.keyboard.press('Control+z')
        self.notice('Not taken back: somebody has changed it meanwhile.')
        self.agree(self.deaf, self.other)
        self.assertEqual(self.cards_there()[self.id], theirs)

    def test_a_text_of_what_somebody_has_removed_and_put_back(self):
        self.card(self.deaf, SONGS).click()
        self.http.delete(f'/items/cards/{self.id}')
        self.deaf.get_by_label('Text of the card').fill('Mine')
        theirs = {'text': 'Theirs', 'column': 'done', 'rank': 9}
        self.http.put(f'/items/cards/{self.id}', json=theirs)
        save = self.deaf.get_by_role('button', name='Save')
        save.click()
        self.notice('Not saved: somebody has changed it meanwhile.')
        self.deaf.get_by_text('Somebody changed it to “Theirs”').wait_for()
        save.click()
        self.until(lambda: 'Mine' in self.cards(self.deaf, 'Done'), True)
        self.agree(self.deaf, self.other)
