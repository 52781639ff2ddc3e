"""Faults in the connections of clients."""

import os
import socket
import sys
import tempfile
import threading
import unittest
from unittest import mock

import httpx

from zc.generationalset.client import Client, Closed
from zc.generationalset.client.network import AsyncNetwork, Network, _used
from zc.generationalset.client.server import Server
from zc.generationalset.client.session import Session
from zc.generationalset.client.steps import Request

REQUEST = Request('GET', 'http://localhost/', {}, None, 1, 1)


class HTTP2Tests(unittest.IsolatedAsyncioTestCase):
    """Held requests share no connection with others."""

    async def test_held(self):
        for network in (Network({'http2': True, 'http1': False}),
                        AsyncNetwork({'http2': True})):
            self.assertIs(_used(network, REQUEST), network.http)
            for step in (REQUEST._replace(stream=True),
                         REQUEST._replace(held=True)):
                streams = _used(network, step)
                self.assertIsNot(streams, network.http)
                pool = streams._transport._pool
                self.assertEqual((pool._http1, pool._http2), (True, False))
            network.http.cookies.set('server', '1')
            self.assertEqual(network.streams.cookies['server'], '1')
            closed = network.close()
            if closed is not None:
                await closed
            self.assertTrue(network.streams.is_closed)

    def test_long_polls_are_held(self):
        steps = Session(Server('http://localhost', timeout=1)).ask(wait=1)
        self.assertTrue(next(steps).held)


class UnixTests(unittest.TestCase):

    def test_close_wakes_who_waits(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        path = os.path.join(directory.name, 'socket')
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(path)
            listening.listen()
            client = Client('http://localhost', timeout=600,
                            transport=httpx.HTTPTransport(uds=path))
            errors = []

            def sync():
                try:
                    client.sync()
                except Closed as error:
                    errors.append(error)
            thread = threading.Thread(target=sync)
            thread.start()
            connection, _ = listening.accept()
            with connection:
                connection.recv(1)  # it is sent, so this is what it waits for
                client.close()
                thread.join(90)
        self.assertTrue(errors)


class NetworkTests(unittest.TestCase):

    def test_connection_that_is_made_while_it_is_closed(self):
        network = Network({})
        network.close()
        here, there = socket.socketpair()
        with here, there:
            network.trace('connection.connect_tcp.complete', {
                'return_value': mock.Mock(**{
                    'get_extra_info.return_value': here})})
            self.assertEqual(there.recv(1), b'')

    def test_streams_that_begin_while_others_are_ended(self):
        network = Network({})
        self.addCleanup(network.close)
        lines = [network.line()]
        network.listening.add(lines[0])

        def other_thread(frame, event, argument):
            """Have another stream begin between any two lines of code."""
            lines.append(network.line())
            network.listening.add(lines[-1])
            return other_thread

        before = sys.gettrace()
        sys.settrace(other_thread)
        try:
            network.end_streams()
        finally:
            sys.settrace(before)
        self.assertGreater(len(lines), 2)
        for line in lines:
            line.close()
        self.assertEqual(network.listening, set())

    def test_what_is_no_error_of_the_network(self):
        def broken(request):
            raise ZeroDivisionError
        with Client('http://localhost', transport=httpx.MockTransport(
                broken)) as client, self.assertRaises(ZeroDivisionError):
            client.sync()
