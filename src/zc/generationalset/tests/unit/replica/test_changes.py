"""Many changes of a replica in an SQLite file need little memory."""

import gc
import weakref
from unittest import mock

from zc.generationalset.answers import Change, SubsetUpdates
from zc.generationalset.client import session
from zc.generationalset.documents import Document
from zc.generationalset.replica import Subset, changes, sqlite_writer
from zc.generationalset.replica.changes import MOST, Changes
from zc.generationalset.tests.support.replicas import answer
from zc.generationalset.tests.support.sqlite import Base

COUNT = 5 * MOST // 2


class Item(dict):
    """An item that is counted as long as it is in memory."""

    alive = weakref.WeakSet()
    most = 0

    def __init__(self, value):
        super().__init__(value)
        self.alive.add(self)
        Item.most = max(Item.most, len(self.alive))

    def __hash__(self):
        return id(self)


class ChangesTests(Base):

    def setUp(self):
        super().setUp()
        self.replica = self.open()
        self.replica.apply(answer(0, 1, contents=[
            SubsetUpdates(id='s', contents=[('x', {'n': -1})]),
            *((number, {'n': number}) for number in range(COUNT))]))

    def check_removed(self, updates, others=()):
        """Expect that all goes, with few items in memory at any time."""
        Item.most = 0
        read = sqlite_writer.stored_value

        def counted(text):
            return Item(read(text))

        with (mock.patch.object(sqlite_writer, 'stored_value', counted),
              mock.patch.object(changes, 'stored_value', counted)):
            found = self.replica.apply(updates)
            self.assertEqual(len(found), 1 + COUNT + len(others))
            paths = [change.path for change in found]
        self.assertEqual(
            paths, [('s',), *((number,) for number in range(COUNT)),
                    *(change.path for change in others)])
        gc.collect()
        self.assertGreater(Item.most, MOST // 2)
        self.assertLess(Item.most, 2 * MOST + 200)
        self.assertEqual(found[0], Change('removed', ('s',), Subset()))
        self.assertIs(type(found[0].item), Subset)
        self.assertEqual(found[7], Change('removed', (6,), {'n': 6}))
        self.assertEqual(found[len(found) - len(others):], list(others))

    def test_a_reset_in_pages(self):
        self.check_removed(
            answer(1, 9, reset='epoch', epoch='f', since_epoch='e', next='c',
                   adds=[('a', 1)]),
            [Change('added', ('a',), 1)])

    def test_contents(self):
        self.check_removed(answer(1, 9, contents=[]))

    def test_few_changes_are_a_list(self):
        found = self.replica.apply(answer(1, 9, adds=[
            (number, 'new') for number in range(MOST)]))
        self.assertIs(type(found), list)
        self.assertEqual(len(found), MOST)

    def test_objects_of_an_application(self):
        """They are what was given, however many there are."""
        document = Document('d', {'n': 1})
        found = self.replica.apply(answer(1, 9, adds=[
            (number, document) for number in range(-COUNT, 0)]))
        self.assertEqual(len(found), COUNT)
        for change in found:
            self.assertIs(change.item, document)

    def test_they_stay_when_more_come(self):
        found = self.replica.apply(answer(1, 9, contents=[]))
        self.replica.apply(answer(9, 10, adds=[('a', 1)]))
        self.opened.close()
        self.assertEqual(found[COUNT], Change(
            'removed', (COUNT - 1,), {'n': COUNT - 1}))


class SequenceTests(Base):

    def test_as_a_list(self):
        """Where most are in a file, some in memory, and paths are long."""
        found, expected = Changes(), []
        for number in range(2 * MOST + 3):
            change = Change('added', ('s', (number, 'x')), [b'x', number])
            found.note(*change)
            expected.append(change)
        self.assertEqual(list(found), expected)
        self.assertEqual(len(found), len(expected))
        for index in 0, MOST, -1, -2 * MOST - 3, 2 * MOST:
            self.assertEqual(found[index], expected[index])
        for index in len(expected), -len(expected) - 1:
            with self.assertRaises(IndexError):
                found[index]
        self.assertEqual(found[5:-1:700], expected[5:-1:700])
        self.assertIn(expected[3], found)

    def test_what_json_does_not_have(self):
        """Tables have such values, too; they stay in memory."""
        found = Changes()
        expected = [Change('removed', (path,), item) for path, item in [
            (1, {'text': '\udcff'}), ('\udcff', 2), (3, object()), (4, None)]]
        expected += [Change('added', (number,), number)
                     for number in range(MOST)]
        for change in expected:
            found.note(*change)
        self.assertEqual(list(found), expected)
        self.assertEqual(found[:5], expected[:5])

    def collected(self, *sequences):
        collected = session.Collected()
        for each in sequences:
            collected.add(each)
        return collected.result()

    def test_collected(self):
        """A client reads them only if there are others."""
        unread = mock.MagicMock()
        unread.__iter__.side_effect = AssertionError
        self.assertIs(self.collected([], unread), unread)
        self.assertIs(self.collected(unread, []), unread)
        one, other = Change('added', (1,), 1), Change('removed', (2,), 2)
        self.assertEqual(self.collected([one], [other]), [one, other])

    def test_collected_of_many_pages(self):
        """What came before isn't copied again; what is given stays."""
        changes = [Change('added', (number,), number) for number in range(10)]
        pages = [[change] for change in changes]
        self.assertEqual(self.collected(*pages, []), changes)
        self.assertEqual(pages, [[change] for change in changes])
        collected = session.Collected()
        for page in pages[:9]:
            collected.add(page)
        before = collected.result()
        collected.add(pages[9])
        self.assertIs(collected.result(), before)
