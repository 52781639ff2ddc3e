"""Copies in pages, over connections that break."""

import threading
from unittest import mock

from zc.generationalset.client import Refused, Unavailable
from zc.generationalset.documents import Document
from zc.generationalset.replica import Replica, SQLiteReplica
from zc.generationalset.server import encoding
from zc.generationalset.tests.support.clients import (
    ClientTests,
    for_both,
    hurry,
    quiet,
)
from zc.generationalset.tests.support.faulty import Cut, Faulty, response
from zc.generationalset.tests.support.serving import Served

COUNT = 40


class Cutting:
    """A server between a client and another one; it cuts responses off.

    ``length`` is the number of bytes after which it cuts every other response,
    None for no cuts.
    """

    def __init__(self, http):
        self.http = http
        self.length = None
        self.cuts = 0
        self.before = lambda request: None

    def __call__(self, request):
        self.before(request)
        reply = self.http.request(
            request.method, request.target, content=request.body,
            headers={'accept-encoding': 'identity',
                     'content-type': 'application/json'})
        whole = response(reply.status_code, reply.content, content_type=(
            reply.headers['content-type']))
        if self.length is not None and self.length < len(whole):
            self.cuts += 1
            if self.cuts % 2:
                return [whole[:self.length]]
        return [whole]


class Copies(ClientTests):

    def setUp(self):
        super().setUp()
        self.stack.enter_context(mock.patch.multiple(
            encoding, PAGE=5, SMALL=700))
        with self.changing() as things:
            for number in range(COUNT):
                things.add(Document(number, 'x' * 30))
        self.cutting = Cutting(self.http)
        self.between = self.stack.enter_context(Faulty(self.cutting))

    def connect(self, replica=None):
        client = self.make_client(self.between.url, replica=replica)
        hurry(client, 0)
        return client

    def asked(self):
        return [request.target.partition('cursor=')[2]
                for request in self.between.requests]

    def check(self, replica):
        with self.changing() as things:
            self.assertEqual(dict(replica.items), {
                id: item.value for id, item in things.items()})
            self.assertEqual(
                (replica.epoch, replica.generation),
                (things.epoch, things.generation))

    def test_in_pages(self):
        client = self.connect()
        changes = client.sync()
        self.assertEqual(len(changes), COUNT)
        self.check(client.replica)
        self.assertEqual(len(self.asked()), len(set(self.asked())) + 1)

    def test_cut_at_every_length(self):
        """Each page is asked for once more, and nothing else."""
        for length in range(0, 600, 23):
            self.cutting.length, self.cutting.cuts = length, 0
            self.between.requests.clear()
            for replica in Replica(), SQLiteReplica(':memory:'):
                with self.subTest(length=length, replica=replica):
                    client = self.connect(replica)
                    client.sync()
                    self.check(replica)
                    if isinstance(replica, SQLiteReplica):
                        replica.close()
            asked = self.asked()
            self.assertLessEqual(len(asked), 4 * len(set(asked)) + 8)

    def test_after_an_error_it_goes_on(self):
        """Each page stays, also without the client that got it."""
        replica = Replica()
        asked = []
        allowed = 0

        def refuse(request):
            nonlocal allowed
            allowed -= 1
            if allowed < 0:
                raise Cut
        self.cutting.before = refuse
        for _ in range(100):
            allowed = 2
            before = len(replica.items)
            client = self.connect(replica)
            try:
                client.sync()
            except Unavailable:
                self.assertGreater(len(replica.items), before)
                asked.append(replica.cursor)
            else:
                break
        self.check(replica)
        self.assertEqual(len(asked), len(set(asked)))

    def test_changes_meanwhile(self):
        done = []

        def change(request):
            if 'cursor=ey' in request.target and not done:
                done.append(1)
                with self.changing() as things:
                    del things[0], things[COUNT - 1]
                    things.add(Document(COUNT + 5, 'new'))
                    things.add(Document(1, 'changed'))
        self.cutting.before = change
        client = self.connect()
        client.sync()
        self.check(client.replica)

    def test_watching_brings_each_page(self):
        client = self.connect()
        counts = []
        for changes in client.watch():
            counts.append((len(changes), len(client.replica.items)))
            if len(client.replica.items) == COUNT:
                break
        self.assertEqual(counts[0], (5, 5))
        self.assertEqual(len(counts), 8)

    def test_pages_that_begin_anew(self):
        """The server's epoch changes, so it doesn't know the cursor."""
        done = []

        def renew(request):
            if 'cursor=ey' in request.target and not done:
                done.append(1)
                with self.changing() as things:
                    things.renew()
                    del things[0]
        self.cutting.before = renew
        client = self.connect()
        client.sync()
        self.check(client.replica)

    def test_other_errors_end_it(self):
        client = self.connect()
        self.http.headers['authorization'] = 'x'
        for status in 400, 403, 404, 410:
            self.cutting.http = mock.Mock(request=mock.Mock(
                return_value=mock.Mock(
                    status_code=status, content=b'{}',
                    headers={'content-type': 'application/problem+json'})))
            with self.assertRaises(Refused):
                client.sync()

    def test_a_write_meanwhile(self):
        """A write of a client that has nothing doesn't wait for the copy."""
        client = self.connect()
        client.put(7, 'mine')
        self.assertEqual(len(client.replica.items), 0)
        client.sync()
        self.check(client.replica)

    def test_two_threads(self):
        """Both ask for pages; no page is lost."""
        client = self.connect()
        with quiet():
            threads = [threading.Thread(target=client.sync) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(90)
        client.sync()
        self.check(client.replica)


BlockingCopies, AsyncCopies = for_both(Copies, Served)
