"""Pages of a set's answers, put together, make the whole answer."""

import copy
import random
import unittest
from itertools import pairwise
from unittest import mock

import ZODB

from zc.generationalset import GSet, wire
from zc.generationalset.answers import NOTHING, Position, SubsetUpdates
from zc.generationalset.documents import Document
from zc.generationalset.pages import StalePlace
from zc.generationalset.replica import Replica
from zc.generationalset.sets import pages
from zc.generationalset.sources import StaleCursor
from zc.generationalset.sources.cursors import (
    read_cursor,
    span_at,
    write_cursor,
)


def read(gset, cursor='', limit=3, asked=NOTHING, may_end=lambda place: True):
    """Return a page, as a client receives it."""
    span = span_at(cursor, Position(gset.epoch, gset.generation), limit)
    page = gset.client_page(asked.generation, asked.epoch, span._replace(
        cursor_of=lambda place: (
            span.cursor_of(place) if may_end(place) else None)))
    if cursor:
        page['cursor'] = cursor
    return wire.decode(wire.encode(page))


def turn(gset, replica, limit=3):
    """Let a replica apply its next page, and return that."""
    page = read(gset, replica.cursor, limit,
                Position(replica.epoch, replica.generation))
    replica.apply(page)
    return page


def turn_all(gset, replica, limit=3):
    """Let a replica apply pages up to the last one; return them."""
    all_pages = [turn(gset, replica, limit)]
    while replica.cursor:
        all_pages.append(turn(gset, replica, limit))
    return all_pages


def listed(page):
    """Return the ids of items that a page lists, with those of subsets."""
    ids = list(page.get('removals', []))
    for entry in [*page.get('adds', []), *page.get('contents', [])]:
        if isinstance(entry, SubsetUpdates):
            ids += [(entry['id'], *id) if isinstance(id, tuple)
                    else (entry['id'], id) for id in listed(entry)]
        else:
            ids.append(entry[0])
    return ids


def contents(gset):
    return {id: contents(ob) if isinstance(ob, GSet) else ob.value
            for id, ob in gset.items()}


def filled(ids, id=None):
    gset = GSet(id)
    for each in ids:
        gset.add(Document(each, each))
    return gset


class OrderTests(unittest.TestCase):

    def test_pages_are_in_the_order_of_ids(self):
        gset = filled('hbgafcde')
        all_pages = turn_all(gset, Replica())
        self.assertEqual(
            [listed(page) for page in all_pages],
            [['a', 'b', 'c'], ['d', 'e', 'f'], ['g', 'h']])
        for page, following in pairwise(all_pages):
            self.assertEqual(page['next'], following['cursor'])
            self.assertIn('adds', page)
        self.assertIn('contents', all_pages[-1])

    def test_a_subset_is_where_its_id_is(self):
        gset = filled('ac')
        gset.add(filled('xyz', 'b'))
        self.assertEqual(
            [listed(page) for page in turn_all(gset, Replica(), 2)],
            [['a', ('b', 'x')], [('b', 'y'), ('b', 'z')], ['c']])

    def test_a_set_that_is_empty(self):
        page, = turn_all(GSet(), Replica())
        self.assertEqual(page['contents'], [])

    def test_what_changed(self):
        """Only what changed counts, removals included."""
        gset = filled('abcdefgh')
        replica = Replica()
        turn_all(gset, replica)
        for id in 'hdb':
            gset.changed(gset[id])
        del gset['c'], gset['a']
        first, second = turn_all(gset, replica)
        self.assertEqual(first['removals'], ['a', 'c'])
        self.assertEqual(listed(first), ['a', 'c', 'b'])
        self.assertEqual(listed(second), ['d', 'h'])
        self.assertNotIn('removals', second)
        self.assertEqual(turn_all(gset, replica), [{
            'epoch': gset.epoch, 'since': gset.generation,
            'generation': gset.generation}])

    def test_what_did_not_change_takes_no_room(self):
        gset = filled(range(200))
        replica = Replica()
        turn_all(gset, replica)
        gset.changed(gset[199])
        self.assertEqual(listed(turn(gset, replica, 1)), [199])

    def test_what_is_kept_takes_a_sixth_of_the_room(self):
        gset = filled(range(40))
        gset.maximum_removals = 0
        replica = Replica()
        turn_all(gset, replica, 99)
        del gset[39]
        self.assertEqual(
            [len(page['keep']) for page in turn_all(gset, replica, 2)],
            [12, 12, 12, 3])

    def test_what_changed_since_the_last_removal_that_was_forgotten(self):
        gset = filled('abcdefgh')
        gset.maximum_removals = 1
        replica = Replica()
        del gset['a']
        turn_all(gset, replica, 99)
        del gset['b']
        page, = turn_all(gset, replica)
        self.assertEqual(listed(page), ['b'])

    def test_a_subset_with_a_large_generation(self):
        gset = filled('ac')
        for _ in range(300):
            gset.changed(gset['a'])
        gset.add(filled('xyz', 'b'))
        self.assertEqual(
            [listed(page) for page in turn_all(gset, Replica(), 2)],
            [['a', ('b', 'x')], [('b', 'y'), ('b', 'z')], ['c']])

    def test_a_subset_from_an_old_database(self):
        """Nobody knows when it came."""
        gset = filled('ac')
        gset.add(filled('xyz', 'b'))
        gset['b']._born = None
        self.assertEqual(
            [listed(page) for page in turn_all(gset, Replica(), 2)],
            [['a', ('b', 'x')], [('b', 'y'), ('b', 'z')], ['c']])

    def test_who_looks_at_much_and_finds_little_goes_on(self):
        gset = filled(range(9))
        replica = Replica()
        turn_all(gset, replica)
        gset.add(Document(5, 'new'))
        with mock.patch.object(pages, 'LOOKED_AT', 4):
            self.assertEqual(
                [listed(page) for page in turn_all(gset, replica)],
                [[], [5], []])
            page = read(gset, limit=99, may_end=lambda place: place[-1] > 6)
        self.assertEqual(listed(page), [*range(8)])

    def test_a_page_ends_where_it_can(self):
        """Some places have no cursor."""
        gset = filled('abcdef')
        page = read(gset, may_end=lambda place: place[-1] > 'd')
        self.assertEqual(listed(page), [*'abcde'])
        self.assertEqual(listed(read(gset, page['next'])), ['f'])


class ChangesMeanwhileTests(unittest.TestCase):
    """What changes while a client reads pages."""

    def setUp(self):
        self.gset = filled('ac')
        self.gset.add(filled('vwxyz', 'b'))
        self.replica = Replica()
        turn(self.gset, self.replica)

    def check(self):
        turn_all(self.gset, self.replica)
        turn_all(self.gset, self.replica)
        self.assertEqual(self.replica.items, contents(self.gset))
        self.assertEqual(self.replica.generation, self.gset.generation)

    def test_what_comes_and_goes(self):
        self.gset.add(Document('0', 'new'))
        self.gset['b'].add(Document('v', 'changed'))
        del self.gset['b']['y'], self.gset['a']
        self.gset.add(Document('d', 'new'))
        self.check()

    def test_a_subset_that_is_replaced(self):
        """Nothing of the other one is taken for a part of this one."""
        self.gset.add(filled('uz', 'b'))
        self.assertEqual(listed(turn(self.gset, self.replica)), ['c'])
        self.check()

    def test_a_subset_that_becomes_an_item(self):
        self.gset.add(Document('b', 'item'))
        self.assertEqual(listed(turn(self.gset, self.replica)), ['c'])
        self.check()

    def test_a_subset_that_goes(self):
        del self.gset['b']
        self.assertEqual(listed(turn(self.gset, self.replica)), ['c'])
        self.check()


class StaleTests(unittest.TestCase):

    def setUp(self):
        self.gset = filled('abcdefgh')

    def refuse(self, place, asked=NOTHING):
        with self.assertRaises(StalePlace):
            self.read(place, asked)

    def read(self, place, asked=NOTHING):
        cursor = write_cursor(Position(self.gset.epoch, 9), [place])
        return listed(read(self.gset, cursor, asked=asked))

    def test_places_of_nothing(self):
        epoch = self.gset.epoch
        self.assertEqual(self.read((epoch, 1, 0, 'f')), ['g', 'h'])
        for place in [
                (epoch,), (epoch, 1),
                (epoch, 1, 0), (epoch, 1, 0, 'f', 1), (epoch, 'x', 0, 'f'),
                (epoch, 1, 'x', 'f'), (epoch, 1.5, 0, 'f'),
                (epoch, 1, 0, 'f', 1, 'x', 'f')]:
            with self.subTest(place=place):
                self.refuse(place)

    def test_ids_of_another_kind(self):
        self.refuse((self.gset.epoch, 1, 0, 5))

    def test_another_epoch(self):
        epoch = self.gset.epoch
        cursor = write_cursor(Position(epoch, 9), [(epoch, 1, 0, 'f')])
        self.gset.renew()
        with self.assertRaises(StaleCursor):
            read(self.gset, cursor)

    def test_places_of_others(self):
        """The set begins with its first page, and keeps their places."""
        for place in ('!', 1, 0, 'f'), ('~', 'x'):
            cursor = write_cursor(Position(self.gset.epoch, 9), [place])
            page = read(self.gset, cursor)
            self.assertEqual(listed(page), ['a', 'b', 'c'])
            page = read(self.gset, page['next'])
            self.assertEqual(listed(page), ['d', 'e', 'f'])
            self.assertEqual(
                read_cursor(page['next'], self.gset.epoch)[1][place[0]], place)
            for asked in Position('other', 3), Position(self.gset.epoch, 99):
                self.refuse(place, asked)

    def test_a_client_that_has_to_start_again(self):
        place = self.gset.epoch, 0, 0, 'f'
        self.read(place, Position(place[0], 3))
        self.refuse(place, Position('other', 3))
        self.refuse(place, Position(place[0], 99))

    def test_removals_that_were_forgotten(self):
        """Pages of changes can't go on, but those of contents can."""
        del self.gset['a']
        asked = Position(self.gset.epoch, 3)
        cursor = read(self.gset, limit=2, asked=asked)['next']
        whole = read(self.gset, limit=2)['next']
        self.gset.maximum_removals = 0
        del self.gset['h']
        with self.assertRaises(StalePlace):
            read(self.gset, cursor, asked=asked)
        for question in NOTHING, asked:
            self.assertEqual(
                listed(read(self.gset, whole, asked=question)),
                ['c', 'd', 'e'])


class HistoryTests(unittest.TestCase):
    """A client from any generation, with pages of any size, is current."""

    def setUp(self):
        self.chance = random.Random(5)
        self.db = ZODB.DB(None)
        self.addCleanup(self.db.close)
        with self.db.transaction() as connection:
            connection.root.gset = GSet(maximum_removals=9)

    def change(self, gset):
        """Make some change, in the set or in a subset."""
        chance = self.chance
        sets = [gset]
        for each in sets:
            sets += [ob for ob in each if isinstance(ob, GSet)]
        gset = chance.choice(sets)
        id = chance.choice('abcdefghij')
        if id in gset.ids() and chance.random() < .5:
            del gset[id]
        elif chance.random() < .3:
            subset = filled(chance.sample('uvwxyz', 4), id)
            subset.maximum_removals = chance.randrange(3)
            gset.add(subset)
        else:
            gset.add(Document(id, chance.random()))

    def test_all(self):
        replicas = [Replica()]
        for _ in range(60):
            with self.db.transaction() as connection:
                self.change(connection.root.gset)
            with self.db.transaction() as connection:
                gset = connection.root.gset
                for replica in self.chance.choices(replicas, k=5):
                    client = copy.deepcopy(replica)
                    turn_all(gset, client, self.chance.choice([1, 2, 5, 99]))
                    self.assertEqual(client.items, contents(gset))
                replicas.append(client)
