"""What services of HTTP do wrong, and what becomes of it."""

import asyncio
import gzip
import unittest
from unittest import mock

from starlette.responses import (
    JSONResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)

from zc.generationalset.sync import (
    ABSENT,
    Busy,
    Data,
    Gone,
    Incomplete,
    Refused,
    Stale,
    Unavailable,
)
from zc.generationalset.sync.stores.rest.reply import Reply
from zc.generationalset.tests.support.rest_server import (
    HTML,
    Faults,
    RestServers,
)

HUGE = 100 * 2 ** 20


def page(*items, **more):
    return JSONResponse({'data': {'issues': list(items)}, **more})


class ListingTests(Faults, unittest.TestCase):

    def refuses(self, error, message, *responses):
        self.answer(*responses)
        with self.assertRaisesRegex(error, message):
            self.listed()

    def test_a_page_that_fails(self):
        for status in 400, 401, 403, 404, 500, 502, 503, 302:
            self.refuses(Unavailable, str(status).replace('302', 'None'),
                         None, Response('no', status))

    def test_pages_without_what_they_must_have(self):
        self.refuses(Incomplete, 'list of items as data.issues',
                     JSONResponse({'data': {}}))
        self.refuses(Incomplete, 'list of items',
                     JSONResponse({'data': {'issues': None}}))
        self.refuses(Incomplete, 'id in each item', page({'title': 'x'}))
        self.refuses(Incomplete, 'id in each item', page('x'))
        self.refuses(Unavailable, 'expected JSON, got <html>', HTML)
        self.refuses(Unavailable, 'expected JSON, got nothing', Response())
        self.refuses(Unavailable, 'expected JSON',
                     Response('[' * 100_000))

    def test_what_is_said_of_the_next_page(self):
        self.open(paging='cursor', next='paging.next')
        self.refuses(Incomplete, 'expected paging.next', page())
        self.refuses(Incomplete, 'expected a text',
                     page(paging={'next': {'x': 1}}))
        for last in {}, {'next': None}, {'next': ''}:
            self.answer(page({'id': 1}, paging=last))
            self.assertEqual(len(self.listed()), 1)

    def test_pages_that_come_twice(self):
        following = f'{RestServers.url}/api/issues?page={{}}'
        self.open(paging='next')
        self.refuses(Incomplete, 'come twice', *(
            page({'id': 1}, next=following.format(number))
            for number in (2, 3)))
        self.refuses(Incomplete, 'come twice', *(
            page({'id': number}, next=following.format(1))
            for number in (2, 3)))
        # A service that doesn't know the parameter answers the same.
        self.open(paging='page')
        self.refuses(Incomplete, 'come twice', page({'id': 1}))

    def test_pages_without_end(self):
        self.store_options = {'pages': 5}
        self.open(paging='cursor')
        numbers = iter(range(1000))
        self.server.answer = lambda request: page(next=next(numbers) + 1)
        with self.assertRaisesRegex(Incomplete, 'more than 5 pages'):
            self.listed()
        self.assertEqual(len(self.server.requests), 5)

    def test_other_hosts(self):
        elsewhere = RestServers.url.replace('127.0.0.1', 'localhost')
        for response in (
                RedirectResponse(f'{elsewhere}/api/issues'),
                JSONResponse({'data': {'issues': []}}, headers={
                    'Link': f'<{elsewhere}/api/issues>; rel="next"'}),
                RedirectResponse('https://127.0.0.1/api/issues')):
            self.server.requests.clear()
            self.refuses(Unavailable, 'expected URLs of 127.0.0.1',
                         response, page())
            self.assertEqual(len(self.server.requests), 1)

    def test_redirects(self):
        self.answer(RedirectResponse('/api/issues?x=1'), page({'id': 1}))
        self.assertEqual(len(self.listed()), 1)
        self.refuses(Unavailable, 'too many redirects',
                     RedirectResponse('/api/issues'))
        self.answer(RedirectResponse('/api/other', 307), page({'id': 1}))
        with self.assertRaisesRegex(Unavailable, 'redirected to /api/other'):
            self.issues.remove(1, None)

    def test_counts(self):
        for total, header in ('total', {}), ('X-Total', {'X-Total': 'many'}):
            self.open(total=total)
            self.answer(JSONResponse({'data': {'issues': []}}, 200, header))
            with self.assertRaisesRegex(Incomplete, f'items as {total}'):
                self.issues.count()


class LimitTests(Faults, unittest.TestCase):

    def test_100_megabytes(self):
        sent = 0

        async def pieces():
            nonlocal sent
            yield b'{"data": {"issues": [{"id": 1, "text": "'
            while sent < HUGE:
                sent += 2 ** 16
                yield b'x' * 2 ** 16
                await asyncio.sleep(0)  # so the server notices the end

        self.store_options = {'most_bytes': 2 ** 20}
        self.open()
        self.server.answer = lambda request: StreamingResponse(pieces())
        for call in self.listed, lambda: self.issues.get(1):
            sent = 0
            with self.assertRaisesRegex(
                    Unavailable, 'more than 1048576 bytes'):
                call()
            self.assertLess(sent, HUGE / 4)

    def test_what_could_not_be_read_again(self):
        self.store_options = {'most_bytes': 100}
        self.open()
        self.server.requests.clear()
        self.assertRaises(Refused, self.issues.update, 1,
                          {'text': 'x' * 100}, None)
        self.assertEqual(self.server.requests, [])

    def test_bytes_that_are_compressed(self):
        self.store_options = {'most_bytes': 2 ** 20}
        self.open()
        self.answer(Response(gzip.compress(b' ' * 2 ** 22), headers={
            'Content-Encoding': 'gzip'}))
        self.assertRaisesRegex(Unavailable, 'more than', self.listed)
        for encoding, message in ('br', 'unexpected enc'), ('gzip', 'ecod|he'):
            self.answer(Response(b'[]', headers={
                'Content-Encoding': encoding}))
            self.assertRaisesRegex(Unavailable, message, self.listed)

    def test_time(self):
        async def pieces():
            for _ in range(100):
                yield b' '
                await asyncio.sleep(0.01)
            yield b'[]'

        self.store_options = {'timeout': 0.02}
        self.open()
        self.server.answer = lambda request: StreamingResponse(pieces())
        self.assertRaisesRegex(Unavailable, 'has no end|timed out',
                               self.listed)

    def test_nobody_is_there(self):
        self.store_options = {'url': 'http://127.0.0.1:1/'}
        self.open()
        self.assertRaises(Unavailable, self.listed)

    def test_busy_services(self):
        busy = Response('', 429, {'Retry-After': '0'})
        self.answer(busy, busy, page({'id': 1}))
        self.assertEqual(len(self.listed()), 1)
        for status, headers, after in [
                (429, {'Retry-After': '3600'}, 3600),
                (503, {'Retry-After': '3600'}, 3600),
                (403, {'Retry-After': 'Fri, 01 Jan 2100 00:00:00 GMT'}, 1e8)]:
            self.answer(Response('', status, headers))
            for call in self.listed, lambda: self.issues.remove(1, None):
                with self.assertRaises(Busy) as caught:
                    call()
                self.assertGreaterEqual(caught.exception.after, after)

    def test_dates(self):
        date = 'Sun, 06 Nov 1994 08:49:37 GMT'
        for after, expected in [
                ('Sun, 06 Nov 1994 09:49:37 GMT', 3600.0), (date, 0.0),
                ('Sun, 06 Nov 1994 07:49:37 GMT', 0.0),
                ('tomorrow', None), ('-1', None), ('\xb2', None)]:
            reply = Reply('GET /', '', 503, {
                'retry-after': after, 'date': date}, b'')
            self.assertEqual(reply.busy and reply.busy.after, expected)

    def test_how_long_a_busy_service_is_waited_for(self):
        self.answer(Response('', 429))
        for call, count in (self.listed, 120), (
                lambda: self.issues.remove(1, None), 20):
            with mock.patch('time.sleep') as sleep:
                self.assertRaises(Busy, call)
            self.assertEqual(sleep.mock_calls, [mock.call(1.0)] * count)

    def test_pace(self):
        self.store_options = {'rate': 0.5}
        self.open()
        with mock.patch('time.sleep') as sleep:
            self.listed()
        first, second = (call.args[0] for call in sleep.mock_calls)
        self.assertEqual(first, 0)
        self.assertTrue(1 < second <= 2, second)


class ItemTests(Faults, unittest.TestCase):

    def test_answers_to_a_question(self):
        for response, error in [
                (JSONResponse({}, 404), Gone), (Response('', 410), Gone),
                (Response('<p>', 404, media_type='text/html'), Unavailable),
                (HTML, Unavailable), (Response('', 500), Unavailable),
                (Response('', 403), Unavailable),
                (JSONResponse({}), Unavailable),
                (JSONResponse({'id': 2}), Unavailable),
                (JSONResponse({'id': '1'}), Unavailable)]:
            self.answer(response)
            self.assertRaises(error, self.issues.get, 1)

    def test_answers_to_a_change(self):
        for status, error in [
                (400, Refused), (403, Refused), (409, Refused),
                (422, Refused), (412, Stale), (401, Unavailable),
                (408, Unavailable), (500, Unavailable), (503, Unavailable)]:
            self.answer(Response('no', status))
            for call in (lambda: self.add('x'),
                         lambda: self.issues.update(1, {'text': 'x'}, None),
                         lambda: self.issues.remove(1, None)):
                self.assertRaisesRegex(error, 'no', call)
        self.answer(Response('no', 404))
        self.assertRaises(Unavailable, self.add, 'x')
        self.assertRaises(Gone, self.issues.remove, 1, None)
        self.answer(Response('no', 422, media_type='text/html'))
        self.assertRaises(Unavailable, self.add, 'x')

    def add(self, title):
        return self.issues.add(Data('issue', None, {'title': title}), 'key')

    def test_answers_that_do_not_say_what_is_stored(self):
        for response in HTML, JSONResponse({}), Response('', 201):
            self.answer(response)
            self.assertRaises(Unavailable, self.add, 'x')
        self.answer(JSONResponse({'id': 1}))
        self.assertIsNone(self.issues.update(1, {'text': 'x'}, None))
        self.assertEqual(self.issues.update(
            1, {'text': ABSENT}, None).fields, {})

    def test_ids(self):
        self.server.paths_as_sent.clear()
        for id in '', '.', '..':
            self.assertRaises(Gone, self.issues.get, id)
            self.assertRaises(Gone, self.issues.remove, id, None)
        self.assertEqual(self.server.paths_as_sent, [])
        for id in '../x', 'a?b#c', '\xe4', '%2e%2e':
            self.assertRaises((Gone, Unavailable), self.issues.get, id)
        self.assertEqual([
            path.rpartition('/')[2] for path in self.server.paths_as_sent], [
            '..%2Fx', 'a%3Fb%23c', '%C3%A4', '%252e%252e'])

    def test_messages_tell_no_secrets(self):
        for response in HTML, Response('', 500), Response('', 302):
            self.answer(response)
            with self.assertRaises(Unavailable) as caught:
                self.listed()
            self.assertNotIn('hush', str(caught.exception))
