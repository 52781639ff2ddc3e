"""Raw connections, which can send anything."""

import json
import socket
import urllib.parse

from zc.generationalset.tests.support.serving import Served


class Connecting(Served):

    def connect(self):
        address = urllib.parse.urlsplit(self.url)
        connection = socket.create_connection(
            (address.hostname, address.port), 90)
        self.stack.callback(connection.close)
        return connection

    def send_all(self, connection, chunks):
        """Send until the connection is closed; return what came back."""
        try:
            for chunk in chunks:
                connection.sendall(chunk)
        except OSError:
            self.closed = True
        return self.receive_all(connection)

    def receive_all(self, connection):
        received = b''
        try:
            while data := connection.recv(65536):
                received += data
        except ConnectionResetError:
            pass
        return received

    def receive_some(self, connection, before):
        data = connection.recv(65536)
        self.assertTrue(data, before)  # else it was closed
        return data

    def receive_one(self, connection):
        received = b''
        while b'\r\n\r\n' not in received:
            received += self.receive_some(connection, received)
        head, _, body = received.partition(b'\r\n\r\n')
        length = int(head.lower().partition(b'content-length: ')[2].split()[0])
        while len(body) < length:
            body += self.receive_some(connection, received + body)
        self.assertEqual(len(body), length)
        return head, json.loads(body)

    def refuse(self, status, received):
        head, _, body = received.partition(b'\r\n\r\n')
        self.assertTrue(head.startswith(b'HTTP/1.1 %d ' % status), received)
        self.assertIn(b'content-type: application/problem+json', head)
        self.assertEqual(json.loads(body)['status'], status)
