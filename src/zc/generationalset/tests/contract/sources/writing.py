"""Changes of a source, and of one that nobody can change."""

from concurrent.futures import ThreadPoolExecutor

from zc.generationalset.answers import Position
from zc.generationalset.sources import (
    Contended,
    NoItem,
    NoTree,
    ReadOnly,
    Unavailable,
    WrongKind,
)
from zc.generationalset.tests.contract.sources.base import (
    NAME,
    Base,
    make_set,
    put,
    remove,
    several,
)


class Writing(Base):

    def test_put(self):
        self.assertTrue(self.write(put('a', value=1)))
        self.assertFalse(self.write(put('a', value=2)))
        self.assertEqual(self.read_item('a'), 2)
        self.assertTrue(self.write(make_set('s')))
        self.assertTrue(self.write(put('s', 'a')))
        for path in [('x', 'a'), ('a', 'a'), ('s', 'a', 'b')]:
            with self.assertRaises(NoItem):
                self.write(put(*path))
        with self.assertRaises(WrongKind):
            self.write(put('s'))

    def test_what_is_there_already_is_no_change(self):
        self.write(put('a', value=1), make_set('s'))
        position = self.position()
        self.assertFalse(self.write(put('a', value=1)))
        self.assertFalse(self.write(make_set('s')))
        self.assertEqual(self.position(), position)

    def test_make_set(self):
        self.write(put('a'))
        with self.assertRaises(WrongKind):
            self.write(make_set('a'))
        for path in [('x', 's'), ('a', 's')]:
            with self.assertRaises(NoItem):
                self.write(make_set(*path))
        self.write(make_set('s'), make_set('s', 't'), put('s', 't', 'a'))
        self.assertEqual(self.length('s', 't'), 1)

    def test_remove(self):
        self.write(put('a'), make_set('s'), put('s', 'b'))
        for path, is_set in ('a', True), ('s', False):
            with self.assertRaises(WrongKind):
                self.write(remove(path, is_set=is_set))
        self.write(remove('a', is_set=False), remove('s', 'b'),
                   remove('s', is_set=True))
        self.assertEqual(self.contents(), {})
        for path in [('a',), ('s',), ('s', 'b')]:
            with self.assertRaises(NoItem):
                self.write(remove(*path))

    def unchanged(self, position, *paths):
        """Return those of some paths that are as they were at a position."""
        return self.write(lambda editor: [
            path for path in paths if editor.unchanged(path, position)])

    def test_what_is_unchanged(self):
        first = self.position()
        self.write(put('a'), make_set('s'), put('s', 'b'), put('s', 'c'))
        before = self.position()
        paths = [(), ('a',), ('s',), ('s', 'b'), ('s', 'c'), ('s', 'x'),
                 ('x',), ('x', 'y'), ('a', 'b')]
        self.assertEqual(self.unchanged(before, *paths), paths)
        for generation in 0, first.generation:
            self.assertEqual(self.unchanged(
                first._replace(generation=generation), *paths),
                [('x',), ('x', 'y')])
        self.write(put('s', 'b', value=1))
        self.assertEqual(
            self.unchanged(before, *paths),
            [('a',), ('s', 'c'), ('s', 'x'), ('x',), ('x', 'y'), ('a', 'b')])
        self.write(remove('a'), remove('s', 'c'), put('x'))
        self.assertEqual(self.unchanged(before, *paths), [('s', 'x')])
        self.assertEqual(self.unchanged(self.position(), *paths), paths)

    def test_a_set_that_is_made_again_is_another_one(self):
        self.write(make_set('s'), put('s', 'a'))
        before = self.position()
        self.write(remove('s'))
        paths = [('s',), ('s', 'a'), ('s', 'x')]
        self.assertEqual(self.unchanged(before, *paths), [])
        self.write(make_set('s'), put('s', 'a'))
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
            make_set('s')(editor)
            for ask in editor.item, editor.document:
                for path in [('s',), ('x',), ('x', 'a'), ('a', 'a')]:
                    with self.assertRaises(NoItem):
                        ask(path)
            with self.assertRaises(NoItem):
                editor.length(('a',))
            return (editor.document(('a',)), editor.length(()),
                    editor.length(('s',)))

        self.assertEqual(self.write(read), (b'1', 2, 0))

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
        self.assertEqual(self.position().generation, before + 60)

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
        self.assertEqual((called, self.position()), ([], position))

    def test_it_has_the_epoch_of_its_original(self):
        self.write(put('a'))
        epoch, generation = self.position()
        self.assertIsNone(self.source.renew(
            NAME, Position(epoch, generation + 1)))
        self.assertEqual(self.position(), (epoch, generation))
