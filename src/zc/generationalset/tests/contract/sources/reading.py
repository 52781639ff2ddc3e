"""What is read of a source, and who is told of changes."""

import threading

from zope.testing.wait import Wait

from zc.generationalset.answers import NOTHING, Position
from zc.generationalset.replica import Replica
from zc.generationalset.sources import NoItem, NoTree, Source
from zc.generationalset.tests.contract.sources.base import (
    NAME,
    Base,
    put,
    remove,
)

wait = Wait(timeout=90, wait=0.01)


class Reading(Base):
    """The contract of reading, also for sources that nobody can write to."""

    def test_interface(self):
        self.assertIsInstance(self.source, Source)
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
        self.write(put('a', value=1), put('b', value=2))
        self.assertEqual(self.read_item('a'), 1)
        self.assertEqual(self.length(), 2)
        for path in [('x',), ('x', 'b'), ('a', 'b')]:
            with self.subTest(path=path), self.assertRaises(NoItem):
                self.read_item(*path)
        for path in [('x',), ('a',), ('a', 'b')]:
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
        self.write(put('a', value=1), put('b', value=2))
        self.assertCountEqual(
            self.read(NOTHING)['contents'], [('a', 1), ('b', 2)])

    def test_another_epoch(self):
        self.write(put('a', value=1))
        epoch, generation = self.position()
        answer = self.read(Position('other', generation))
        self.assertEqual(
            (answer['reset'], answer['since_epoch'], answer['epoch']),
            ('epoch', 'other', epoch))
        self.assertEqual(answer['contents'], [('a', 1)])

    def test_what_changed(self):
        self.write(put('a'), put('b'), put('c'))
        replica = Replica()
        self.sync(replica)
        self.write(put('a', value=1), remove('b'), put('d', value=2))
        answer = self.sync(replica)
        self.assertEqual(answer['removals'], ['b'])
        self.assertEqual(answer['adds'], [('a', 1), ('d', 2)])
        self.assertEqual(replica.items, {'a': 1, 'c': 0, 'd': 2})

    def test_clients_from_everywhere(self):
        """All clients, from any generation, have the same afterwards."""
        self.check_clients_from_everywhere(self._random_change)

    def _random_change(self, chance):
        """Return a change that is valid whatever the tree has."""
        held = self.contents()
        if held and chance.random() < .4:
            return remove(chance.choice(sorted(held)))
        return put(f'i{chance.randrange(10)}', value=chance.random())

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
            self.assertTrue(told.wait(90))
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
            thread.join(90)
        self.assertEqual(wrong, [])
