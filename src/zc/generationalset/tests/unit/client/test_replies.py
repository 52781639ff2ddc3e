"""The meaning of responses."""

import tracemalloc
import unittest
import zlib

from zc.generationalset.client.errors import (
    BadAnswer,
    ClientError,
    Lost,
    Refused,
    Unavailable,
)
from zc.generationalset.client.replies import Body, Reply, check
from zc.generationalset.tests.support.scripts import reply

PROBLEM = {'content-type': 'application/problem+json; charset=utf-8'}


def pack(data):
    packer = zlib.compressobj(wbits=31)
    return packer.compress(data) + packer.flush()


class CheckTests(unittest.TestCase):

    def error(self, *arguments, **headers):
        with self.assertRaises(ClientError) as caught:
            check(reply(*arguments, **headers), 'GET x')
        self.assertEqual(caught.exception.status, arguments[0])
        return caught.exception

    def test_success(self):
        for status in 200, 201, 304:
            self.assertEqual(check(reply(status), 'x'), reply(status))

    def test_kinds(self):
        for kind, statuses in [
                (BadAnswer, [202, 204, 206, 299]),
                (Refused, [300, 302, 400, 401, 403, 404, 409, 413, 418, 499]),
                (Unavailable, [408, 425, 429, 503]),
                (Lost, [500, 501, 502, 504, 599])]:
            for status in statuses:
                self.assertIs(type(self.error(status)), kind, status)

    def test_retry_after(self):
        self.assertEqual(self.error(503, retry_after='7').retry_after, 7)
        self.assertEqual(self.error(
            503, retry_after='Fri, 20 Nov 2026 10:00:30 GMT',
            date='Fri, 20 Nov 2026 10:00:00 GMT').retry_after, 30)
        self.assertIsNone(self.error(503).retry_after)

    def test_problem(self):
        def problem(body, broken=''):
            with self.assertRaises(Refused) as caught:
                check(Reply(409, PROBLEM, body, broken), 'GET x')
            return str(caught.exception), caught.exception.change
        self.assertEqual(problem(b'{"title": "t", "detail": "d"}'),
                         ('GET x: 409 d', None))
        self.assertEqual(problem(b'{"title": "t", "change": 5}'),
                         ('GET x: 409 t', 5))
        self.assertEqual(problem(b'{"detail": "%b"}' % (b'x' * 900))[0],
                         'GET x: 409 ' + 'x' * 500)
        self.assertEqual(
            problem(b'{"detail": "a\\nb\\u001b[2J\\u202e"}')[0],
            r'GET x: 409 a\nb\x1b[2J\u202e')
        for body in (b'', b'1', b'\xff', b'{"detail": null}', b'[' * 9999,
                     b'{"change": "5"}'):
            self.assertEqual(problem(body), ('GET x: 409 Conflict', None))
        self.assertEqual(problem(b'{"detail": "d"}', 'cut'),
                         ('GET x: 409 Conflict', None))

    def test_location_is_quoted(self):
        self.assertIn(r"elsewhere, at '\x1b[2J'",
                      str(self.error(302, location='\x1b[2J')))


class BodyTests(unittest.TestCase):

    def collect(self, *pieces, limit=10, **headers):
        body = Body(reply(200, **headers).headers, limit)
        for piece in pieces:
            if not body.add(piece):
                break
        result = body.reply(200, {})
        return result.body if not result.broken else result.broken

    def test_plain(self):
        self.assertEqual(self.collect(), b'')
        self.assertEqual(self.collect(b'12345', b'', b'67890'), b'1234567890')
        self.assertEqual(self.collect(b'12345', b'678901', b'x'),
                         'expected at most 10 bytes')
        self.assertEqual(self.collect(b'1', content_encoding=' Identity'),
                         b'1')

    def test_gzip(self):
        for size in 0, 1, 9, 10:
            packed = pack(b'x' * size)
            for pieces in [packed], [bytes([byte]) for byte in packed]:
                self.assertEqual(
                    self.collect(*pieces, content_encoding='GZIP'),
                    b'x' * size)
        for text, broken in [
                (pack(b'x' * 11), 'expected at most 10 bytes'),
                (pack(b'x' * 10 ** 6), 'expected at most 10 bytes'),
                (packed[:-1], 'expected gzip, got a part of it'),
                (b'', 'expected gzip, got a part of it'),
                (packed + b'x', 'expected the end of gzip, got more'),
                (packed + packed, 'expected the end of gzip, got more')]:
            self.assertEqual(
                self.collect(text, content_encoding='gzip'), broken)

    def test_bad_gzip(self):
        for text in b'xx', pack(b'x' * 9)[:-8] + b'12345678':
            self.assertRegex(
                self.collect(text, content_encoding='gzip'),
                '^expected gzip, got Error -3')

    def test_other_encodings(self):
        for encoding in 'br', 'deflate', 'gzip, gzip', 'x' * 1000:
            text = self.collect(b'1', content_encoding=encoding)
            self.assertTrue(text.startswith(
                f'expected gzip or nothing, got {encoding[:20]!r}'[:-1]))
            self.assertLess(len(text), 200)

    def test_memory(self):
        bomb = pack(b' ' * 10 ** 8)
        tracemalloc.start()
        try:
            self.collect(bomb, limit=10 ** 5, content_encoding='gzip')
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        self.assertLess(peak, 10 ** 6)
