"""Tabs that the browser freezes don't keep the other tabs from the server."""

import contextlib
import unittest

from zc.generationalset.tests.support.tabs import PATIENT, TwoTabs, wait

#: Has a page do nothing until it has an answer.
FREEZE = '''() => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    const request = new XMLHttpRequest();
    request.open('GET', '/held', false);
    request.send();
  };
  port2.postMessage(null);
}'''
#: Counts what a tab sends to the others.
COUNT_MESSAGES = '''() => {
  const { postMessage } = BroadcastChannel.prototype;
  window.sent = 0;
  BroadcastChannel.prototype.postMessage = function (...values) {
    window.sent += 1;
    postMessage.apply(this, values);
  };
}'''


class FrozenTests(TwoTabs, unittest.TestCase):
    """Tabs whose half heartbeats pass when a test says so."""

    def context(self):
        context = super().context()
        context.add_init_script(
            'window.setInterval = (call) => { window.tick = call; };')
        return context

    @contextlib.contextmanager
    def frozen(self, page):
        """Have a page do nothing until the end."""
        self.put('heard', 1)  # no other message is on its way
        self.wait_current(self.first, self.second)
        held = []
        page.route('**/held', lambda route: held.append(route))
        with page.expect_request('**/held'):
            page.evaluate(FREEZE)
        try:
            yield
        finally:
            held[0].fulfill()

    def test_a_frozen_leader(self):
        with self.frozen(self.first):
            for _ in range(4):
                self.second.evaluate('tick()')
            self.put('bob', 'Bob')
            # It doesn't hear of it from the other one.
            self.wait_current(self.second)
            wait(lambda: len(self.server.asked('GET /events')) == 2)
            self.wait_stored(self.second)
        self.wait_current(self.first)
        wait(lambda: self.server.streams == 1)
        self.put('cy', 'Cy')
        self.wait_current(self.first, self.second)
        self.assertEqual(len(self.server.asked('GET /events')), 2)
        self.wait_stored(self.second)
        # It is the next one.
        self.second.close()
        self.put('dan', 'Dan')
        self.wait_current(self.first)

    def test_a_frozen_follower(self):
        with self.frozen(self.second):
            for number in range(5):
                self.put('n', number)
                self.wait_current(self.first)
                self.first.evaluate('tick()')
        self.second.evaluate('tick()')
        self.wait_current(self.second)
        self.assertEqual(len(self.server.asked('GET /events')), 1)

    def test_tabs_that_are_seen_do_not_hurry_it(self):
        self.first.evaluate('() => { Math.random = () => 1; }')
        self.first.evaluate(PATIENT)
        self.first.route('**/updates*', lambda route: route.abort())
        self.stop()
        self.start()
        self.wait(self.first, """events.filter(
          ([type]) => type === 'offline').length === 3""")
        # The next try is an hour away, ticks of the other tab are not.
        self.first.evaluate(COUNT_MESSAGES)
        for number in range(1, 5):
            self.second.evaluate('tick()')
            self.wait(self.first, 'number => sent >= number', number)
        self.assertEqual(self.types(self.first).count('offline'), 3)

    def test_many_that_are_seen_do_not_take_it_from_one_that_lives(self):
        pages = [self.first, self.second,
                 *(self.tab(self.browser) for _ in range(3))]
        for number in range(8):
            self.put('n', number)
            self.wait_current(*pages)
            for page in pages:
                page.evaluate('tick()')
        self.assertEqual(len(self.server.asked('GET /events')), 1)
