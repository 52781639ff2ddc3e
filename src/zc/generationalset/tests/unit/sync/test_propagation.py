"""What is written through a store reaches the others at once."""

import unittest

import ZODB

from zc.generationalset.sync import (
    Data,
    Gone,
    Hub,
    Refused,
    Synchronizer,
    Type,
)
from zc.generationalset.sync.stores.memory import MemoryStore
from zc.generationalset.tests.support.fake_stores import Traits
from zc.generationalset.tests.support.synchronizing import (
    ISSUE,
    PERSON,
    Synchronizing,
)


class PropagationTests(Synchronizing, unittest.TestCase):

    def test_writes(self):
        stored = self.stores[0].add(Data('issue', None, {
            'title': 'x', 'state': 'open'}))
        self.assertEqual(self.contents(1), {'x': {'state': 'open'}})
        self.stores[1].update(
            'issue', self.issues[1].by_name('title')['x'], {'state': 'done'})
        self.assert_contents({'x': {'state': 'done'}})
        self.stores[0].remove('issue', stored.id)
        self.assert_contents({})
        self.assertRaises(Gone, self.stores[0].remove, 'issue', stored.id)

    def test_several_synchronizers(self):
        db = ZODB.DB(None)
        self.addCleanup(db.close)
        third = MemoryStore('C', ['issue'])
        Synchronizer(Hub(db), [self.stores[0], third], [PERSON, ISSUE])
        self.stores[0].add(Data('issue', None, {'title': 'x'}))
        self.assertEqual(set(self.contents(1)), {'x'})
        self.assertEqual(third.accessors['issue'].count(), 1)

    def test_another_runner_finds_it(self):
        other = Hub(self.db).session(lambda: self.now, False)
        self.addCleanup(other.close)
        other.check_or_take()
        self.stores[0].add(Data('issue', None, {'title': 'x'}))
        self.assertEqual(self.contents(1), {})
        other.release()
        self.settle()
        self.assertEqual(set(self.contents(1)), {'x'})

    def test_read_only(self):
        self.make(Traits(), Traits(read_only=True))
        self.assertRaises(Refused, self.stores[1].add, Data(
            'issue', None, {'title': 'x'}))


BUILDING = Type('building', {'name': 'str'}, ['name'])
ROOM = Type('room', {'name': 'str', 'of': 'ref:building', 'size': 'int'},
            ['name', 'of'])


class KeyTests(unittest.TestCase):
    """Names are unique within what they are part of."""

    def setUp(self):
        self.db = ZODB.DB(None)
        self.addCleanup(self.db.close)
        self.stores = [MemoryStore(name, ['room', 'building'])
                       for name in 'AB']
        self.run = Synchronizer(
            Hub(self.db), self.stores, [ROOM, BUILDING]).run

    def add(self, number, type, **fields):
        return self.stores[number].accessors[type].add(
            Data(type, None, fields), str(fields)).id

    def contents(self, number):
        def all(type):
            return list(self.stores[number].accessors[type].find())

        names = {each.id: each.fields['name'] for each in all('building')}
        return sorted((names[each.fields['of']], each.fields['name'],
                       each.fields['size']) for each in all('room'))

    def test_matched_with_what_they_are_in(self):
        for number, sizes in enumerate([(1, 2), (2, 1)]):
            names = ['old', 'new'] if number == 0 else ['new', 'old']
            for name, size in zip(names, sizes, strict=True):
                self.add(number, 'room', name='hall', size=size, of=self.add(
                    number, 'building', name=name))
        report = self.run()
        self.assertEqual((report.code, report.steps), (0, []), report)
        self.add(0, 'room', name='attic', size=3, of=1)
        self.assertEqual(self.run().code, 0)
        rooms = [('new', 'hall', 2), ('old', 'attic', 3), ('old', 'hall', 1)]
        self.assertEqual([self.contents(0), self.contents(1)], [rooms, rooms])
