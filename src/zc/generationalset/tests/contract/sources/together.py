"""Changes that share transactions: each is as if it were alone."""

import json
import random
from concurrent.futures import ThreadPoolExecutor

from zc.generationalset.sources import (
    Contended,
    NoItem,
    NoTree,
    Unavailable,
    Write,
    WrongKind,
)
from zc.generationalset.tests.contract.sources.base import (
    NAME,
    Base,
    put,
    remove,
    several,
)


class Refused(Exception):
    pass


class Killing(BaseException):
    pass


def fail(error):
    def change(editor):
        raise error
    return change


def add(value):
    """Return a change that adds to a sum that all writers share."""
    def change(editor):
        total = json.loads(editor.document(('sum',))) + value
        editor.put(('sum',), json.dumps(total).encode())
    return change


class Together(Base):

    def test_each_has_its_own_outcome(self):
        before = self.position().generation
        self.assertEqual(self.write_all(
            put('a', value=1), remove('x'), put('b', value=2),
            put('a', value=1), remove('a', is_set=True), put('x', 'y'),
            put('a', value=2), remove('b')),
            [True, NoItem, True, False, WrongKind, NoItem, False, None])
        self.assertEqual(self.contents(), {'a': 2})
        self.check_numbers(before, 4)

    def test_outcomes_raise_their_errors(self):
        [refused] = self.source.write_all([Write(NAME, remove('x'))])
        with self.assertRaises(NoItem):
            refused.get()
        [made] = self.source.write_all([Write(NAME, put('x'))])
        self.assertTrue(made.get())

    def test_nothing(self):
        self.assertEqual(self.source.write_all([]), [])

    def test_they_are_in_order(self):
        self.assertEqual(self.write_all(
            *[put('a', value=number) for number in range(9)], remove('a'),
            put('a', value=10), put('a', value=11)),
            [True] + [False] * 8 + [None, True, False])
        self.assertEqual(self.contents(), {'a': 11})

    def test_conditions_see_those_before(self):
        self.write(put('a'), put('b'))
        before = self.position()

        def unchanged(editor):
            return [editor.unchanged((id,), before) for id in 'ab']

        self.assertEqual(
            self.write_all(unchanged, put('a', value=1), unchanged, put('b'),
                           unchanged, remove('b'), unchanged),
            [[True, True], False, [False, True], False, [False, True], None,
             [False, False]])
        after = self.position()
        [outcome] = self.write_all(
            lambda editor: [editor.unchanged((id,), after) for id in 'ab'])
        self.assertEqual(outcome, [True, True])

    def test_one_that_fails_halfway_changes_nothing(self):
        halfway = several(put('a', value=9), put('x'), fail(Refused()))
        self.assertEqual(
            self.write_all(put('a'), halfway, halfway, put('b'),
                           several(remove('a'), remove('x')), put('c')),
            [True, Refused, Refused, True, NoItem, True])
        self.assertEqual(self.contents(), {'a': 0, 'b': 0, 'c': 0})

    def test_the_first_and_the_last_fail(self):
        halfway = several(put('x'), fail(Refused()))
        self.assertEqual(
            self.write_all(halfway, put('a'), put('b'), halfway),
            [Refused, True, True, Refused])
        self.assertEqual(self.contents(), {'a': 0, 'b': 0})

    def test_any_error_is_its_own(self):
        changes = []
        errors = [ValueError, Killing, KeyError, StopIteration, SystemExit]
        for error in errors:
            changes += [
                put(error.__name__), fail(error()),
                several(put('x'), fail(error()))]
        self.assertEqual(self.write_all(*changes), [
            outcome for error in errors for outcome in (True, error, error)])
        self.assertEqual(
            set(self.contents()), {error.__name__ for error in errors})

    def test_a_tree_that_is_not_there(self):
        outcomes = self.source.write_all([
            Write(NAME, put('a')), Write('nothing', put('a')),
            Write(NAME, put('b'))])
        self.assertEqual([type(outcome.error) for outcome in outcomes],
                         [type(None), NoTree, type(None)])
        self.assertEqual(self.contents(), {'a': 0, 'b': 0})

    def test_many(self):
        before = self.position().generation
        self.assertEqual(
            self.write_all(*[put(f'{number}') for number in range(300)]),
            [True] * 300)
        self.assertEqual(len(self.contents()), 300)
        self.check_numbers(before, 300)

    def test_all_write_together(self):
        """Several threads write, each as a model of its items says."""
        self.write(put('sum'))
        writers = [_Writer(self, name) for name in 'abc']
        with ThreadPoolExecutor(len(writers)) as threads:
            for _ in threads.map(_Writer.run, writers):
                pass  # raises errors
        expected = {'sum': sum(writer.sum for writer in writers)}
        for writer in writers:
            expected |= writer.items
        self.assertEqual(self.contents(), expected)


class _Writer:
    """Has items of its own, and counts with all others."""

    def __init__(self, test, name):
        self._test = test
        self._random = random.Random(name)
        self._name = name
        self.items = {}
        self.sum = 0

    def run(self):
        for _ in range(12):
            kinds = [self._kind() for _ in range(self._random.randrange(1, 8))]
            outcomes = self._test.write_all(*[
                change for change, _ in kinds])
            for outcome, (_, expected) in zip(outcomes, kinds, strict=True):
                # What competing writers keep from being written isn't there.
                if outcome not in (Contended, Unavailable):
                    self._test.assertEqual(outcome, expected())

    def _kind(self):
        """Return a change, and a function that makes it in the model."""
        id = f'{self._name}{self._random.randrange(4)}'
        value = self._random.randrange(3)
        kind = self._random.choice([
            self._put, self._remove, self._add, self._fail])
        return kind(id, value)

    def _put(self, id, value):
        def expected():
            is_new = id not in self.items
            self.items[id] = value
            return is_new
        return put(id, value=value), expected

    def _remove(self, id, value):
        def expected():
            return NoItem if self.items.pop(id, None) is None else None
        return remove(id), expected

    def _add(self, id, value):
        """Add to the sum, and remove an item, or do neither."""
        def expected():
            if self.items.pop(id, None) is None:
                return NoItem
            self.sum += value
            return [None, None]
        return several(add(value), remove(id)), expected

    def _fail(self, id, value):
        return several(add(value), put(id), fail(Refused())), lambda: Refused
