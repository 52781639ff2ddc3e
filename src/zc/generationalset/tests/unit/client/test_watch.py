"""How a client follows changes, and what it does when that fails."""

import unittest

from zc.generationalset import wire
from zc.generationalset.client.errors import (
    BadAnswer,
    Lost,
    Refused,
    Silence,
    Unavailable,
)
from zc.generationalset.client.replies import Reply
from zc.generationalset.client.watch import AGAIN, Watch
from zc.generationalset.tests.support.scripts import (
    JSON,
    STREAM,
    End,
    Script,
    answer,
    event,
    make_session,
    reply,
    updates,
)

UPDATES = 'GET /updates?generation={}&epoch=e&cursor='
EVENTS = 'GET /events?generation={}&epoch=e'
HELD = UPDATES + '&wait={}'
SAME = reply(304)
LOST = Lost('lost')


def nothing(generation):
    return updates(generation, generation)


class WatchTests(unittest.TestCase):

    def setUp(self):
        self.session = make_session(3)
        logs = self.enterContext(
            self.assertLogs('zc.generationalset.client', 'INFO'))
        self.logs = logs.output
        # Something must be logged.
        Script().run(Watch(self.session)._pause(LOST))

    def enterContext(self, manager):  # of Python 3.11
        result = manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)
        return result

    def watch(self, *answers, error=End):
        """Watch until there are no more answers; return what happened."""
        self.script = Script(*answers)
        with self.assertRaises(error) as caught:
            self.script.run(Watch(self.session, self.script.clock).steps())
        self.assertEqual(self.script.answers, [])
        self.assertEqual(self.session._feeds, [])
        self.error = caught.exception
        return self.script.log

    def test_what_others_apply_before_the_stream_is_open(self):
        def opened():
            self.session.apply(wire.decode(answer(3, 4, adds=[['a', 1]])))
            return STREAM
        self.assertEqual(self.watch(SAME, opened, b':\n\n'), [
            UPDATES.format(3), EVENTS.format(3), ['added a']])

    def test_stream(self):
        log = self.watch(
            updates(3, 4, adds=[['a', 1]]), STREAM,
            b': hello\n\n', event(4, 5, adds=[['a', 2]]),
            event(5, 6, removals=['a']) + event(6, 7, adds=[['b', 1]])[:-1],
            b'\n')
        self.assertEqual(log, [
            UPDATES.format(3), ['added a'], EVENTS.format(4),
            ['changed a'], ['removed a'], ['added b']])
        request = self.script.requests[1]
        self.assertTrue(request.stream)
        self.assertEqual(request.silence, 45)
        self.assertEqual(request.headers['Accept'], 'text/event-stream')

    def test_events_that_bring_nothing(self):
        self.assertEqual(
            self.watch(SAME, STREAM, event(3, 4), event(4, 4), event(type='x'),
                       event(2, 3, adds=[['a', 1]]), event(2, 4)),
            [UPDATES.format(3), EVENTS.format(3)])

    def test_reset_in_a_stream(self):
        self.watch(SAME, STREAM, event(3, 2, epoch='f', since_epoch='e',
                                       reset='epoch', contents=[]))
        self.assertEqual(self.session.position(), ('f', 2))

    def test_what_others_apply_is_delivered(self):
        def answered():
            self.session.apply(wire.decode(answer(3, 4, adds=[['a', 1]])))
            self.session.apply(wire.decode(answer(4, 5, adds=[['b', 1]])))
            return event(3, 4, adds=[['a', 1]])
        self.assertEqual(
            self.watch(SAME, STREAM, answered, event(4, 5, adds=[['b', 1]])),
            [UPDATES.format(3), EVENTS.format(3), ['added a', 'added b']])

    def test_event_that_has_what_others_applied_and_more(self):
        def answered():
            self.session.apply(wire.decode(answer(3, 4, adds=[['a', 1]])))
            return event(3, 5, adds=[['a', 1], ['b', 1]])
        self.assertEqual(
            self.watch(SAME, STREAM, answered,
                       event(5, 6, adds=[['c', 1]]), event(6, 7)),
            [UPDATES.format(3), EVENTS.format(3), ['added a', 'added b'],
             ['added c']])

    def test_event_before_which_one_is_missing(self):
        self.assertEqual(
            self.watch(SAME, STREAM, event(5, 6, adds=[['c', 1]]),
                       updates(3, 6, adds=[['b', 1], ['c', 1]]),
                       event(6, 7, adds=[['d', 1]])),
            [UPDATES.format(3), EVENTS.format(3), UPDATES.format(3),
             ['added b', 'added c'], ['added d']])

    def test_events_that_never_fit(self):
        log = self.watch(
            SAME, STREAM, event(3, 4, epoch='f'), SAME, SAME,
            STREAM, event(8, 9), SAME, SAME)
        self.assertEqual(log, [
            UPDATES.format(3), EVENTS.format(3), UPDATES.format(3), 'wait 1',
            UPDATES.format(3), EVENTS.format(3), UPDATES.format(3), 'wait 1',
            UPDATES.format(3), EVENTS.format(3)])
        self.assertIn('expected an event since 3, got one since 8',
                      self.logs[-1])

    def test_ask(self):
        log = self.watch(
            SAME, STREAM, event(type='ask'), updates(3, 9, adds=[['a', 1]]),
            STREAM, event(9, 10, adds=[['b', 1]]))
        self.assertEqual(log, [
            UPDATES.format(3), EVENTS.format(3), UPDATES.format(3),
            ['added a'], 'wait 1', EVENTS.format(9), ['added b']])

    # What breaks

    def test_first_contact_fails(self):
        log = self.watch(Unavailable('x'), LOST, reply(500),
                         reply(503, retry_after='20'),
                         Reply(200, JSON, b'{'), updates(3, 4), STREAM)
        self.assertEqual(
            [line for line in log if line.startswith('wait')],
            ['wait 1', 'wait 2', 'wait 4', 'wait 20', 'wait 16'])
        self.assertIn('x; asking again in 1.0 seconds', self.logs[1])

    def test_refused(self):
        for status in 400, 401, 403, 404:
            self.assertEqual(self.watch(reply(status), error=Refused),
                             [UPDATES.format(3)])
            self.assertEqual(self.error.status, status)
        for status in 400, 401, 403:
            self.assertEqual(self.watch(SAME, reply(status), error=Refused),
                             [UPDATES.format(3), EVENTS.format(3)])

    def test_bad_answers(self):
        bad = [Reply(200, JSON, b'<html>')] * 9
        self.watch(*bad, SAME, STREAM)
        self.watch(*bad, LOST, bad[0], error=BadAnswer)
        self.assertLess(120, self.script.now)
        self.watch(*bad, SAME, reply(404), *bad[1:])

    def test_cut_stream(self):
        """It is opened again, after random times."""
        log = self.watch(
            SAME, STREAM, event(3, 4, adds=[['a', 1]]), b'data: {', b'',
            reply(503), SAME, STREAM, event(4, 5, adds=[['b', 1]]), LOST)
        self.assertEqual(log, [
            UPDATES.format(3), EVENTS.format(3), ['added a'], 'wait 1',
            EVENTS.format(4), 'wait 2', UPDATES.format(4), EVENTS.format(4),
            ['added b'], 'wait 1', EVENTS.format(5)])

    def test_stream_that_lasts_is_a_success(self):
        self.watch(SAME, *[STREAM, (70, b':\n\n'), b''] * 5)
        self.assertEqual(
            [line for line in self.script.log if 'wait' in line],
            ['wait 1'] * 5)

    def test_server_that_is_away_says_nothing_about_streams(self):
        log = self.watch(SAME, *[Unavailable('x')] * 9, SAME)
        self.assertEqual(log[-1], EVENTS.format(3))
        self.assertEqual(log[-3:-1], ['wait 60', UPDATES.format(3)])

    # Polling

    def polls(self, log):
        self.assertIn('; polling for 600 seconds', self.logs[-1])
        self.assertEqual(log[-1], HELD.format(3, 30))

    def test_no_stream(self):
        for status in 404, 405, 406, 501:
            self.polls(self.watch(SAME, reply(status)))
            self.assertEqual(len(self.script.log), 3)

    def test_wrong_content_type(self):
        self.polls(self.watch(SAME, reply(200, b'', content_type='text/html')))
        self.assertIn("expected text/event-stream, got 200 'text/html'",
                      self.logs[-1])

    def test_silent_stream(self):
        self.polls(self.watch(SAME, Silence('x'), SAME))
        self.polls(self.watch(SAME, STREAM, Silence('x'), SAME))

    def test_stream_that_becomes_silent(self):
        log = self.watch(SAME, STREAM, b':\n\n', Silence('x'), SAME)
        self.assertEqual(log[-1], EVENTS.format(3))

    def test_fruitless_streams(self):
        for fruitless in [[STREAM, b''], [STREAM, LOST], [reply(502)],
                          [STREAM, b':\n\n', b''],
                          [STREAM, event(9, 8)],  # malformed
                          [STREAM, event(type='ask'), SAME],
                          [STREAM, b'x' * 2 ** 20]]:
            self.session.server.limits = wire.Limits(size=2 ** 18)
            self.polls(self.watch(SAME, *[*fruitless, SAME] * 3))
            self.assertEqual(
                [line for line in self.script.log if 'wait ' in line],
                ['wait 1'] * 3)

    def test_streams_that_are_fruitless_now_and_then(self):
        fails = [STREAM, b'', SAME] * 2
        log = self.watch(SAME, *fails, STREAM, event(3, 4), b'', *fails)
        self.assertEqual(log[-1], EVENTS.format(4))

    def test_long_poll(self):
        log = self.watch(
            SAME, reply(404),
            (10, updates(3, 4, adds=[['a', 1]])),
            updates(4, 5, adds=[['b', 1]]),
            (30, nothing(5)),
            (.15, updates(5, 6, adds=[['c', 1]])))
        self.assertEqual(log[2:], [
            HELD.format(3, 30), ['added a'], HELD.format(4, 30), ['added b'],
            'wait 0.2', HELD.format(5, 30), HELD.format(5, 30), ['added c'],
            'wait 0.05', HELD.format(6, 30)])
        request = self.script.requests[-1]
        self.assertEqual(request.silence, 60)
        self.assertNotIn('If-None-Match', request.headers)

    def test_poll(self):
        """The server doesn't hold requests, or only briefly."""
        log = self.watch(SAME, reply(404), *[(1, nothing(3))] * 3)
        self.assertEqual(log[2:], [HELD.format(3, 30), 'wait 4'] * 3
                         + [HELD.format(3, 30)])

    def test_long_poll_that_others_fulfil(self):
        def answered():
            self.session.apply(wire.decode(answer(3, 4, adds=[['a', 1]])))
            return updates(3, 4, adds=[['a', 1]])
        log = self.watch(SAME, reply(404), answered)
        self.assertEqual(log[2:], [HELD.format(3, 30), ['added a'],
                                   'wait 0.2', HELD.format(4, 30)])

    def test_long_poll_that_is_cut(self):
        log = self.watch(SAME, reply(404), LOST, (20, reply(504)), (10, LOST),
                         *[(5, LOST)] * 3, nothing(3))
        self.assertEqual(
            [line.rpartition('=')[2] for line in log if 'GET' in line],
            ['', 'e', '30', '30', '15', '7', '3', '1', '', ''])
        self.assertIn('If-None-Match', self.script.requests[-1].headers)
        # Next time, it may be another way.
        log = self.watch(SAME, reply(404), (20, LOST), (600, nothing(3)),
                         reply(404))
        self.assertEqual(log[-3:], [
            HELD.format(3, 15), EVENTS.format(3), HELD.format(3, 30)])

    def test_streams_are_tried_again(self):
        held = (30, nothing(3))
        log = self.watch(
            SAME, reply(404), *[held] * 20, reply(404), *[held] * 40,
            STREAM, event(3, 4), b'', reply(404), *[(30, nothing(4))] * 20,
            reply(404))
        self.assertEqual(
            [index for index, line in enumerate(log) if '/events' in line],
            [1, 22, 63, 65, 86])
        self.assertEqual(AGAIN, 600)
