"""The board when there is no server, and who is here."""

import re
import time

from playwright.sync_api import expect

from zc.generationalset.documents import Document
from zc.generationalset.tests.support.boards import API, BoardServed, shown
from zc.generationalset.tests.support.browsing import stop_clock
from zc.generationalset.tests.support.faulty import Proxy, refuse


class OfflineTests(BoardServed):

    def setUp(self):
        super().setUp()
        self.two = self.board()
        self.proxy = self.stack.enter_context(Proxy(self.url))
        self.url = self.proxy.url
        self.one = self.board()

    def cut(self, page):
        """Cut the connection of a page."""
        self.proxy.fault = lambda request: refuse
        self.proxy.cut()
        self.is_live(page, 'offline')

    def mend(self, page):
        self.proxy.fault = lambda request: None
        self.is_live(page)

    def test_status(self):
        def says(pattern):
            expect(self.one.locator('.state')).to_have_text(re.compile(
                rf'^\s*Generation\s+\d+\s+·\s+{pattern}\s*$'),
                use_inner_text=True)
        says('live')
        self.cut(self.one)
        says(r'(offline, trying again in \d+ s|connecting…)\s+Try now')
        story = self.one.locator('.story')
        expect(story).to_have_text(
            'You are offline: what you do is sent when you are back.')
        self.mend(self.one)
        says('live')
        expect(story).to_have_text('You are back.')

    def test_try_now(self):
        self.one.clock.install()
        self.one.reload()
        self.is_live(self.one)
        self.cut(self.one)
        button = self.one.locator('.retry')
        button.wait_for()
        stop_clock(self.one)  # so that it doesn't try by itself
        self.proxy.fault = lambda request: None
        button.dispatch_event('click')  # it is hidden if a try is under way
        self.is_live(self.one)
        button.wait_for(state='hidden')

    def test_it_starts_from_what_is_stored(self):
        # The page itself comes from the server: here is no service worker.
        # Its data is in the browser.
        before = shown(self.one)
        self.is_stored(self.one)
        context = self.one.context
        context.route(API, lambda route: route.abort())
        self.one.reload()
        self.is_live(self.one, 'offline')
        self.until(lambda: shown(self.one), before)
        again = context.new_page()
        again.goto(self.url)
        self.until(lambda: shown(again), before)
        context.unroute(API)
        self.is_live(again)
        self.add(self.two, 'To do', 'Meanwhile')
        self.agree(self.one, again, self.two)

    def test_the_server_is_gone_after_a_write(self):
        # It was made, so nobody complains: the stream brings it.
        def answer(route):
            route.fulfill(response=route.fetch(), json={})
        page = self.one
        page.route('**/batch*', answer)
        page.route('**/updates*', lambda route: route.abort())
        with page.expect_event('requestfailed', lambda request: (
                '/updates' in request.url)):
            self.add(page, 'Done', 'Sing')
        self.card(self.two, 'Sing').wait_for()
        self.agree(page, self.two)
        page.unroute('**/updates*')
        self.rests(page)
        self.assertEqual(page.locator('.notice-bar.shown').count(), 0)

    def test_it_waits_for_a_server(self):
        context = self.context()
        context.route(API, lambda route: route.abort())
        page = self.window('/', context)
        page.get_by_text('Waiting for the server').wait_for()
        context.unroute(API)
        self.is_live(page)
        self.agree(page)
        page.get_by_text('Waiting for the server').wait_for(state='hidden')


class ReadingTests(BoardServed):
    """A user who may only read."""

    options = {**BoardServed.options, 'write': False}

    def test_you_may_look(self):
        context = self.context()
        written = []
        context.on('request', lambda request: written.append(request.url)
                   if request.method in ('POST', 'PUT', 'DELETE') else None)
        page = self.board(context)
        state = page.locator('.state')
        expect(state).to_contain_text(
            'you may look, not change', use_inner_text=True)
        with self.changing() as things:
            things['cards'].add(Document('new', {
                'text': 'News', 'column': 'to-do', 'rank': 9}))
        self.card(page, 'News').wait_for()
        self.assertEqual(written, [])
        self.add(page, 'To do', 'Mine')
        expect(page.locator('.notice-bar .text')).to_have_text(
            'Not added: you may look, not change.')
        expect(page.locator('.refused .text')).to_have_text(['Mine'])
        self.agree(page)
        page.get_by_role('link', name='Explorer').click()
        page.get_by_text('Connected: you may look, not change').wait_for()


class PresenceTests(BoardServed):

    def names(self, page):
        return page.locator('.people ul .name').all_text_contents()

    def name(self, page):
        return page.get_by_label('Your name').input_value()

    def here(self):
        answer = self.http.get('/updates').json()
        sets = {entry['id']: entry for entry in answer['contents']}
        return {id: item['name']
                for id, item in sets['here'].get('contents', [])}

    def test_who_is_here(self):
        one = self.board()
        self.until(lambda: list(self.here().values()), [self.name(one)])
        two = self.board()
        self.until(lambda: self.names(one), [self.name(two)])
        self.until(lambda: self.names(two), [self.name(one)])
        colors = [page.locator('.me').get_attribute('data-color')
                  for page in (one, two)]
        self.assertNotEqual(*colors)
        two.close(run_before_unload=True)
        self.until(lambda: self.names(one), [])
        self.until(lambda: list(self.here().values()), [self.name(one)])

    def test_names(self):
        one, two = self.board(), self.board()
        made_up = self.name(one)
        field = one.get_by_label('Your name')
        field.fill('  Zoë <b>  ')
        field.press('Enter')
        self.until(lambda: self.names(two), ['Zoë <b>'])
        expect(field).to_have_value('Zoë <b>')
        one.reload()
        self.is_live(one)
        self.assertEqual(self.name(one), 'Zoë <b>')
        # The next window of this browser knows it, too; one without a name
        # of somebody's own has another.
        tab = self.board(one.context)
        self.assertEqual(self.name(tab), 'Zoë <b>')
        tab.close()
        other = self.board(two.context)
        self.assertNotEqual(self.name(other), self.name(two))
        field.fill(' ')
        field.press('Enter')
        expect(field).to_have_value(re.compile(rf'^{made_up.split()[0]} '))

    def test_a_name_that_is_chosen_while_another_is_on_its_way(self):
        one = self.board()
        held = []
        one.context.route('**/batch*', lambda route: (
            route.continue_() if held else held.append(route)))
        field = one.get_by_label('Your name')
        for name in 'Ann', 'Bob', 'Cy':
            field.fill(name)
            field.press('Enter')

        def until(get, expected):
            # The title is asked for, so that requests go on.
            self.until(lambda: one.title() and get(), expected)
        until(lambda: len(held), 1)
        held[0].continue_()
        until(lambda: list(self.here().values()), ['Cy'])

    def test_entries_from_before_this_window(self):
        now = 1000 * time.time()
        for name, at in [('Old', now - 3_600_000), ('New', now - 5000),
                         ('Beats', now - 3_600_000)]:
            self.http.put(
                f'/items/here/{name}', json={'name': name, 'at': at})
        self.http.put('/items/here/Odd', json={'name': 'Odd', 'at': 'x'})
        one = self.board()
        self.until(lambda: self.names(one), ['New'])
        # Its clock is wrong, but it's there.
        self.http.put('/items/here/Beats', json={
            'name': 'Beats', 'at': 5, 'beat': 2})
        self.until(lambda: self.names(one), ['Beats', 'New'])

    def test_a_window_that_crashed_is_not_two_people(self):
        one, two = self.board(), self.board()
        self.until(lambda: self.names(two), [self.name(one)])
        # It says no goodbye.
        one.route('**/items/here/**', lambda route: route.abort())
        before = set(self.here())
        one.reload()
        self.is_live(one)
        self.until(lambda: len(set(self.here()) - before), 1)
        self.until(lambda: len(self.here()), 2)
        self.until(lambda: self.names(one), [self.name(two)])
        self.until(lambda: self.names(two), [self.name(one)])

    def test_windows_that_are_lost(self):
        one = self.board()
        one.clock.install()
        one.reload()
        self.is_live(one)
        # They have gone without a word, one of them a while ago.
        # They are lost after a minute, and time also goes on by itself.
        for name, seconds in [('Late', 30), ('Lost', 0)]:
            self.http.put(f'/items/here/{name}', json={'name': name})
            self.until(lambda name=name: name in self.names(one), True)
            one.clock.fast_forward(1000 * seconds)
        self.until(lambda: self.names(one), ['Late', 'Lost'])
        one.clock.fast_forward(32_000)
        self.until(lambda: self.names(one), ['Lost'])
        one.clock.fast_forward(40_000)
        self.until(lambda: self.names(one), [])
        self.until(lambda: list(self.here().values()), [self.name(one)])

    def test_entries_are_kept_alive_and_put_back(self):
        one = self.board()
        one.clock.install()
        one.reload()
        self.is_live(one)
        self.until(lambda: list(self.here().values()), [self.name(one)])
        generation = self.get().json()['generation']
        one.clock.fast_forward(26_000)
        self.until(lambda: self.get().json()['generation'] > generation, True)
        for id in self.here():
            self.http.delete(f'/items/here/{id}')
        self.until(lambda: list(self.here().values()), [self.name(one)])

    def test_a_crowd(self):
        one = self.board()
        self.http.post('/batch', json={'changes': [
            {'op': 'put', 'path': ['here', f'n{number}'],
             'item': {'name': f'Name {number}', 'color': 'x'}}
            for number in range(9)]})
        expect(one.locator('.more')).to_have_text('+5')
        self.until(lambda: len(self.names(one)), 4)
