"""Mirrors that take the answers of their source in pages."""

import json
from unittest import TestCase, mock

import ZODB
from ZODB.DemoStorage import DemoStorage

from zc.generationalset import check, wire
from zc.generationalset.client import Client
from zc.generationalset.documents import Document
from zc.generationalset.mirror import Mirror, Page, StoredMirror
from zc.generationalset.pages import LaterPlace, Span, StalePlace
from zc.generationalset.replica import Misfit, Replica
from zc.generationalset.server import encoding
from zc.generationalset.tests.support.places import VECTORS
from zc.generationalset.tests.support.replicas import answer
from zc.generationalset.tests.support.serving import Served

SOURCE = 'http://127.0.0.1:9'
COUNT = 60


def shown(mirror):
    """Return what a client of a mirror has."""
    replica = Replica()
    if mirror.generation:
        replica.apply(wire.decode(wire.encode(mirror.client_updates(0))))
    return replica.items


class VectorTests(TestCase):
    """A mirror presents what any client does, and shows complete answers."""

    def test_vectors(self):
        cases = json.loads((VECTORS / 'pages.json').read_bytes())['cases']
        for case in cases:
            if 'lacks' in case['name']:
                continue  # a mirror notices that later
            mirror = Mirror(SOURCE)
            for number, step in enumerate(case['steps']):
                with self.subTest(case['name'], step=number):
                    self.check_step(mirror, step)

    def check_step(self, mirror, step):
        before = shown(mirror)
        body = step['text'] if 'text' in step else json.dumps(step['answer'])
        result = 'applied'
        try:
            mirror.apply(wire.decode(body.encode()))
        except Misfit:
            result = 'ignored'
        except ValueError:
            result = 'refused'
        self.assertEqual(result, step['result'])
        self.assertEqual(
            (mirror.asked.generation, mirror.asked.epoch, mirror.cursor),
            (step['generation'], step['epoch'], step['cursor']))
        if mirror.asked == (mirror.epoch, mirror.generation) \
                and not mirror.cursor:
            expected = Replica()
            expected.apply(wire.decode(json.dumps(answer(
                0, 1, format=1, contents=step['contents']))))
            self.assertEqual(shown(mirror), expected.items)
        elif mirror.generation:
            self.assertEqual(shown(mirror), before)
        self.assertEqual(check(mirror.mirrored), [])


class PlacesTests(TestCase):
    """Clients come with places of pages that were newer."""

    def page(self, mirror, generation):
        return mirror.client_page(
            generation, 'e', Span({'other': ('other', 1)}, 9, 5, str))

    def setUp(self):
        self.mirror = Mirror(SOURCE)
        self.mirror.apply(answer(0, 8, contents=[('a', 1)]))

    def test_what_this_will_reach(self):
        with self.assertRaises(LaterPlace):
            self.page(self.mirror, 8)
        self.assertEqual(self.page(self.mirror, 0)['generation'], 8)
        self.mirror.apply(answer(8, 9, adds=[('b', 1)]))
        [(id, _)] = self.page(self.mirror, 8)['adds']
        self.assertEqual(id, 'b')

    def test_what_the_source_has_taken_back(self):
        self.mirror.apply(answer(8, 7, reset='ahead', contents=[('a', 1)]))
        with self.assertRaises(StalePlace):
            self.page(self.mirror, 7)


class EvenTests(TestCase):
    """Pages of different times are shown when the time between is here."""

    def setUp(self):
        self.mirror = Mirror(SOURCE)
        self.mirror.apply(answer(0, 3, contents=[('a', 1), ('b', 1)]))

    def apply_pages(self):
        """Apply pages at 8 and 9; the second one lists what has moved."""
        for page in [
                answer(3, 8, next='p', adds=[('c', 1)]),
                answer(3, 9, cursor='p', adds=[('d', 1)])]:
            self.assertFalse(self.mirror.apply(page))

    def test_what_changed_between_the_pages(self):
        self.apply_pages()
        self.assertEqual(self.mirror.asked, ('e', 8))
        self.assertEqual((self.mirror.epoch, self.mirror.generation),
                         ('e', 3))
        self.assertEqual(shown(self.mirror), {'a': 1, 'b': 1})
        self.assertTrue(self.mirror.apply(answer(8, 9, removals=['c'])))
        self.assertEqual(self.mirror.generation, 9)
        self.assertEqual(shown(self.mirror), {'a': 1, 'b': 1, 'd': 1})

    def test_clients_before_and_after(self):
        clients = [Replica() for _ in range(3)]
        for client, generation in zip(clients, [3, 5, 8], strict=True):
            client.apply(answer(0, generation, contents=[
                ('a', 1), ('b', 1), *[('x', 1)] * (generation == 5),
                *[('c', 1)] * (generation == 8)]))
        self.apply_pages()
        self.mirror.apply(answer(8, 9, removals=['c', 'x']))
        for client in clients:
            client.apply(wire.decode(wire.encode(self.mirror.client_updates(
                client.generation, 'e'))))
            self.assertEqual(client.items, {'a': 1, 'b': 1, 'd': 1})

    def test_more_pages(self):
        self.apply_pages()
        self.mirror.apply(answer(8, 10, next='q', adds=[('b', 2)]))
        # These begin anew, from the first answer's end.
        self.mirror.apply(answer(8, 12, next='r', removals=['c']))
        self.assertTrue(self.mirror.apply(
            answer(8, 12, cursor='r', adds=[('a', 3)])))
        self.assertEqual(shown(self.mirror), {'a': 3, 'b': 1, 'd': 1})

    def test_an_answer_that_ends_before_the_last_page(self):
        self.apply_pages()
        self.assertFalse(self.mirror.apply(answer(8, 8)))
        self.assertEqual(self.mirror.generation, 3)

    def test_a_reset_that_begins_anew(self):
        # It is of a source which then has its old epoch again.
        self.mirror.apply(answer(
            3, 2, 'f', since_epoch='e', reset='epoch', next='p',
            adds=[('c', 1)]))
        self.assertEqual(self.mirror.asked.generation, 0)
        with self.assertRaises(Misfit):
            self.mirror.apply(answer(3, 4, adds=[('d', 1)]))
        self.mirror.apply(answer(0, 4, next='q', adds=[('d', 1)]))
        self.assertEqual(shown(self.mirror), {'a': 1, 'b': 1})
        self.mirror.apply(answer(0, 4, cursor='q', contents=[('e', 1)]))
        self.assertEqual(shown(self.mirror), {'d': 1, 'e': 1})

    def test_lacking(self):
        self.mirror.apply(answer(3, 8, next='p', keep=['x']))
        self.assertTrue(
            self.mirror.apply(answer(3, 8, cursor='p', contents=[])))
        self.assertEqual(
            (self.mirror.asked, self.mirror.cursor, self.mirror.generation),
            ((None, 0), '', 0))

    def test_bad_entries_are_not_stored(self):
        for page in (answer(3, 8, next='p', adds=['bad']),
                     answer(3, 8, next='p', adds=[(None, 1)])):
            with self.assertRaises(ValueError):
                self.mirror.apply(page)
            self.assertEqual(self.mirror.cursor, '')


class FollowingTests(Served):
    """A mirror of a large set, and a server that sends pages."""

    def setUp(self):
        super().setUp()
        self.stack.enter_context(mock.patch.multiple(
            encoding, PAGE=COUNT // 6, SMALL=1000))
        with self.changing() as things:
            for number in range(COUNT):
                things.add(Document(number, 'x' * 100))
        self.copy = ZODB.DB(DemoStorage())
        self.stack.callback(self.copy.close)

    def client(self):
        """Return a client of a mirror that is read from the database."""
        client = Client(self.url, replica=StoredMirror(
            self.copy, 'mirror', self.url))
        self.stack.callback(client.close)
        return client

    def test_each_page_is_stored(self):
        cursors = set()
        for _ in range(3):
            with mock.patch.object(
                    StoredMirror, 'apply', self.once(StoredMirror.apply)), \
                    self.assertRaises(InterruptedError):
                self.client().sync()
            cursors.add(StoredMirror(self.copy, 'mirror', self.url).cursor)
        self.assertEqual(len(cursors - {''}), 3)
        with self.changing() as things:
            del things[0]
        changes = self.client().sync()
        self.assertEqual([change.path for change in changes], [()])
        with self.copy.transaction() as connection:
            mirror = connection.root()['mirror']
            self.assertEqual(len(mirror), COUNT - 1)
            self.assertEqual(check(mirror.mirrored), [])
            self.assertFalse(any(
                isinstance(ob, Page)
                for ob in connection._cache.lru_items()))

    def once(self, apply):
        """Return what applies one answer, and is interrupted then."""
        def interrupted(mirror, updates):
            apply(mirror, updates)
            raise InterruptedError

        return interrupted
