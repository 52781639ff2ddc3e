"""What every kind of replica must do, and helpers to inspect them."""

import json

from zc.generationalset import wire
from zc.generationalset.interfaces import SubsetUpdates
from zc.generationalset.replica import Change, Misfit, Subset
from zc.generationalset.replica.sqlite_items import StoredSet
from zc.generationalset.tests.support.places import VECTORS


def answer(since, generation, epoch='e', **members):
    """Return an answer."""
    return {'epoch': epoch, 'since': since, 'generation': generation,
            **members}


def state(replica):
    """Return the whole state of a replica."""
    return replica.generation, replica.epoch, texts(replica.items)


def texts(items):
    """Return the items of a set as texts, in which 1 and True differ."""
    return {id: Subset(texts(item)) if isinstance(item, Subset | StoredSet)
            else text(item) for id, item in items.items()}


def text(item):
    return json.dumps(json.loads(wire.encode_value(item)), sort_keys=True)


def order(items):
    """Return the ids of a set, and of its subsets, in their order."""
    return [(id, order(item)) if isinstance(item, Subset | StoredSet) else id
            for id, item in items.items()]


def replay(changes, items):
    """Apply changes to a dictionary like the items of a replica."""
    for kind, path, item in changes:
        *supersets, id = path
        there = items
        for superset in supersets:
            there = there[superset]
            assert isinstance(there, Subset), path
        assert (id in there) == (kind != 'added'), (kind, path)
        if kind != 'removed':
            is_subset = isinstance(item, Subset)
            assert not (is_subset and kind == 'changed')
            there[id] = Subset() if is_subset else text(item)
        elif isinstance(there[id], Subset):
            assert isinstance(item, Subset), path
            del there[id]
        else:
            assert text(item) == there.pop(id), path


class Contract:
    """Mix this into a test case; ``make`` returns a new replica."""

    def apply(self, replica, updates):
        """Apply valid updates; check that the reported changes are right."""
        items = texts(replica.items)
        changes = replica.apply(updates)
        replay(changes, items)
        self.assertEqual(items, texts(replica.items))
        return changes

    def check_refused(self, replica, updates, error=ValueError, regex=''):
        before = state(replica), order(replica.items)
        with self.assertRaisesRegex(error, regex) as caught:
            replica.apply(updates)
        self.assertEqual(isinstance(caught.exception, Misfit),
                         error is Misfit, caught.exception)
        self.assertEqual((state(replica), order(replica.items)), before)

    def test_new(self):
        self.assertEqual(state(self.make()), (0, None, {}))

    # Vectors

    def test_vectors(self):
        self.check_vectors('apply.json', 40)

    def test_vectors_of_parts(self):
        self.check_vectors('parts.json', 25)

    def test_vectors_of_pages(self):
        self.check_vectors('pages.json', 20)

    def check_vectors(self, name, least):
        cases = json.loads((VECTORS / name).read_bytes())['cases']
        self.assertGreater(len(cases), least)
        for case in cases:
            replica = self.make()
            for number, step in enumerate(case['steps']):
                with self.subTest(case['name'], step=number):
                    self.check_step(replica, step)
                    self.assertEqual(replica.cursor, step.get('cursor', ''))

    def take(self, replica, step):
        if 'drop' in step:
            return replica.drop(tuple(step['drop']))
        text = step['text'] if 'text' in step else json.dumps(step['answer'])
        return self.apply(replica, wire.decode(text.encode()))

    def check_step(self, replica, step):
        result, changes = 'applied', []
        try:
            changes = self.take(replica, step)
        except Misfit:
            result = 'ignored'
        except ValueError:
            result = 'refused'
        self.assertEqual(result, step['result'])
        self.assertEqual(state(replica), self.expected(step))
        self.assertEqual(replica.parts or {}, {
            tuple(map(wire.id_from_plain, path)): generation
            for path, generation in step.get('parts', ())})
        self.assertCountEqual(
            [(kind, path) for kind, path, _ in changes],
            [(change['kind'],
              tuple(wire.id_from_plain(id) for id in change['path']))
             for change in step['changes']])

    def expected(self, step):
        contents = {'format': 1, 'epoch': 'e', 'since': 0, 'generation': 1,
                    'contents': step['contents']}
        contents = wire.decode(json.dumps(contents))['contents']
        return step['generation'], step['epoch'], self.nested(contents)

    def nested(self, entries):
        return {
            id: Subset(self.nested(item)) if subset else text(item)
            for id, item, subset in (
                (entry['id'], entry['contents'], True)
                if isinstance(entry, SubsetUpdates) else (*entry, False)
                for entry in entries)}

    # What vectors can't say

    def test_changes_have_items(self):
        replica = self.make()
        self.assertEqual(
            self.apply(replica, answer(0, 3, contents=[('a', [1]), (2, 'b')])),
            [Change('added', ('a',), [1]), Change('added', (2,), 'b')])
        self.assertEqual(
            self.apply(replica, answer(3, 5, removals=['a'],
                                       adds=[(2, 'c'), (2, 'c')])),
            [Change('removed', ('a',), [1]), Change('changed', (2,), 'c')])
        subset = SubsetUpdates(id=2, contents=[('d', {})])
        removed, added, item = self.apply(replica, answer(5, 6, adds=[subset]))
        self.assertEqual(removed, Change('removed', (2,), 'c'))
        self.assertEqual(added[:2], ('added', (2,)))
        self.assertIsInstance(added.item, Subset)
        self.assertEqual(item, Change('added', (2, 'd'), {}))
        removed, = self.apply(replica, answer(6, 7, contents=[]))
        self.assertEqual(removed[:2], ('removed', (2,)))
        self.assertIsInstance(removed.item, Subset)

    def test_misfits_say_what_was_expected(self):
        replica = self.make()
        self.check_refused(
            replica, answer(3, 4), Misfit,
            "^expected an answer for ':0', got one from 'e:3' to 'e:4'$")
        replica.apply(answer(0, 3, contents=[(1, 2)]))
        self.check_refused(
            replica, answer(3, 4, 'f'), Misfit,
            "^expected an answer for 'e:3', got one from 'f:3' to 'f:4'$")
        self.check_refused(
            replica, answer(3, 4, since_epoch=None, reset='', contents=[]),
            Misfit,
            "^expected an answer for 'e:3', got one from ':3' to 'e:4'$")

    def test_malformed_updates_say_what_was_expected(self):
        replica = self.make()
        replica.apply(answer(0, 3, contents=[(1, 2)]))
        for updates, regex in [
                (None, 'updates, a dictionary, got None'),
                ([('since', 3)], r'updates, a dictionary, got \['),
                (answer('3', 4), "since, an integer of at least 0, got '3'"),
                (answer(True, 4), 'since, an integer of at least 0, got True'),
                (answer(3, 0), 'generation, an integer of at least 1, got 0'),
                (answer(3, 2), 'a generation of at least 3, or a .*, got 2'),
                ({'since': 3, 'generation': 4}, 'updates with epoch, .*got {'),
                (answer(3, 4, 5), 'epoch, a string or None, got 5'),
                (answer(3, 4, since_epoch=5), 'since_epoch, a string or None'),
                (answer(3, 4, since_epoch='e'), 'a reset with since_epoch'),
                (answer(3, 4, reset=None, contents=[]), 'reset, a string, got'
                 ' None'),
                (answer(3, 4, reset='x', adds=[]), 'contents with a reset, '
                 'got {'),
                (answer(3, 4, contents=[], adds=[(1, 2)]),
                 'contents in the place of .*, got both'),
                (answer(3, 4, contents=[], removals=[1]),
                 'contents in the place of .*, got both'),
                (answer(3, 4, adds='ab'), "adds, a list, got 'ab'"),
                (answer(3, 4, contents={}), 'contents, a list, got {}'),
                (answer(3, 4, removals=None), 'removals, a list, got None'),
                (answer(3, 4, removals=[1, None]), 'an id, got None'),
                (answer(3, 4, adds=['ab']), 'an entry, .*got \'ab\''),
                (answer(3, 4, adds=[('a',)]), 'an entry, .*got \\(\'a\',\\)'),
                (answer(3, 4, adds=[['a', 1]]), r'an entry, .*got \['),
                (answer(3, 4, adds=[{'id': 's'}]), 'an entry, .*got {'),
                (answer(3, 4, adds=[SubsetUpdates(adds=[])]), 'an entry'),
                (answer(3, 4, adds=[(None, 1)]), 'an id, got None'),
                (answer(3, 4, adds=[(float('nan'), 1)]), 'an id, got nan'),
                (answer(3, 4, adds=[([], 1)]), r'an id, .* got \[\]')]:
            with self.subTest(updates):
                self.check_refused(replica, updates, regex='expected ' + regex)

    def test_malformed_after_much_that_is_well(self):
        replica = self.make()
        replica.apply(answer(0, 3, contents=[
            ('a', 1), SubsetUpdates(id='s', contents=[('b', 2)]), ('c', 3)]))
        for bad in ('bad', SubsetUpdates(id='s', adds=[('b', 3), 'bad']),
                    SubsetUpdates(id='s', removals=['b', None])):
            for members in [
                    {'removals': ['c'], 'adds': [('a', 2), bad]},
                    {'contents': [('c', 4), ('a', 2), bad]},
                    {'contents': [bad], 'reset': 'epoch'}]:
                with self.subTest(members):
                    self.check_refused(replica, answer(3, 4, **members))

    def test_iterables_that_are_read_once(self):
        replica = self.make()
        subset = SubsetUpdates(
            id='s', contents=iter([('b', 2), SubsetUpdates(id='t')]))
        self.apply(replica, answer(
            0, 3, contents=iter([('a', 1), subset, ('c', 3)])))
        self.assertEqual(order(replica.items),
                         ['a', ('s', ['b', ('t', [])]), 'c'])
        self.apply(replica, answer(
            3, 5, removals=iter(['c']), adds=(('d', 4) for _ in 'x')))
        self.assertEqual(order(replica.items),
                         ['a', ('s', ['b', ('t', [])]), 'd'])

    def test_iterables_that_fail(self):
        def entries():
            yield 'a', 2
            raise OSError('connection lost')

        replica = self.make()
        replica.apply(answer(0, 3, contents=[('a', 1), ('b', 1)]))
        for name in 'adds', 'contents':
            self.check_refused(
                replica, answer(3, 4, **{name: entries()}), OSError)

    def test_the_latest_comes_last(self):
        replica = self.make()
        self.apply(replica, answer(0, 9, contents=[
            *((id, 1) for id in 'abc'),
            SubsetUpdates(id='s', contents=[(1, 1), (2, 2)]), ('d', 1)]))
        self.apply(replica, answer(9, 11, adds=[
            ('c', 2), SubsetUpdates(id='s', adds=[(1, 3)]), ('a', 1)]))
        self.assertEqual(order(replica.items),
                         ['b', 'd', 'c', ('s', [2, 1]), 'a'])
        self.apply(replica, answer(11, 12, contents=[
            ('d', 1), ('b', 1), SubsetUpdates(id='s'), ('a', 1)]))
        self.assertEqual(order(replica.items),
                         ['d', 'b', ('s', [2, 1]), 'a'])

    def test_what_is_listed_twice(self):
        """The rules of the protocol, entry by entry."""
        first = SubsetUpdates(id='s', adds=[('a', 1)])
        second = SubsetUpdates(id='s', adds=[('b', 1)])
        whole = SubsetUpdates(id='s', contents=[('c', 1)])
        old = SubsetUpdates(id='s', contents=[('old', 1)])
        for entries, start, expected in [
                ([first, second], [], 'ab'),
                ([first, second], [old], ['old', 'a', 'b']),
                ([first, whole], [old], 'c'),
                ([whole, first], [old], 'ca'),
                ([('s', 1), second], [old], 'b'),
                ([first, ('s', 1), second], [old], 'b')]:
            for name, reset in [
                    ('adds', {}), ('contents', {}), ('contents', {'reset': ''})
            ]:
                with self.subTest(entries, old=old, name=name, reset=reset):
                    replica = self.make()
                    replica.apply(answer(0, 3, contents=start))
                    self.apply(replica, answer(
                        3, 4, **{name: entries}, **reset))
                    self.assertEqual(
                        list(replica.items['s']),
                        [id for id in expected if not reset or id != 'old'])
        replica = self.make()
        self.apply(replica, answer(0, 3, contents=[('a', 1), ('a', 2)]))
        self.apply(replica, answer(3, 4, removals=['a', 'a'], adds=[('b', 1)]))
        self.assertEqual(texts(replica.items), {'b': '1'})

    def test_numbers_that_are_equal_are_one_id(self):
        replica = self.make()
        self.apply(replica, answer(0, 3, contents=[(1, 'a'), ('1', 'b')]))
        self.apply(replica, answer(3, 4, adds=[(1.0, 'c')], removals=[True]))
        self.assertEqual(texts(replica.items), {1: '"c"', '1': '"b"'})
