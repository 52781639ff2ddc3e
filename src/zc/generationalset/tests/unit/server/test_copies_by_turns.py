"""Large answers in pages, from a source and its mirrors by turns."""

import ZODB
from ZODB.DemoStorage import DemoStorage

from zc.generationalset import GSet, wire
from zc.generationalset.client import Client
from zc.generationalset.documents import Document
from zc.generationalset.mirror import StoredMirror
from zc.generationalset.replica import Replica
from zc.generationalset.server import application
from zc.generationalset.tests.support.serving import served
from zc.generationalset.tests.unit.server.test_copies import TEXT, Copies


class TurnsTests(Copies):
    """A client copies from a source and its mirrors, each page from another.
    """

    def setUp(self):
        super().setUp()
        self.fill(range(100))
        with self.changing() as things:
            things.add(subset := GSet(1000))
            for number in range(50):
                subset.add(Document(number, TEXT))
        self.mirrors = [self.mirror(self.url) for _ in range(2)]
        self.servers = [self.http, *[http for _, http in self.mirrors]]
        self.replica = Replica()
        self.turns = 0

    def mirror(self, url):
        """Return a client that updates a mirror, and one that asks it."""
        db = ZODB.DB(DemoStorage())
        self.stack.callback(db.close)
        client = self.stack.enter_context(
            Client(url, replica=StoredMirror(db, 'mirror', url)))
        client.sync()
        app = application(db, lambda root: root['mirror'])
        return client, self.stack.enter_context(type(self.http)(
            base_url=self.stack.enter_context(served(app))))

    def turn(self, number):
        """Ask one of the servers."""
        self.turns += 1
        self.assertLess(self.turns, 300)  # it ends
        replica = self.replica
        response = self.page(replica.cursor, replica.generation, replica.epoch,
                             http=self.servers[number % len(self.servers)])
        self.assertEqual(response.status_code, 200, response.text)
        replica.apply(wire.decode(response.content))

    def assert_equal(self):
        self.turn(0)
        while self.replica.cursor:
            self.turn(0)
        whole = Replica()
        whole.apply(wire.decode(self.http.get('/updates').content))
        self.assertEqual(self.replica.items, whole.items)

    def test_a_first_copy(self):
        """Each goes on where it was, so it ends when one is through."""
        turns = 0
        while turns == 0 or self.replica.cursor:
            self.turn(turns)
            turns += 1
        self.assertGreater(turns, 40)
        self.assertLess(turns, 60)
        self.assert_equal()

    def test_changes_meanwhile(self):
        turns = 0
        while turns == 0 or self.replica.cursor:
            self.turn(turns)
            with self.changing() as things:
                del things[turns]
                things.add(Document(2000 + turns, TEXT))
                things[1000].add(Document(turns, 'changed'))
            if turns % 7 == 0:
                self.mirrors[turns % 2][0].sync()
            turns += 1
        self.assert_equal()

    def test_a_mirror_that_is_behind(self):
        """What it lists of a first copy comes again in the end."""
        with self.changing() as things:
            for number in range(0, 100, 3):
                del things[number]
            things[1000].add(Document(1, 'changed'))
        for turn in range(8):
            self.turn(turn)
        while self.replica.cursor:
            self.turn(1)
        self.assertIn(3, self.replica.items)
        self.assert_equal()

    def test_changes_of_a_mirror_that_is_behind(self):
        """It would keep what pages before have removed, so it waits."""
        while not self.replica.generation or self.replica.cursor:
            self.turn(0)
        with self.changing() as things:
            del things[0]
            things.maximum_removals = 0
            del things[1]
        for client, _ in self.mirrors:
            client.sync()
        with self.changing() as things:
            things.maximum_removals = 999
            del things[2]
            for number in range(200, 260):
                things.add(Document(number, TEXT))
        self.turn(0)
        self.assertTrue(self.replica.cursor)
        response = self.page(
            self.replica.cursor, self.replica.generation, self.replica.epoch,
            self.servers[1])
        self.refused(503, response, 'ask again later')
        self.assertEqual(response.headers['retry-after'], '1')
        self.mirrors[0][0].sync()
        while self.replica.cursor:
            self.turn(1)
            self.assertTrue(self.replica.generation)
        self.assert_equal()

    def test_changes_that_need_pages(self):
        while not self.replica.generation:
            self.turn(0)
        with self.changing() as things:
            for number in range(0, 100, 2):
                things.add(Document(number, TEXT + 'new'))
                del things[number + 1]
        for client, _ in self.mirrors:
            client.sync()
        self.turn(0)
        turns = 0
        while self.replica.cursor:
            self.turn(turns)
            turns += 1
        self.assertGreater(turns, 10)
        self.assert_equal()
