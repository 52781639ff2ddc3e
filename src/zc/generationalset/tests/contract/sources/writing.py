"""Changes of a source, and of one that nobody can change."""

from concurrent.futures import ThreadPoolExecutor

from zc.generationalset.answers import Position
from zc.generationalset.sources import (
    Contended,
    NoItem,
    NoTree,
    ReadOnly,
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


class Writing(Base):

    def test_put(self):
        self.assertTrue(self.write(put('a', value=1)))
        self.assertFalse(self.write(put('a', value=2)))
        self.assertEqual(self.read_item('a'), 2)
        for path in [('x', 'a'), ('a', 'a'), ('x', 'a', 'b')]:
            with self.assertRaises(NoItem):
                self.write(put(*path))

    def test_what_is_there_already_is_no_change(self):
        self.write(put('a', value=1))
        position = self.position()
        self.assertFalse(self.write(put('a', value=1)))
        self.assertEqual(self.position(), position)

    def test_remove(self):
        self.write(put('a'), put('b'))
        with self.assertRaises(WrongKind):
            self.write(remove('a', is_set=True))
        self.write(remove('a', is_set=False), remove('b'))
        self.assertEqual(self.contents(), {})
        for path in [('a',), ('x',), ('x', 'b')]:
            with self.assertRaises(NoItem):
                self.write(remove(*path))

    def test_what_is_unchanged(self):
        first = self.position()
        self.write(put('a'), put('b'))
        before = self.position()
        paths = [(), ('a',), ('b',), ('x',), ('x', 'y'), ('a', 'b')]
        self.assertEqual(self.unchanged(before, *paths), paths)
        for path in (), ('a',), ('b',):
            self.assertEqual(self.unchanged(first, path), [])
            self.assertEqual(self.unchanged(
                first._replace(generation=0), path), [])
        self.write(put('b', value=1))
        self.assertEqual(
            self.unchanged(before, *paths),
            [('a',), ('x',), ('x', 'y'), ('a', 'b')])
        self.write(remove('a'), put('x'))
        self.assertEqual(self.unchanged(before, *paths), [])
        self.assertEqual(self.unchanged(self.position(), *paths), paths)

    def test_what_nobody_can_know_is_changed(self):
        self.write(put('a'))
        epoch, generation = self.position()
        for position in [
                Position(epoch, generation + 1), Position('x', generation),
                Position(None, generation)]:
            self.assertEqual(self.unchanged(position, ('a',), ('x',)), [])

    def test_own_changes_are_changes(self):
        self.write(put('a'), put('b'))
        before = self.position()
        self.assertEqual(self.write(several(
            put('a', value=1),
            lambda editor: editor.unchanged(('a',), before),
            lambda editor: editor.unchanged(('b',), before))),
            [False, False, True])

    def test_editors_read_what_they_have_written(self):
        def read(editor):
            with self.assertRaises(NoItem):
                editor.item(('a',))
            put('a', value=1)(editor)
            for ask in (editor.item, editor.document,
                        lambda path: editor.has(path, b'1')):
                for path in [('x',), ('x', 'a'), ('a', 'a')]:
                    with self.assertRaises(NoItem):
                        ask(path)
            with self.assertRaises(NoItem):
                editor.length(('a',))
            self.assertEqual(
                [editor.has(('a',), text) for text in (b'1', b'2')],
                [True, False])
            return editor.document(('a',)), editor.length(())

        self.assertEqual(self.write(read), (b'1', 1))

    def test_several_changes_are_one(self):
        end = self.source.listen(lambda: None)
        self.addCleanup(end)
        self.assertEqual(
            self.write(several(put('a'), put('b'), put('a'))),
            [True, True, False])
        self.assertEqual(self.contents(), {'a': 0, 'b': 0})

    def test_nothing_is_written_if_a_change_fails(self):
        class Refused(Exception):
            pass

        def refuse(editor):
            raise Refused

        position = self.position()
        for change, error in [
                (refuse, Refused), (remove('nothing'), NoItem)]:
            with self.assertRaises(error):
                self.write(several(put('a'), put('b'), change))
        self.assertEqual(self.contents(), {})
        self.assertEqual(self.position(), position)

    def test_no_tree(self):
        with self.assertRaises(NoTree):
            self.source.write('nothing', put('a'))
        with self.assertRaises(NoTree):
            self.source.renew('nothing', Position('e', 9))

    def test_writable(self):
        with self.source.snapshot() as snapshot:
            snapshot.check_writable(NAME)

    def test_all_write_at_once(self):
        def write(name):
            for number in range(15):
                try:
                    self.write(put(f'{name} {number}'))
                except (Contended, Unavailable):
                    self.write(put(f'{name} {number}'))

        before = self.position().generation
        with ThreadPoolExecutor(4) as threads:
            for _ in threads.map(write, 'abcd'):
                pass  # raises errors
        self.assertEqual(len(self.contents()), 60)
        self.check_numbers(before, 60)

    def test_own_writes_are_seen_at_once(self):
        for number in range(20):
            before = self.position().generation
            self.write(put('a', value=number))
            self.assertEqual(self.read_item('a'), number)
            self.assertEqual(self.position().generation, before + 1)

    def test_what_was_written_elsewhere_is_seen_by_writers(self):
        for number in range(20):
            self.write_elsewhere(put(f'{number}'))
            self.assertFalse(self.write(put(f'{number}')))

    def test_a_client_that_is_ahead(self):
        self.write(put('a', value=1))
        epoch, generation = self.position()
        answer = self.read(Position(epoch, generation + 5))
        self.assertEqual(
            (answer['reset'], answer['generation'], answer['contents']),
            ('ahead', generation, [('a', 1)]))

    def test_renew(self):
        self.write(put('a', value=1))
        epoch, generation = old = self.position()
        for seen in (old, Position('other', generation + 1),
                     old._replace(generation=generation - 1)):
            self.assertIsNone(self.source.renew(NAME, seen))
        self.assertEqual(self.position(), old)
        new = self.source.renew(NAME, old._replace(generation=generation + 1))
        self.assertNotIn(new, (epoch, None))
        self.assertEqual(self.position().epoch, new)
        self.assertEqual(self.read(old)['reset'], 'epoch')
        # The second process finds that the epoch is renewed.
        self.assertIsNone(self.source.renew(
            NAME, old._replace(generation=generation + 1)))


class Copied(Base):
    """A source that nobody can write to."""

    #: The URL at which its original takes writes.
    original = None

    def test_nobody_can_write(self):
        self.write(put('a'))
        position = self.position()
        with self.source.snapshot() as snapshot, \
                self.assertRaises(ReadOnly) as caught:
            snapshot.check_writable(NAME)
        self.assertEqual(caught.exception.source, self.original)
        called = []
        with self.assertRaises(ReadOnly) as caught:
            self.source.write(NAME, called.append)
        self.assertEqual(caught.exception.source, self.original)
        for outcome in self.source.write_all(
                [Write(NAME, called.append)] * 2):
            self.assertIsInstance(outcome.error, ReadOnly)
        self.assertEqual((called, self.position()), ([], position))

    def test_it_has_the_epoch_of_its_original(self):
        self.write(put('a'))
        epoch, generation = self.position()
        self.assertIsNone(self.source.renew(
            NAME, Position(epoch, generation + 1)))
        self.assertEqual(self.position(), (epoch, generation))
