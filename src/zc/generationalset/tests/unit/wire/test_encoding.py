"""Answers as JSON."""

import datetime
import math
import tracemalloc
import unittest

from hypothesis import given
from hypothesis import strategies as st

from zc.generationalset import wire
from zc.generationalset.answers import SubsetUpdates
from zc.generationalset.tests.support import strategies
from zc.generationalset.tests.support.properties import tries
from zc.generationalset.tests.support.values import BAD_EPOCHS

SETTINGS = tries(40)


class Stored:
    """An item that has its JSON text."""

    def __init__(self, text):
        self.text = text

    def __wire__(self):
        return self.text


def updates(**members):
    return {'epoch': 'e', 'since': 3, 'generation': 5, **members}


def streamed(updates):
    """Return updates whose entries can be read only once."""
    result = type(updates)(updates)
    for name in {'removals', 'adds', 'contents'} & result.keys():
        result[name] = (
            streamed(entry) if isinstance(entry, SubsetUpdates) else entry
            for entry in updates[name])
    return result


class EncodeTests(unittest.TestCase):

    def encoded(self, default=None, **members):
        head = b'{"format":1,"epoch":"e","since":3,"generation":5'
        text = wire.encode(updates(**members), default)
        self.assertTrue(text.startswith(head), text)
        return text[len(head):].decode()

    def test_what_is_written(self):
        moment = datetime.date(2026, 11, 21)
        for members, text in [
                ({}, '}'),
                ({'removals': ['ann', 1.0]}, ',"removals":["ann",1]}'),
                ({'removals': [], 'adds': []}, '}'),
                ({'contents': []}, ',"contents":[]}'),
                ({'adds': [('a', {'b': (1,)}), (2, None)]},
                 ',"adds":[["a",{"b":{"$tuple":[1]}}],[2,null]]}'),
                ({'adds': [(moment, moment)]},
                 ',"adds":[[{"$date":"2026-11-21"},{"$date":"2026-11-21"}]]}'),
                ({'adds': [('a', Stored(b'{"b": 1}')), (2, Stored(b'3'))],
                  'removals': ['b']},
                 ',"removals":["b"],"adds":[["a",{"b": 1}],[2,3]]}'),
                ({'contents': [
                    ('a', 1), SubsetUpdates(id=('b', 2), removals=['c']),
                    SubsetUpdates(id=3), SubsetUpdates(id=4, contents=[]),
                    SubsetUpdates(id=5, adds=[
                        SubsetUpdates(id='d', contents=[('e', {})])])]},
                 ',"contents":[["a",1],'
                 '{"id":{"$tuple":["b",2]},"removals":["c"]},'
                 '{"id":3},{"id":4,"contents":[]},'
                 '{"id":5,"adds":[{"id":"d","contents":[["e",{}]]}]}]}'),
                ({'reset': 'epoch', 'since_epoch': None, 'contents': []},
                 ',"since_epoch":null,"reset":"epoch","contents":[]}'),
                ({'adds': [('a', {'id': 'b', 'adds': []})]},
                 ',"adds":[["a",{"id":"b","adds":[]}]]}'),
        ]:
            with self.subTest(text=text):
                self.assertEqual(self.encoded(**members), text)
                lazy = streamed(members)
                self.assertEqual(self.encoded(**lazy), text)

    def test_order_of_members(self):
        self.assertEqual(
            wire.encode({'adds': [('b', 1)], 'removals': ['a'],
                         'generation': 5, 'since': 3, 'epoch': None}),
            b'{"format":1,"epoch":null,"since":3,"generation":5,'
            b'"removals":["a"],"adds":[["b",1]]}')

    def test_default(self):
        self.assertEqual(
            self.encoded(lambda ob: [repr(ob)], adds=[('a', {'b': 1j})]),
            ',"adds":[["a",{"b":["1j"]}]]}')

    def test_not_updates(self):
        for bad, error, text in [
                ({}, ValueError, 'with epoch, generation, since, .*got {}'),
                ({'generation': 5, 'adds': [1]}, ValueError,
                 'updates with epoch, since, '),
                (updates(generation=2 ** 53), ValueError, 'at most 900719'),
                (updates(since=2 ** 53), ValueError, 'at most 900719'),
                (updates(reset='ahead'), ValueError, 'contents with a reset'),
                (updates(contents=[], adds=[]), ValueError, 'got both'),
                (updates(contents=[], removals=[]), ValueError, 'got both'),
                (updates(adds=['ab']), TypeError, "tuple of id.*'ab'"),
                (updates(adds=[['a', 1]]), TypeError, 'tuple of id'),
                (updates(adds=[{'id': 'a', 'adds': []}]), TypeError, 'Subset'),
                (updates(adds=[(None, 1)]), TypeError, 'an id that'),
                (updates(removals=[None]), TypeError, 'an id that'),
                (updates(adds=[SubsetUpdates(id=None)]), TypeError, 'an id t'),
                (updates(adds=[('a', 1j)]), TypeError, 'form in JSON.*1j'),
                (updates(adds=[('a', Stored(None))]), TypeError, '__wire__'),
                (updates(adds=[('\ud800', Stored(b'1'))]), ValueError,
                 'lone surrogates'),
                (updates(since_epoch='\ud800', reset='', contents=[]),
                 ValueError, 'lone surrogates'),
                *[(updates(epoch=epoch), ValueError, 'an epoch, 1 to 200')
                  for epoch in BAD_EPOCHS]]:
            with self.subTest(updates=bad):
                with self.assertRaisesRegex(error, f'expected .*{text}'):
                    wire.encode(bad)
                with self.assertRaisesRegex(error, text):
                    list(wire.encode_chunks(bad))

    def test_deepest(self):
        value = 1
        for _ in range(100):
            value = [value]
        subset = SubsetUpdates(id=0, contents=[(0, value)])
        for id in range(1, 40):
            subset = SubsetUpdates(id=id, adds=[subset])
        deep = updates(contents=[subset])
        self.assertEqual(wire.decode(wire.encode(deep)), deep)
        with self.assertRaisesRegex(ValueError, 'at most 40 subsets'):
            wire.encode(updates(adds=[SubsetUpdates(id=0, adds=[subset])]))


class ChunksTests(unittest.TestCase):

    def test_laziness(self):
        read = []

        def entries():
            for number in range(10_000):
                read.append(number)
                yield f'{number:05}', Stored(b'"%089d"' % number)

        chunks = wire.encode_chunks(
            updates(contents=entries()), size=10_000)
        self.assertEqual(read, [])
        chunk = next(chunks)
        self.assertLess(len(chunk), 10_300)
        for count in range(1, 50):
            self.assertLessEqual(len(read), 100 * count)
            chunk = next(chunks)
            self.assertTrue(10_000 <= len(chunk) < 10_110, len(chunk))

    def test_first_chunk(self):
        lists = [(number, [number] * 10_000) for number in range(9)]
        chunks = list(wire.encode_chunks(updates(adds=lists)))
        self.assertLess(len(chunks[0]), 120_000)
        small = [(number, None) for number in range(100_000)]
        chunks = list(wire.encode_chunks(updates(adds=small)))
        self.assertLess(len(chunks[0]), 1500)
        self.assertGreaterEqual(
            min(map(len, chunks[1:-1])), 65536)
        self.assertLess(max(map(len, chunks)), 65600)

    def test_inner_entries_are_streamed(self):
        read = []

        def entries(depth):
            for number in range(2000):
                read.append(number)
                yield (number, 'x' * 100) if depth == 0 else SubsetUpdates(
                    id=number, contents=entries(depth - 1))

        chunks = wire.encode_chunks(
            updates(contents=entries(2)), size=1000)
        for _ in range(100):
            self.assertLess(len(next(chunks)), 1300)
        self.assertLess(len(read), 1100)

    def test_what_can_not_be_encoded_is_told_and_replaced(self):
        told = []
        thing = object()
        text = b''.join(wire.encode_chunks(
            updates(adds=[('a', thing), (thing, 1), (math.nan, 1),
                          SubsetUpdates(id='s', adds=[('b', thing)])]),
            unreadable=lambda path, error: told.append(path)))
        self.assertEqual(told, [('a',), (thing,), (math.nan,), ('s', 'b')])
        (id, item), subset = wire.decode(text)['adds']
        self.assertEqual((id, item), ('a', wire.UNREADABLE))
        self.assertEqual(subset, SubsetUpdates(
            id='s', adds=[('b', wire.UNREADABLE)]))

    def test_memory(self):
        entries = ((number, 'x' * 100) for number in range(50_000))
        tracemalloc.start()
        try:
            size = sum(map(len, wire.encode_chunks(
                updates(contents=entries))))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        self.assertGreater(size, 5_000_000)
        self.assertLess(peak, 400_000)

    @SETTINGS
    @given(strategies.updates(), st.integers(1, 200))
    def test_same_as_encode(self, updates, size):
        chunks = list(wire.encode_chunks(streamed(updates), size=size))
        self.assertEqual(b''.join(chunks), wire.encode(updates))
        self.assertNotIn(b'', chunks)
        for chunk in chunks[:-1]:
            self.assertGreaterEqual(len(chunk), min(size, 35))
