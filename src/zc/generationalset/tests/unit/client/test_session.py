"""What a client asks, and what it makes of the answers."""

import re
import threading
import unittest
from collections import deque
from functools import partial

from zc.generationalset import wire
from zc.generationalset.client.errors import (
    BadAnswer,
    Lost,
    Refused,
    Unavailable,
)
from zc.generationalset.client.replies import Reply
from zc.generationalset.client.server import Server
from zc.generationalset.client.session import Session
from zc.generationalset.replica import Replica
from zc.generationalset.tests.support.scripts import (
    JSON,
    Script,
    answer,
    make_session,
    reply,
    updates,
)


class SyncTests(unittest.TestCase):

    def sync(self, session, *answers):
        self.script = Script(*answers)
        result = self.script.run(session.sync())
        self.assertEqual(self.script.answers, [])
        return result

    def refused(self, kind, pattern, session, *answers):
        before = session.position(), dict(session.replica.items)
        with self.assertRaisesRegex(kind, pattern):
            self.sync(session, *answers)
        self.assertEqual(
            (session.position(), session.replica.items), before)

    def test_first_contact(self):
        session = make_session(0)
        changes = self.sync(session, updates(0, 3, contents=[['a', 1]]))
        self.assertEqual(changes, [('added', ('a',), 1)])
        self.assertEqual(session.position(), ('e', 3))
        request, = self.script.requests
        self.assertEqual(request.url, 'http://host/sync/updates?cursor=')
        self.assertNotIn('If-None-Match', request.headers)

    def test_a_failure_after_a_part_has_come(self):
        """What was applied before the failure is among the changes."""
        session = make_session(0, (('a',),))
        self.sync(session, updates(0, 3, parts=[{'path': ['a']}]))
        session.add_part(('b',))
        changes = self.sync(
            session,
            updates(0, 3, parts=[{'path': ['b'], 'contents': [['x', 1]]}]),
            Unavailable('gone'),
            updates(3, 4, parts=[{'path': ['a'], 'adds': [['y', 2]]},
                                 {'path': ['b']}]))
        paths = [change.path for change in changes]
        self.assertEqual(paths, [('b',), ('b', 'x'), ('a', 'y')])

    def test_later(self):
        session = make_session(3, a=1)
        changes = self.sync(session, updates(3, 5, removals=['a']))
        self.assertEqual(changes, [('removed', ('a',), 1)])
        request, = self.script.requests
        self.assertEqual(
            request.url,
            'http://host/sync/updates?generation=3&epoch=e&cursor=')
        self.assertEqual(request.headers, {
            'Accept': 'application/json', 'If-None-Match': 'W/"e:3"'})
        self.assertEqual(self.sync(session, reply(304)), [])

    def test_epochs(self):
        session = make_session()
        for epoch, query in [
                (None, 'generation=3'), ('', 'generation=3&epoch='),
                ('a b&"ä', 'generation=3&epoch=a%20b%26%22%C3%A4')]:
            session.replica.epoch = epoch
            self.sync(session, updates(
                3, 3, epoch='e', since_epoch=epoch, reset='epoch',
                contents=[]))
            request, = self.script.requests
            self.assertEqual(
                request.url, f'http://host/sync/updates?{query}&cursor=')
            self.assertNotIn('If-None-Match', request.headers)

    def test_reset(self):
        session = make_session(30, a=1)
        changes = self.sync(session, updates(
            30, 2, epoch='f', since_epoch='e', reset='epoch',
            contents=[['b', 2]]))
        self.assertEqual(sorted(changes), [('added', ('b',), 2),
                                           ('removed', ('a',), 1)])
        self.assertEqual(session.position(), ('f', 2))

    def test_misfit_is_asked_again(self):
        session = make_session(5, a=1)
        stale = updates(3, 4, adds=[['a', 0]])
        reset = updates(3, 5, since_epoch='d', reset='epoch', contents=[])
        self.assertEqual(
            self.sync(session, stale, reset, stale, stale,
                      updates(5, 6, adds=[['b', 2]])),
            [('added', ('b',), 2)])
        for request in self.script.requests[1:]:
            self.assertEqual(request.headers['Cache-Control'], 'no-cache')
        self.refused(
            BadAnswer, 'expected an answer since 6, got 5 that do not '
            'fit, the last one since 3; look for a cache', session,
            *[stale] * 4, reset)

    def test_what_is_lacking_is_asked_for(self):
        """A replica without what it should keep starts over."""
        session = make_session(5, a=1)
        self.assertEqual(
            self.sync(session, updates(5, 7, contents=[], keep=['b']),
                      updates(0, 7, contents=[['b', 2]])),
            [('removed', ('a',), 1), ('added', ('b',), 2)])
        self.assertNotIn('generation', self.script.requests[-1].url)

    def test_a_new_client_can_keep_nothing(self):
        session = make_session(0)
        self.refused(
            BadAnswer, 'expected an answer since 0, got 5 that do not fit, ',
            session, *[updates(0, 7, contents=[], keep=['b'])] * 5)

    def test_what_a_cache_has_is_applied_and_asked_again(self):
        session = make_session(5, a=1)
        self.assertEqual(
            self.sync(session, updates(3, 6, adds=[['a', 2]]), reply(304)),
            [('changed', ('a',), 2)])
        self.assertEqual(
            self.sync(session, updates(5, 6, adds=[['a', 2]]),
                      updates(2, 7, adds=[['a', 2], ['b', 3]]),
                      updates(7, 8, removals=['a'])),
            [('added', ('b',), 3), ('removed', ('a',), 2)])
        for request in self.script.requests[1:]:
            self.assertEqual(request.headers['Cache-Control'], 'no-cache')

    def test_other_thread_was_faster(self):
        session = make_session(5)

        def answered():
            session.apply(wire.decode(answer(5, 7, adds=[['a', 1]])))
            return updates(5, 6, adds=[['a', 0]])
        self.assertEqual(self.sync(session, answered), [])
        self.assertEqual(session.position(), ('e', 7))

    def test_other_thread_was_faster_but_has_less(self):
        session = make_session(5)

        def answered():
            session.apply(wire.decode(answer(5, 6, adds=[['a', 1]])))
            return updates(5, 7, adds=[['a', 2]])
        self.assertEqual(
            self.sync(session, answered), [('changed', ('a',), 2)])
        self.assertEqual(session.position(), ('e', 7))

    def test_other_threads_start_over_all_the_time(self):
        session = make_session(5)

        def answered(number):
            since_epoch, epoch = session.replica.epoch, f'e{number}'
            session.apply(wire.decode(answer(
                5, 5, epoch=epoch, since_epoch=since_epoch, reset='epoch',
                contents=[])))
            return updates(5, 6, epoch=since_epoch)
        self.sync(session, *[partial(answered, number)
                             for number in range(20)],
                  updates(5, 7, epoch='e19'))
        self.assertEqual(session.position(), ('e19', 7))

    def test_other_thread_was_faster_and_started_over(self):
        session = make_session(5)

        def answered():
            session.apply(wire.decode(answer(
                5, 9, epoch='f', since_epoch='e', reset='epoch',
                contents=[])))
            return updates(5, 6)
        self.sync(session, answered, updates(9, 9, epoch='f'))

    def test_malformed(self):
        session = make_session(3, a=1)
        good = answer(3, 4, adds=[['b', 1]])
        for body in good[:-1], good + b'x', b'', b'null', b'<html>', \
                answer(3, 4, format=2), answer(3, 2), b'\xff':
            self.refused(BadAnswer, 'GET http://host/sync/updates: ',
                         session, Reply(200, JSON, body))
        self.refused(
            BadAnswer, "expected 200 application/json, got 200 'text/html'",
            session, reply(200, good, content_type='text/html; charset=x'))
        self.refused(BadAnswer, 'got 201', session, Reply(201, JSON, good))
        self.refused(BadAnswer, '204 No Content', session, reply(204))
        self.refused(BadAnswer, 'expected at most 5 bytes', session,
                     Reply(200, JSON, b'', 'expected at most 5 bytes'))

    def test_304_that_was_not_asked_for(self):
        self.refused(BadAnswer, 'got 304', make_session(0), reply(304))

    def test_limits(self):
        session = make_session()
        session.server.limits = wire.Limits(depth=3)
        self.refused(BadAnswer, 'levels', session,
                     updates(3, 4, adds=[['a', [[[]]]]]))

    def test_refused(self):
        for status in 400, 401, 403, 404, 410:
            self.refused(Refused, f'{status} ', make_session(), reply(status))

    def test_tries(self):
        session = make_session()
        fails = [Unavailable('x'), reply(503), reply(500)]
        self.assertEqual(self.sync(session, *fails, reply(304)), [])
        self.assertEqual([line for line in self.script.log if 'wait' in line],
                         ['wait 1', 'wait 2', 'wait 4'])
        self.refused(Unavailable, '^last$', session, *fails, Lost('last'))

    def test_retry_after(self):
        session = make_session()
        self.sync(session, reply(429, retry_after='30'), reply(304))
        self.assertIn('wait 30', self.script.log)
        with self.assertRaises(Unavailable) as caught:
            self.sync(session, reply(503, retry_after='100'))
        self.assertEqual(caught.exception.retry_after, 100)
        self.assertEqual(caught.exception.status, 503)

    def test_redirection(self):
        session = make_session()
        for status in 301, 302, 303, 307, 308:
            self.sync(session, reply(status, location='/v2/updates?x=1'),
                      reply(304))
            self.assertEqual(self.script.requests[1].url,
                             'http://host/v2/updates?x=1')

    def test_redirection_elsewhere(self):
        for location in ('http://other/', 'https://host/', '//other/x',
                         'http://host:81/', 'http://host@other/', 'http://[',
                         'ftp://host/', '', 'javascript:alert(1)'):
            self.refused(
                Refused, re.escape(f'server is elsewhere, at {location!r}'),
                make_session(), reply(302, location=location))
        self.refused(Refused, 'elsewhere', make_session(), reply(302))

    def test_circle_of_redirections(self):
        pair = reply(302, location='a'), reply(302, location='b')
        self.refused(Refused, '302', make_session(), *pair, *pair, pair[0])

    def test_get(self):
        session = make_session()
        for etag, expected in [
                ('"e:5"', ('e', 5)), ('W/"e:5"', ('e', 5)),
                ('"x"', (None, 0)), ('', (None, 0))]:
            script = Script(Lost('x'), Reply(
                200, {**JSON, 'etag': etag}, b'{"$decimal": "1.50"}'))
            item, position = script.run(session.server.get(('a/b', 42)))
            self.assertEqual((str(item), position), ('1.50', expected))
            self.assertEqual(script.log[-1], 'GET /items/a%2Fb/~42')
        script = Script(Reply(200, JSON, b'{"$int": 1}'))
        self.assertEqual(script.run(session.server.get('a'))[0], {'$int': 1})
        for bad in b'', b'{':
            with self.assertRaises(BadAnswer):
                Script(Reply(200, JSON, bad)).run(session.server.get('a'))
        with self.assertRaisesRegex(BadAnswer, 'expected 200 application'):
            Script(reply(200, b'1')).run(session.server.get('a'))
        with self.assertRaisesRegex(BadAnswer, 'got 304'):
            Script(Reply(304, JSON)).run(session.server.get('a'))


class FeedTests(unittest.TestCase):

    def test_feeds(self):
        session = make_session()
        updates = wire.decode(answer(3, 4, adds=[['a', 1]]))
        first, second = deque(), deque()
        with session.feeding(first):
            with session.feeding(second):
                pass
            changes = session.apply(updates)
            self.assertEqual(list(first), [changes])
        session.apply(wire.decode(answer(4, 5, adds=[['a', 2]])))
        self.assertEqual((len(first), len(second)), (1, 0))


class LockTests(unittest.TestCase):

    def test_lock_is_held_while_the_replica_is_used(self):
        free = []
        session = None  # nobody else has it while it is made

        def look():
            if session and session.lock.acquire(blocking=False):
                session.lock.release()
                free.append('lock')

        def look_elsewhere():
            thread = threading.Thread(target=look)
            thread.start()
            thread.join()

        class Looking(Replica):

            def __getattribute__(self, name):
                if name in ('apply', 'generation', 'epoch'):
                    look_elsewhere()
                return super().__getattribute__(name)
        session = Session(Server('http://host'), Looking())
        Script(updates(0, 3)).run(session.sync())
        Script(updates(3, 3)).run(session.sync())
        self.assertEqual(free, [])
        look_elsewhere()
        self.assertEqual(free, ['lock'])  # as it is not otherwise


class UrlTests(unittest.TestCase):

    def test_good(self):
        for url in ('http://host', 'https://host:8080/a/b', 'HTTP://host',
                    'http://[::1]:80', 'http://127.0.0.1/%20'):
            for end in '', '/', '//':
                self.assertEqual(Server(url + end).url, url)

    def test_bad(self):
        for url in ('', 'host', 'host:80', '//host', 'ftp://host', 'http://',
                    'file:///etc/passwd', 'http:///x', 'http://host:x',
                    'http://host:99999', 'http://[', 'http://host:0'):
            with self.assertRaisesRegex(ValueError, 'expected a URL such as'):
                Server(url)
        for url in ('http://host?x', 'http://host#x', 'http://host/ x',
                    'http://host/\n', 'http://host/\xe4', 'http://h\xe4'):
            with self.assertRaisesRegex(ValueError, 'expected a URL without'):
                Server(url)

    def test_password_is_not_told(self):
        for url in 'http://ann:sesam@host', 'http://sesam@host':
            with self.assertRaises(ValueError) as caught:
                Server(url)
            self.assertNotIn('sesam', str(caught.exception))
