"""What holds for tables that follow a source, in any kind of database."""

import random
from unittest import mock

from zc.generationalset import GSet
from zc.generationalset.answers import NOTHING, Misfit, SubsetUpdates
from zc.generationalset.documents import Document
from zc.generationalset.sql import SQLReplica
from zc.generationalset.sql.errors import DatabaseError, Refused, WrongValue
from zc.generationalset.tests.contract.replica_pages import PagesContract
from zc.generationalset.tests.support.properties import THOROUGH

#: What happens in the source.
WRITES = [
    "INSERT OR IGNORE INTO people VALUES ({0}, 'n{1}', {1})",
    "UPDATE OR REPLACE people SET name = 'n{1}' WHERE id = {0}",
    'UPDATE OR IGNORE people SET id = {1} WHERE id = {0} AND NOT EXISTS '
    '(SELECT 1 FROM pets WHERE owner = {0})',
    'UPDATE people SET name = CASE name WHEN (SELECT min(name) FROM people) '
    'THEN NULL ELSE name END',
    'DELETE FROM people WHERE id = {0}',
    'INSERT OR IGNORE INTO pets SELECT {0}, id FROM people WHERE id = {1}',
    'UPDATE pets SET owner = (SELECT max(id) FROM people) WHERE id = {0}',
    "INSERT OR REPLACE INTO lines VALUES ({0}, {1}, 'a')",
    'DELETE FROM lines',
    "UPDATE gset_state SET epoch = 'e{0}{1}'",
    'UPDATE gset_tables SET floor = (SELECT max(seq) FROM gset_queue)',
]


class ReplicaContract(PagesContract):

    #: How many random histories are played.
    histories = 200 if THOROUGH else 4

    def setUp(self):
        super().setUp()
        self.replica = self.follow()

    def follow(self, **options):
        return SQLReplica(self.database, 'http://source.example', **options)

    def check(self):
        """Check that the copy has what the source has."""
        for name, columns in [('people', 'id, name, age, twice'),
                              ('pets', 'id, owner'),
                              ('lines', 'place, number, what')]:
            self.assertEqual(
                self.rows(name, columns),
                self.run_sql(f'SELECT {columns} FROM {name} ORDER BY 1, 2'))

    # Answers

    def test_answers(self):
        self.fill()
        changes = self.sync()
        self.check()
        self.assertEqual(len(changes), 9)
        self.assertIn(('added', ('lines', (1, 2)), {
            'place': 1, 'number': 2, 'what': 'cake'}), changes)
        self.run_sql('DELETE FROM pets WHERE id = 1',
                     "UPDATE people SET name = 'Zoe' WHERE id = 4")
        self.assertEqual(
            [(change.kind, change.path) for change in self.sync()],
            [('changed', ('people', 4)), ('removed', ('pets', 1))])
        self.check()
        self.assertEqual(self.sync(), [])

    def test_it_goes_on_after_a_restart(self):
        self.fill()
        self.sync()
        before = self.asked()
        self.replica = self.follow()
        self.assertEqual(self.asked(), before)
        self.run_sql('DELETE FROM pets')
        self.sync()
        self.check()

    def test_an_answer_comes_late(self):
        self.fill()
        answer = self.answer()
        self.replica.apply(answer)
        self.assertEqual(self.replica.apply(answer), [])
        self.run_sql('DELETE FROM lines')
        self.sync()
        with self.assertRaises(Misfit):
            self.replica.apply(answer)
        self.check()

    def test_another_process_was_faster(self):
        self.fill()
        late, other = self.answer(), self.follow()
        self.run_sql('DELETE FROM lines')
        self.sync()
        position, self.replica = self.asked(), other
        with self.assertRaises(Misfit):
            other.apply(late)
        # Now it knows.
        self.assertEqual(self.asked(), position)
        self.sync()
        self.check()

    def test_swaps(self):
        self.fill()
        self.sync()
        self.run_sql("UPDATE people SET name = 'x' WHERE id = 1",
                     "UPDATE people SET name = 'Ann' WHERE id = 2",
                     "UPDATE people SET name = 'Bob' WHERE id = 1")
        self.sync()
        self.check()

    def test_keys_move(self):
        self.fill()
        self.sync()
        self.run_sql('UPDATE people SET id = 7 WHERE id = 3',
                     "UPDATE lines SET number = 9 WHERE number = 1")
        self.sync()
        self.check()

    def test_parent_and_children_go(self):
        self.fill()
        self.sync()
        self.run_sql('PRAGMA foreign_keys = ON', 'DELETE FROM people')
        self.sync()
        self.check()

    def test_children_are_missed(self):
        self.fill()
        self.sync()
        self.run_sql('PRAGMA foreign_keys = OFF',
                     'DELETE FROM people WHERE id = 2')
        with self.assertRaises(Refused):
            self.sync()
        self.assertEqual(len(self.rows()), 4)

    def test_contents_of_a_table(self):
        self.fill()
        self.sync()
        self.run_sql('DELETE FROM pets WHERE id = 2',
                     'UPDATE gset_tables SET floor = '
                     '(SELECT max(seq) FROM gset_queue)')
        self.assertIn('contents', str(self.answer()))
        self.assertEqual(len(self.sync()), 1)
        self.check()

    def test_reset(self):
        self.fill()
        self.sync()
        self.run_sql('DELETE FROM pets WHERE id = 2',
                     "UPDATE gset_state SET epoch = 'other'")
        self.assertEqual(self.answer()['reset'], 'epoch')
        self.assertEqual(len(self.sync()), 1)
        self.check()

    def test_rows_that_are_kept(self):
        """Servers with other databases tell what stays."""
        self.fill()
        self.sync()
        changes = self.answered(
            SubsetUpdates(id='pets', contents=[(4, {'id': 4, 'owner': 1})],
                          keep=[1, 3]),
            SubsetUpdates(id='lines', contents=[], keep=[(1, 2)]))
        self.assertEqual(sorted(change[:2] for change in changes), [
            ('added', ('pets', 4)), ('removed', ('lines', (1, 1))),
            ('removed', ('pets', 2))])
        self.assertEqual(
            self.rows('pets', 'id, owner'), [(1, 2), (3, 4), (4, 1)])
        self.assertEqual(self.rows('lines', 'place, number'), [(1, 2)])

    def test_a_kept_row_that_is_not_there(self):
        """The copy isn't what the server believes, and starts over."""
        self.fill()
        self.sync()
        self.assertEqual(self.answered(
            SubsetUpdates(id='pets', contents=[], keep=[1, 9])), [])
        self.assertEqual(self.asked().generation, 0)
        self.assertEqual(len(self.rows('pets', 'id, owner')), 3)
        self.sync()
        self.check()

    # Histories

    def test_histories(self):
        for seed in range(self.histories):
            with self.subTest(seed=seed):
                self.play(random.Random(seed))

    def play(self, random):
        self.size = random.randrange(1, 4)
        for _ in range(12):
            self.run_sql('PRAGMA foreign_keys = ON', *[
                random.choice(WRITES).format(
                    random.randrange(1, 6), random.randrange(1, 6))
                for _ in range(random.randrange(4))])
            for _ in range(random.randrange(3)):
                self.page()
            if random.random() < 0.2:
                self.replica = self.follow()
            if random.random() < 0.2:
                self.sync()
                self.check()
        self.copy()
        self.sync()
        self.check()

    # What is refused

    def test_table_with_rows(self):
        self.fill()
        self.execute("INSERT INTO lines VALUES (7, 7, 'ours')")
        with self.assertRaisesRegex(Refused, 'lines.*expected no rows'):
            self.sync()
        self.assertEqual(self.rows(), [])
        self.assertEqual(self.asked(), NOTHING)

    def test_error_after_rows_were_written(self):
        self.fill()
        with mock.patch(
                'zc.generationalset.sql.replica.state.State.dump',
                side_effect=OSError), self.assertRaises(OSError):
            self.page()
        self.assertEqual(self.rows(), [])
        self.copy()
        self.check()

    def test_parts(self):
        with self.assertRaises(Misfit):
            self.replica.apply({
                'epoch': 'e', 'since': 0, 'generation': 5, 'parts': [
                    {'path': ('people',), 'contents': []}]})

    def test_table_that_is_dropped(self):
        self.fill()
        self.sync()
        self.execute('DROP TABLE lines')
        self.run_sql('DELETE FROM lines')
        with self.assertRaisesRegex(DatabaseError, 'lines'):
            self.sync()

    # Sets of a ZODB

    def tree(self):
        source = GSet(id='')
        for name in 'people', 'notes':
            source.add(GSet(id=name))
        return source

    def apply_tree(self, source):
        return self.replica.apply(self.decoded(source.client_updates(
            self.replica.generation, self.replica.epoch)))

    def test_documents(self):
        source = self.tree()
        source['people'].add(Document(1, {'name': 'Ann'}))
        source['people'].add(Document(2, {'name': 'Bob', 'age': 50}))
        self.apply_tree(source)
        self.assertEqual(self.rows(), [(1, 'Ann', None), (2, 'Bob', 50)])
        document = source['people'][2]
        document.value = {'name': 'Bob'}
        source['people'].changed(document)
        self.apply_tree(source)
        self.assertEqual(self.rows(), [(1, 'Ann', None), (2, 'Bob', None)])
        source.remove(source['people'])
        self.apply_tree(source)
        self.assertEqual(self.rows(), [])

    def test_tables_are_made(self):
        source = self.tree()
        source['notes'].add(Document('b', {
            'text': 'Hello', 'size': 1.5, 'is_read': True, 'id': 'b'}))
        source['notes'].add(Document('a', {'text': None, 'id': 'a'}))
        self.apply_tree(source)
        self.assertEqual(
            self.rows('notes', 'id, text, size, is_read'),
            [('a', None, None, None), ('b', 'Hello', 1.5, True)])

    def test_items_at_the_top(self):
        source = GSet(id='')
        source.add(Document((1, 2), {'what': 'tea'}))
        with self.assertRaisesRegex(WrongValue, r'\(1, 2\).*at the top'):
            self.apply_tree(source)
        self.replica = self.follow(top='lines')
        self.apply_tree(source)
        self.assertEqual(
            self.rows('lines', 'place, number, what'), [(1, 2, 'tea')])
        source.remove(source[1, 2])
        self.apply_tree(source)
        self.assertEqual(self.rows('lines', 'place, number, what'), [])

    def test_what_is_no_row(self):
        for id, value, text in [
                (1, ['Ann'], 'people.*expected an object'),
                (1, {'size': 1}, 'people.*expected columns.*size'),
                (1, {'id': 2}, 'people.*column id.*expected 1'),
                ('x', {}, 'people.*id'),
                ((1, 2), {}, 'people.*id'),
                (1, {'age': 'old'}, "people.*age.*'old'")]:
            source = self.tree()
            source['people'].add(Document(id, value))
            with self.assertRaisesRegex(WrongValue, text):
                self.apply_tree(source)
        self.assertEqual(self.asked(), NOTHING)

    def test_sets_within_sets(self):
        source = self.tree()
        source['people'].add(GSet(id=1))
        with self.assertRaisesRegex(WrongValue, 'people.*set'):
            self.apply_tree(source)
