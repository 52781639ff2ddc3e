"""The writes of a client, and their responses."""

import datetime
import re
import unittest
from typing import Any

from zc.generationalset import wire
from zc.generationalset.answers import Position
from zc.generationalset.client.errors import (
    BadAnswer,
    Changed,
    Lost,
    MaybeWritten,
    Refused,
    Unavailable,
)
from zc.generationalset.client.replies import Reply
from zc.generationalset.client.writes import Writes
from zc.generationalset.tests.support.scripts import (
    JSON,
    Script,
    answer,
    make_session,
    reply,
    updates,
    written,
)

LOST = Lost('lost')
PROBLEM = {'content-type': 'application/problem+json'}


class WritesTests(unittest.TestCase):

    def setUp(self):
        self.session = make_session(3, a=1)
        self.writes = Writes(self.session)

    def run_steps(self, steps, *answers):
        self.script = Script(*answers)
        result = self.script.run(steps)
        self.assertEqual(self.script.answers, [])
        return result

    def put(self, *answers):
        return self.run_steps(self.writes.put('b', {'x': 1.5}), *answers)

    def test_put(self):
        self.put(written(3, 5, adds=[['b', {'x': 1.5}]], removals=['a']))
        request, = self.script.requests
        self.assertEqual(
            self.script.log, ['PUT /items/b?generation=3&epoch=e'])
        self.assertEqual(request.content, b'{"x":1.5}')
        self.assertEqual(request.headers['Content-Type'], 'application/json')
        self.assertEqual(self.session.replica.items, {'b': {'x': 1.5}})

    def test_what_is_lacking_is_asked_for(self):
        """A replica without what it should keep starts over."""
        self.put(written(3, 5, contents=[['b', {'x': 1.5}]], keep=['c']),
                 updates(0, 5, contents=[['b', {'x': 1.5}], ['c', 2]]))
        self.assertEqual(
            self.script.log, ['PUT /items/b?generation=3&epoch=e',
                              'GET /updates?cursor='])
        self.assertEqual(
            self.session.replica.items, {'b': {'x': 1.5}, 'c': 2})

    def test_paths(self):
        for path, text in [
                ('a', 'a'), (('a',), 'a'), (['a', 'b'], 'a/b'), (42, '~42'),
                (('a/b', '..', ''), 'a%2Fb/~%22..%22/~%22%22')]:
            self.run_steps(self.writes.put(path, 1), written(3, 3))
            self.assertIn(f'PUT /items/{text}?', self.script.log[0])

    def test_empty_path(self):
        writes = self.writes
        for path in (), []:
            calls: list[Any] = [
                (writes.put, path, 1), (writes.make_set, path),
                (writes.remove, path, False),
                (writes.remove_set, path, False),
                (writes.batch, [('remove', path)])]
            for write, *arguments in calls:
                with self.assertRaisesRegex(ValueError, 'expected a path'):
                    self.run_steps(write(*arguments))

    def test_items_that_are_no_json(self):
        with self.assertRaises(TypeError):
            self.run_steps(self.writes.put('a', object()))

    def test_others(self):
        for write, line in [
                (self.writes.make_set('s'), 'PUT /items/s/?'),
                (self.writes.remove('s', False), 'DELETE /items/s?'),
                (self.writes.remove_set('s', False), 'DELETE /items/s/?')]:
            self.run_steps(write, written(3, 3))
            self.assertIn(line, self.script.log[0])
            self.assertIsNone(self.script.requests[0].content)

    def test_add(self):
        ids = {self.run_steps(self.writes.add((), 1), written(3, 3))
               for _ in range(50)}
        self.assertEqual(len(ids), 50)
        for id in ids:
            self.assertRegex(id, '^[A-Za-z0-9]{16}$')
        id = self.run_steps(self.writes.add('s', 1), LOST, written(3, 3))
        self.assertEqual(self.script.log[0], self.script.log[-1])
        self.assertIn(f'PUT /items/s/{id}?', self.script.log[0])

    def test_batch(self):
        ids = self.run_steps(self.writes.batch([
            ('put', ('s', 42), {'x': 1}), ('add', 's', 2), ('set', 't'),
            ('remove', ['s', 'x'])]), LOST, written(3, 4))
        self.assertEqual([*ids[:1], *ids[2:]], [42, 't', 'x'])
        request, again = self.script.requests
        self.assertEqual(request.content, again.content)
        self.assertEqual(wire.decode_value(request.content), {'changes': [
            {'op': 'put', 'path': ['s', 42], 'item': {'x': 1}},
            {'op': 'put', 'path': ['s', ids[1]], 'item': 2},
            {'op': 'set', 'path': ['t']},
            {'op': 'remove', 'path': ['s', 'x']}]})
        self.assertEqual(self.script.log[0],
                         'POST /batch?generation=3&epoch=e')

    def test_patch(self):
        self.run_steps(
            self.writes.patch('b', {'x': 1.5, 'y': None}), written(3, 4))
        request, = self.script.requests
        self.assertEqual(request.words, 'PATCH http://host/sync/items/b')
        self.assertEqual(request.content, b'{"x":1.5,"y":null}')
        self.assertEqual(request.headers['Content-Type'],
                         'application/merge-patch+json')

    # Conditions

    def test_unchanged_since(self):
        since = Position('e', 2)
        for write in (
                self.writes.put('b', 1, since), self.writes.remove(
                    'b', False, since), self.writes.patch('b', 1, since),
                self.writes.remove_set('b', False, since)):
            self.run_steps(write, written(3, 4))
            request, = self.script.requests
            self.assertEqual(request.headers['If-Match'], '"e:2"')
        self.run_steps(self.writes.batch([
            ('patch', 'b', {'x': 1}), ('remove', 'c')], since), written(3, 4))
        request, = self.script.requests
        self.assertEqual(wire.decode_value(request.content), {'changes': [
            {'op': 'patch', 'path': ['b'], 'item': {'x': 1},
             'unchanged_since': 'e:2'},
            {'op': 'remove', 'path': ['c'], 'unchanged_since': 'e:2'}]})
        self.assertNotIn('If-Match', request.headers)

    def test_the_condition_stays_when_the_replica_moves(self):
        def answered():
            self.session.apply(wire.decode(answer(3, 4, adds=[['b', 1]])))
            return LOST
        self.run_steps(self.writes.put('b', 1, self.session.position()),
                       answered, written(4, 5))
        self.assertEqual(
            [request.headers['If-Match'] for request in self.script.requests],
            ['"e:3"', '"e:3"'])

    def test_changed(self):
        for text, item, exists in [
                (b'"item": {"$date": "2026-11-29"}',
                 datetime.date(2026, 11, 29), True),
                (b'"item": null', None, True), (b'"length": 3', None, True),
                (b'"x": 0', None, False)]:
            body = b'{"detail": "it has changed", "change": 0, %b}' % text
            with self.assertRaisesRegex(Changed, 'it has changed') as caught:
                self.put(Reply(412, PROBLEM, body))
            error = caught.exception
            self.assertEqual((error.status, error.change), (412, 0))
            self.assertEqual((error.item, error.exists), (item, exists))
        with self.assertRaises(Refused) as refused:
            self.put(reply(412))  # of something else than this server
        self.assertNotIsInstance(refused.exception, Changed)
        with self.assertRaises(MaybeWritten):
            self.put(LOST, Reply(412, PROBLEM, b'{}'))

    def test_bad_changes(self):
        for change in [('put', 'a'), ('remove', 'a', 1), ('delete', 'a'),
                       ('set', 'a', 1), ('put', 'a', 1, 2)]:
            with self.assertRaisesRegex(ValueError, re.escape(
                    f"or ('remove', path), got {change!r}")):
                self.run_steps(self.writes.batch([change]))

    def test_batch_problem(self):
        body = b'{"detail": "no such item", "change": 1}'
        with self.assertRaisesRegex(Refused, '404 no such item$') as caught:
            self.run_steps(self.writes.batch([('remove', 'x')]),
                           Reply(404, PROBLEM, body))
        self.assertEqual(caught.exception.change, 1)

    # What comes back

    def test_updates_that_overlap(self):
        def answered():
            self.session.apply(wire.decode(answer(3, 4, adds=[['c', 1]])))
            return written(3, 5, adds=[['c', 1], ['b', 1]])
        self.put(answered)
        self.assertEqual(self.session.position(), ('e', 5))
        self.assertEqual(self.session.replica.items['b'], 1)

    def test_updates_of_an_epoch_that_is_over(self):
        def answered():
            self.session.apply(wire.decode(answer(
                3, 4, epoch='f', since_epoch='e', reset='epoch',
                contents=[])))
            return written(3, 5, adds=[['b', 1]])
        self.put(answered, updates(4, 5, epoch='f', adds=[['b', 1]]))
        self.assertIn('GET /updates?generation=4&epoch=f', self.script.log[1])
        self.assertEqual(self.session.position(), ('f', 5))

    def test_old_updates(self):
        def answered():
            self.session.apply(wire.decode(answer(3, 9, adds=[['b', 1]])))
            return written(3, 5, adds=[['b', 0]])
        self.put(answered)
        self.assertEqual(self.session.position(), ('e', 9))

    def test_no_updates(self):
        self.put(written(), updates(3, 5, adds=[['b', 1]]))
        self.assertEqual(self.session.position(), ('e', 5))

    def test_replica_that_was_never_synced(self):
        self.session = make_session(0)
        self.writes = Writes(self.session)
        self.put(written())
        self.assertEqual(self.script.log, ['PUT /items/b'])

    def test_it_was_written_though_the_replica_has_no_room(self):
        def apply(updates):
            raise OSError('no space left on device')
        self.session.replica.apply = apply
        with self.assertLogs('zc.generationalset.client') as logs:
            self.put(written(3, 5, adds=[['b', 1]]))
        self.assertIn('no space left', logs.output[0])

    def test_it_was_written_whatever_comes_then(self):
        for answers in ([written(3, 2)], [written(), Lost('x')],
                        [written(), reply(403)]):
            with self.assertLogs('zc.generationalset.client') as logs:
                self.put(*answers)
            self.assertIn('written, but the replica has to wait',
                          logs.output[0])

    # What may have been written

    def test_lost_response(self):
        self.put(LOST, LOST, reply(502), written(3, 4, adds=[['b', 1]]))
        self.assertEqual(self.session.position(), ('e', 4))
        with self.assertRaisesRegex(MaybeWritten, 'it may have been written'):
            self.put(LOST, LOST, LOST, LOST)
        with self.assertRaises(MaybeWritten):
            self.put(LOST, Unavailable('x'), Unavailable('x'),
                     Unavailable('x'))
        with self.assertRaises(MaybeWritten) as caught:
            self.put(LOST, reply(403))
        self.assertEqual(caught.exception.status, 403)

    def test_replica_moves_between_tries(self):
        def answered():
            self.session.apply(wire.decode(answer(3, 4, adds=[['b', 1]])))
            return LOST
        self.put(answered, written(4, 5))
        self.assertIn('generation=4', self.script.log[-1])

    def test_nothing_was_written(self):
        for fail in (Unavailable('x'), reply(503), reply(429), reply(408)):
            with self.assertRaises(Unavailable) as caught:
                self.put(fail, fail, fail, fail)
            self.assertNotIsInstance(caught.exception, Lost)
        with self.assertRaises(Refused):
            self.put(Unavailable('x'), reply(409))
        with self.assertRaisesRegex(Refused, 'elsewhere'):
            self.put(reply(302, location='/x'))

    def test_response_that_makes_no_sense(self):
        for bad in (reply(200, b'<html>', content_type='text/html'),
                    Reply(200, JSON, b'{'), Reply(200, JSON, b'[]'),
                    Reply(200, JSON, b'{}', 'expected at most 1 bytes'),
                    reply(304), reply(204), reply(201)):
            with self.assertRaises(MaybeWritten) as caught:
                self.put(bad)
            self.assertIsInstance(caught.exception.__cause__, BadAnswer)

    def remove(self, missing_ok, *answers):
        self.run_steps(self.writes.remove('a', missing_ok), *answers)

    def test_remove_what_is_missing(self):
        with self.assertRaises(Refused) as caught:
            self.remove(False, reply(404))
        self.assertEqual(caught.exception.status, 404)
        self.remove(True, reply(404), updates(3, 5, removals=['a']))
        self.assertEqual(self.session.replica.items, {})
        with self.assertRaises(Refused):
            self.remove(True, reply(409))

    def test_remove_what_the_lost_try_removed(self):
        self.remove(False, LOST, reply(404), updates(3, 5, removals=['a']))
        self.assertEqual(self.session.replica.items, {})
        with self.assertRaises(MaybeWritten):
            self.run_steps(self.writes.batch([('remove', 'a')]),
                           LOST, reply(404))
