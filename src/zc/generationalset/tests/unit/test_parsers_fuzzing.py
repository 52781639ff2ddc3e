"""Parsers take any input whole, or refuse it with their own errors."""

import asyncio
import logging
import unittest
from base64 import urlsafe_b64encode
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st
from uvicorn import Config
from uvicorn.server import ServerState

from zc.generationalset import wire
from zc.generationalset.answers import Position
from zc.generationalset.client.eventstream import EventStream, TooLong
from zc.generationalset.process import connections
from zc.generationalset.process.connections import Connection
from zc.generationalset.server import Limits, Problem, bodies, edits
from zc.generationalset.sources import StaleCursor
from zc.generationalset.sources.cursors import read_cursor, write_cursor
from zc.generationalset.tests.support.properties import tries
from zc.generationalset.wire import WireError

FEW = tries(150)
MANY = settings(FEW, max_examples=20_000, derandomize=False)


def texts(*words):
    """Return a strategy of texts that are nearly valid."""
    return st.lists(
        st.sampled_from(words) | st.binary(max_size=5), max_size=30,
    ).map(b''.join)


HEADS = texts(
    b'GET ', b'POST ', b'CONNECT ', b'/items/a', b'http://[::1]/', b'*',
    b' HTTP/1.1\r\n', b' HTTP/1.0\r\n', b'GET / HTTP/1.1\r\n\r\n',
    b'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n',
    b'Content-Length: 3\r\n', b'Transfer-Encoding: chunked\r\n', b'\r\n',
    b'\r\n\r\n', b'3\r\nabc\r\n', b'0\r\n', b'0\r\n\r\n', b'a:b\r\n' * 200,
    b'Connection: Upgrade\r\nUpgrade: h2c\r\n', b'Expect: 100-continue\r\n',
    b'Connection: close\r\n', b'x' * 40_000, b'GET / HTTP/1.1\r\n\r\n' * 30)
PATHS = texts(
    b'a', b'/', b'//', b'%2F', b'%2f', b'%', b'%00', b'.', b'..', b'~', b'!',
    b'%7B', b'%22', b'1', b'-1', b'true', b'\xc3\xa4', b'%C3%A4', b'%ff')
PARTS = texts(
    b'[["a"],["b",1]]', b'[', b']', b',', b'["a"]', b'"b"', b'1', b'-0',
    b'1e400', b'null', b'{"$tuple":', b'{"$decimal":"1E+4299"}',
    b'{"$datetime":"0001-01-01T00:00:00+01:00"}', b'}')
BODIES = texts(
    b'{"changes":[', b'{"op":"put","path":["a"],"item":', b'1', b'1e400',
    b'{', b'}', b'[', b']', b',', b':', b'"', b'"a"', b'\\', b'\\u0024',
    b'{"$int":"9007199254740993"}', b'{"$set":[1,1]}', b'null', b'1.0',
    b'-0.0', b']}')
STREAMS = texts(
    b'id: e:1\n', b'event: updates\n', b'data: {}', b'data', b':', b'\n',
    b'\r', b'\r\n', b'\n\n', b'retry: 1', b'\xef\xbb\xbf', b'x' * 200)


class Transport(asyncio.Transport):
    """One end of a connection, with nobody at the other."""

    def __init__(self):
        super().__init__()
        self.written, self.is_open = b'', True

    def write(self, data):
        self.written += data

    def close(self):
        self.is_open = False

    abort = close

    def is_closing(self):
        return not self.is_open

    def set_write_buffer_limits(self, high=None, low=None):
        pass

    pause_reading = resume_reading = set_write_buffer_limits


async def answer(scope, receive, send):
    while (await receive()).get('more_body'):
        pass
    await send({'type': 'http.response.start', 'status': 200,
                'headers': [(b'content-length', b'0')]})
    await send({'type': 'http.response.body'})


async def converse(pieces):
    """Let pieces arrive at a connection; return what it wrote."""
    transport = Transport()
    config = Config(answer, log_config=None, access_log=False)
    connection = Connection(config, ServerState(), {})
    connection.connection_made(transport)
    try:
        for piece in pieces:
            if transport.is_open:
                connection.data_received(piece)
                waiting = len(connection.pipeline)
                if waiting > connections.WAITING:
                    raise AssertionError(f'{waiting} requests wait')
            await asyncio.sleep(0)
    finally:
        connection.connection_lost(None)
        await asyncio.gather(*connection.tasks)
    return transport.written


class Parsers:
    """Tests of all parsers, as thorough as ``settings`` say."""

    def fuzz(self, test, *strategies):
        self.settings(given(*strategies)(test))()

    def test_heads(self):
        def test(pieces):
            with self.assertNoLogs(level=logging.INFO):
                written = asyncio.run(converse(pieces))
            self.assertRegex(written, b'^(HTTP/1.1 (?s:.*))?$')
            self.assertNotIn(b'HTTP/1.1 5', written)

        self.fuzz(test, st.lists(HEADS, max_size=4))

    def test_paths(self):
        def test(text):
            try:
                path = wire.decode_path(text)
            except WireError:
                return
            again = wire.decode_path(wire.encode_path(path))
            self.assertEqual(again, path)

        self.fuzz(test, PATHS)

    def test_parts(self):
        def test(text):
            try:
                parts = wire.decode_parts(text)
            except WireError:
                return
            again = wire.decode_parts(wire.encode_parts(parts))
            self.assertEqual(again, parts)

        self.fuzz(test, PARTS)

    def test_cursors(self):
        def test(text):
            cursor = urlsafe_b64encode(text).decode()
            for each in cursor, text.decode(errors='replace'):
                try:
                    number, places = read_cursor(each, 'e')
                except StaleCursor:
                    continue
                cursor = write_cursor(
                    Position('e', number), list(places.values()))
                self.assertEqual(read_cursor(cursor, 'e'), (number, places))

        self.fuzz(test, PARTS | PARTS.map(
            lambda text: b'{"$tuple":["e",1,{"$tuple":%b}]}' % text))

    def test_documents(self):
        limits = Limits(document=1000, depth=5)

        def test(text):
            try:
                normal = edits.normal(text, limits)
            except Problem:
                return
            self.assertEqual(edits.normal(normal, limits), normal)

        self.fuzz(test, BODIES)

    def test_batches(self):
        limits = Limits(batch=5000, document=1000, depth=5, changes=5)

        def test(text):
            together = read(text)
            with mock.patch.object(bodies._BATCH, 'read', refuse):
                self.assertEqual(read(text), together)

        def read(text):
            """Return the edits, or what is wrong with them."""
            try:
                return bodies._edits(bodies._changes(text, limits), 0, limits)
            except Problem as problem:
                self.assertIn(problem.status, (400, 413))
                return problem.status, problem.members

        def refuse(text, limits):
            raise WireError

        self.fuzz(test, BODIES)

    def test_event_streams(self):
        def test(pieces):
            self.assertEqual(events(pieces), events([b''.join(pieces)]))

        self.fuzz(test, st.lists(STREAMS, max_size=4))


def events(pieces):
    """Return the events of pieces; None if a line is too long."""
    stream = EventStream(1000)
    try:
        return [event for piece in pieces for event in stream.feed(piece)]
    except TooLong:
        return None


class ShortTests(Parsers, unittest.TestCase):

    settings = FEW


class LongTests(Parsers, unittest.TestCase):
    """The same tests, for minutes."""

    level = 2
    settings = MANY
