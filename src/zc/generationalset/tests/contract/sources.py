"""The contract of sources: what a server needs of every source.

A test of a source mixes ``Source`` into a ``unittest.TestCase``.
"""

import json
import random
import threading
from concurrent.futures import ThreadPoolExecutor

from zope.testing.wait import Wait

from zc.generationalset import wire
from zc.generationalset.answers import NOTHING, Position, SubsetUpdates
from zc.generationalset.replica import Replica
from zc.generationalset.sources import (
    Contended,
    NoItem,
    NoTree,
    ReadOnly,
    Unavailable,
    WrongKind,
)
from zc.generationalset.sources import Source as ISource

wait = Wait(timeout=30, wait=0.01)

#: The name of the tree.
NAME = 'things'


def put(*path, value=0):
    return lambda editor: editor.put(path, json.dumps(value).encode())


def make_set(*path):
    return lambda editor: editor.make_set(path)


def remove(*path, is_set=None):
    return lambda editor: editor.remove(path, is_set)


def several(*changes):
    return lambda editor: [change(editor) for change in changes]


class Base:
    """What the contract needs of a test."""

    #: The source that is tested; it has an empty tree of this name.
    source = None

    def write(self, *changes):
        """Change the tree, and return what the last change returns."""
        for change in changes:
            result = self.source.write(NAME, change)
        return result

    def write_elsewhere(self, change):
        """Change the tree, in another process if sources can do that."""
        self.write(change)

    def position(self):
        with self.source.snapshot() as snapshot:
            return snapshot.position(NAME)

    def read(self, asked):
        """Return an answer as a client gets it."""
        with self.source.snapshot() as snapshot:
            return wire.decode(wire.encode(snapshot.updates(NAME, asked)))

    def sync(self, replica):
        answer = self.read(Position(replica.epoch, replica.generation))
        replica.apply(answer)
        return answer

    def contents(self):
        replica = Replica()
        self.sync(replica)
        return replica.items

    def read_item(self, *path):
        with self.source.snapshot() as snapshot:
            return json.loads(wire.encode_value(snapshot.item(NAME, path)))

    def length(self, *path):
        with self.source.snapshot() as snapshot:
            return snapshot.length(NAME, path)


class Reading(Base):
    """The contract of reading, also for sources that nobody can write to."""

    def test_interface(self):
        self.assertIsInstance(self.source, ISource)
        self.assertIsInstance(self.source.may_be_behind, bool)
        for kind in self.source.failures:
            self.assertTrue(issubclass(kind, Exception))

    def test_trees(self):
        with self.source.snapshot() as snapshot:
            for ask in (
                    lambda: snapshot.position('nothing'),
                    lambda: snapshot.updates('nothing', NOTHING),
                    lambda: snapshot.item('nothing', ('a',)),
                    lambda: snapshot.length('nothing', ()),
                    lambda: snapshot.check_writable('nothing')):
                with self.assertRaises(NoTree):
                    ask()

    def test_items(self):
        self.write(put('a', value=1), make_set('s'), put('s', 'b', value=2))
        self.assertEqual(self.read_item('a'), 1)
        self.assertEqual(self.read_item('s', 'b'), 2)
        self.assertEqual((self.length(), self.length('s')), (2, 1))
        for path in [('x',), ('s',), ('s', 'x'), ('x', 'b'), ('a', 'b')]:
            with self.subTest(path=path), self.assertRaises(NoItem):
                self.read_item(*path)
        for path in [('x',), ('a',), ('s', 'b'), ('s', 'x'), ('a', 'b')]:
            with self.subTest(path=path), self.assertRaises(NoItem):
                self.length(*path)

    def test_answers_repeat_the_question(self):
        self.write(put('a'), put('b'))
        position = self.position()
        for asked in NOTHING, position, position._replace(
                generation=position.generation - 1):
            answer = self.read(asked)
            self.assertEqual(answer['since'], asked.generation)
            self.assertEqual(
                (answer['epoch'], answer['generation']), position)
        self.assertEqual(self.read(position).keys(), {
            'epoch', 'since', 'generation'})

    def test_contents(self):
        answer = self.read(NOTHING)
        self.assertEqual(answer['contents'], [])
        self.write(put('a', value=1), make_set('s'), put('s', 'b', value=2))
        self.assertCountEqual(self.read(NOTHING)['contents'], [
            ('a', 1), SubsetUpdates(id='s', contents=[('b', 2)])])

    def test_another_epoch(self):
        self.write(put('a', value=1))
        epoch, generation = self.position()
        answer = self.read(Position('other', generation))
        self.assertEqual(
            (answer['reset'], answer['since_epoch'], answer['epoch']),
            ('epoch', 'other', epoch))
        self.assertEqual(answer['contents'], [('a', 1)])

    def test_what_changed(self):
        self.write(put('a'), put('b'), make_set('s'), put('s', 'c'))
        replica = Replica()
        self.sync(replica)
        self.write(put('a', value=1), remove('b'), put('s', 'd', value=2))
        answer = self.sync(replica)
        self.assertEqual(answer['removals'], ['b'])
        self.assertEqual(answer['adds'], [
            ('a', 1), SubsetUpdates(id='s', adds=[('d', 2)])])
        self.assertEqual(replica.items, {'a': 1, 's': {'c': 0, 'd': 2}})

    def test_sets_that_are_made_again(self):
        self.write(make_set('s'), put('s', 'a'))
        replica = Replica()
        self.sync(replica)
        self.write(remove('s'), make_set('s'), put('s', 'b'))
        self.sync(replica)
        self.assertEqual(replica.items, {'s': {'b': 0}})

    def test_clients_from_everywhere(self):
        """All clients, from any generation, have the same afterwards."""
        chance = random.Random(4)
        replicas = [Replica()]
        for _ in range(60):
            self.write_elsewhere(self._random_change(chance))
            self.source.catch_up()
            replica = Replica()
            self.sync(replica)
            for other in chance.sample(replicas, len(replicas) // 3):
                self.sync(other)
                self.assertEqual(other.items, replica.items)
            replicas.append(replica)

    def _random_change(self, chance):
        """Return a change that is valid whatever the tree has."""
        sets = [(), *[(id,) for id, ob in self.contents().items()
                      if isinstance(ob, dict)]]
        gset = chance.choice(sets)
        held = self.contents()
        for id in gset:
            held = held[id]
        if held and chance.random() < .4:
            return remove(*gset, chance.choice(sorted(held)))
        if not gset and chance.random() < .2:
            return make_set(f's{chance.randrange(4)}')
        return put(*gset, f'i{chance.randrange(10)}', value=chance.random())

    def test_a_snapshot_does_not_change(self):
        self.write(*[put(f'{number}') for number in range(20)])
        with self.source.snapshot() as snapshot:
            before = snapshot.position(NAME)
            updates = snapshot.updates(NAME, NOTHING)
            entries = iter(updates['contents'])
            seen = [next(entries)]
            self.write_elsewhere(put('new'))
            self.write_elsewhere(remove('19'))
            seen += entries
            self.assertEqual(len(seen), 20)
            self.assertEqual(snapshot.position(NAME), before)
            self.assertEqual(snapshot.length(NAME, ()), 20)
            snapshot.trim()
            snapshot.item(NAME, ('19',))
        self.source.catch_up()
        self.assertEqual(self.length(), 20)
        with self.assertRaises(NoItem):
            self.read_item('19')

    def test_who_listens_is_told(self):
        told = threading.Event()
        end = self.source.listen(told.set)
        self.addCleanup(end)
        for number in range(5):
            before = self.source.count
            self.write_elsewhere(put(f'{number}'))
            self.assertTrue(told.wait(30))
            told.clear()
            # Storages that are asked may answer a little later.
            wait(lambda before=before: self.source.count > before)
            with self.source.snapshot() as snapshot:
                self.assertGreater(snapshot.count, before)
                snapshot.item(NAME, (f'{number}',))
        end()

    def test_who_does_not_listen_any_more_is_not_told(self):
        told = []
        self.source.listen(lambda: told.append(1))()
        self.write(put('a'))
        self.assertEqual(told, [])

    def test_look(self):
        told = []
        end = self.source.listen(lambda: told.append(1))
        self.addCleanup(end)
        before = self.source.count
        self.source.look()
        self.assertGreater(self.source.count, before)
        self.assertTrue(told)

    def test_what_was_counted_can_be_read(self):
        """Otherwise a server would take an old answer for a new one."""
        end = self.source.listen(lambda: None)
        self.addCleanup(end)
        known = [(self.source.count, self.position().generation)]
        wrong = []

        def read():
            while len(known) < 30:
                count, generation = known[-1]
                with self.source.snapshot() as snapshot:
                    found = snapshot.position(NAME).generation
                    if snapshot.count < count or found < generation:
                        wrong.append((count, generation, found))

        threads = [threading.Thread(target=read) for _ in range(2)]
        for thread in threads:
            thread.start()
        for number in range(30):
            self.write(put(f'{number}'))
            known.append((self.source.count, self.position().generation))
        for thread in threads:
            thread.join(30)
        self.assertEqual(wrong, [])


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


class Source(Reading, Writing):
    """The whole contract."""

