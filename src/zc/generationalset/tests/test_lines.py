"""Connections of clients, when things go wrong in them."""

import socket
import unittest
from unittest import mock

import httpx

from zc.generationalset.client import Client
from zc.generationalset.client._lines import Network


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

    def test_what_is_no_error_of_the_network(self):
        def broken(request):
            raise ZeroDivisionError
        with Client('http://localhost', transport=httpx.MockTransport(
                broken)) as client, self.assertRaises(ZeroDivisionError):
            client.sync()
