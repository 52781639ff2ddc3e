"""Stores in which fields have other names."""

import unittest

from zc.generationalset.merging import ABSENT
from zc.generationalset.sync import Data, Gone, Store, Type
from zc.generationalset.sync.stores.memory import MemoryAccessor
from zc.generationalset.sync.stores.renaming import renamed, with_names
from zc.generationalset.sync.testing import StoreTests
from zc.generationalset.tests.support.stored import TYPE

NAMES = {'title': 'text', 'text': 'title', 'number': 'No.'}


class RenamingTests(StoreTests, unittest.TestCase):

    type = TYPE

    def make_store(self):
        def make(type):
            self.inner_type = type
            self.inner = MemoryAccessor(type.name)
            return self.inner

        return Store('renamed', {'issue': with_names(make, TYPE, NAMES)})

    def test_names(self):
        self.assertEqual(self.inner_type.key, ('text',))
        data = self.accessor.add(Data(
            'issue', None, {'title': 'a', 'text': 'b', 'number': 1}), '1')
        self.accessor.update(data.id, {'number': ABSENT, 'text': 'c'}, None)
        self.assertEqual(dict(self.inner.get(data.id).fields),
                         {'text': 'a', 'title': 'c'})
        self.inner.update(data.id, {'number': 7, 'day': None}, None)
        self.assertEqual(dict(self.accessor.get(data.id).fields),
                         {'title': 'a', 'text': 'c', 'day': None})

    def test_what_is_gone(self):
        cursor = self.find()[0].cursor
        data = self.add()
        self.accessor.remove(data.id, None)
        [gone] = self.find(cursor)[1]
        self.assertIsInstance(gone, Gone)

    def test_mistakes(self):
        type = Type('issue', {'a': 'str', 'b': 'str'}, ['a'])
        for names in {'c': 'd'}, {'a': 1}, {'a': 'b'}:
            self.assertRaisesRegex(
                ValueError, '^issue.map: ', renamed, type, names)
        renamed(type, {'a': 'b', 'b': 'a'})
