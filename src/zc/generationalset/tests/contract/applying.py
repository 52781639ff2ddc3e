"""What holds when rows are applied to tables of any kind of database."""

from unittest import mock

from zc.generationalset.sql.applying import apply, batch
from zc.generationalset.sql.errors import Collision, Refused, WrongValue


class ApplyingContract:
    """See ``databases``."""

    def apply(self, name, removals=(), rows=(), check=True):
        """Apply rows to a table; return what changed."""
        with self.database.applying() as applying:
            table = applying.find(name)
            applied = apply(applying, batch(applying, table, removals, rows))
            if check:
                applying.check_references()
        return [(each.kind, each.key) for each in applied]

    def notes(self, name, since):
        """Return the keys in the queue of a tracked table."""
        with self.database.reading() as reading:
            [table] = [table for table in self.database.tracked()
                       if table.name == name]
            return sorted(reading.changes(reading.table(str(table)), since))

    def generation(self):
        with self.database.reading() as reading:
            return reading.position.generation

    def track(self):
        self.database.execute(self.database.plan_tracking([
            table for table in self.database.tables()
            if table.name in ('people', 'pets', 'lines')]))
        return self.generation()

    ann = {'id': 1, 'name': 'Ann', 'age': 42}
    bob = {'id': 2, 'name': 'Bob', 'age': 50}

    def test_rows_come_change_and_go(self):
        self.assertEqual(self.apply('people', rows=[self.ann, self.bob]),
                         [('added', (1,)), ('added', (2,))])
        self.assertEqual(
            self.apply('people', [(2,), (9,)], [{**self.ann, 'age': 43}]),
            [('removed', (2,)), ('changed', (1,))])
        self.assertEqual(self.rows(), [(1, 'Ann', 43)])
        self.assertEqual(self.rows(columns='id, twice'), [(1, 86)])

    def test_what_is_there_is_no_change(self):
        since = self.track()
        self.apply('people', rows=[self.ann, self.bob])
        middle = self.generation()
        self.assertGreater(middle, since)
        self.assertEqual(self.apply('people', [(9,)], [self.ann]), [])
        self.assertEqual(self.generation(), middle)

    def test_followers_are_told(self):
        since = self.track()
        self.apply('people', rows=[self.ann, self.bob])
        self.assertEqual(self.notes('people', since), [(1,), (2,)])
        since = self.generation()
        self.apply('people', [(1,)])
        self.apply('people', rows=[{**self.bob, 'age': 5}])
        self.assertEqual(self.notes('people', since), [(1,), (2,)])

    def test_triggers_of_users_do_not_fire(self):
        self.execute("INSERT INTO people (id) VALUES (7)")
        self.assertEqual(len(self.rows('log', 'id, what')), 1)
        self.apply('people', [(7,)], [self.ann])
        self.assertEqual(len(self.rows('log', 'id, what')), 1)
        self.execute("INSERT INTO people (id) VALUES (8)")
        self.assertEqual(len(self.rows('log', 'id, what')), 2)

    def test_tables_for_nulls_of_json(self):
        """Only columns of JSON have these; the others come later."""
        for number, values in enumerate([
                [(), None], [None, ()], [(), {'a': [None]}], [1.5, ()]]):
            name = f'made_{number}'
            with self.database.applying() as applying:
                applying.create(name, ['id'], {'id': [1, 2], 'doc': values})
            self.apply(name, rows=[
                {'id': id, 'doc': value} for id, value
                in enumerate([*values, (), [1], 'a'])])
            with self.database.plain_reading() as reading:
                [table] = [table for table in reading.tables()
                           if table.name == name]
                self.assertEqual(
                    [row.values[1] for row in reading.scan(table)],
                    [*values, (), [1], 'a'])

    def test_swap_of_unique_values(self):
        since = self.track()
        self.execute('INSERT INTO people (id, name, age) VALUES '
                     "(1, 'Ann', 42), (2, 'Bob', 50)")
        self.assertEqual(
            self.apply('people', rows=[
                {'id': 1, 'name': 'Bob'}, {'id': 2, 'name': 'Ann'}]),
            [('changed', (1,)), ('changed', (2,))])
        # A column that isn't listed stays as it is.
        self.assertEqual(self.rows(), [(1, 'Bob', 42), (2, 'Ann', 50)])
        self.assertEqual(self.notes('people', since), [(1,), (2,)])

    def test_swap_with_a_new_row(self):
        self.apply('people', rows=[self.ann])
        self.apply('people', rows=[{**self.ann, 'name': 'Bob'},
                                   {**self.bob, 'name': 'Ann'}])
        self.assertEqual(self.rows(), [(1, 'Bob', 42), (2, 'Ann', 50)])

    def test_unique_value_of_another_row(self):
        self.apply('people', rows=[self.ann])
        for rows in [[{**self.bob, 'name': 'Ann'}],
                     [{**self.ann, 'age': 1}, {**self.bob, 'name': 'Ann'}]]:
            with self.assertRaises(Collision) as caught:
                self.apply('people', rows=rows)
            self.assertIn('people', str(caught.exception))
            self.assertEqual(self.rows(), [(1, 'Ann', 42)])

    def test_value_of_a_row_that_goes(self):
        self.apply('people', rows=[self.ann])
        self.apply('people', [(1,)], [{**self.bob, 'name': 'Ann'}])
        self.assertEqual(self.rows(), [(2, 'Ann', 50)])

    def test_nothing_cascades(self):
        self.apply('people', rows=[self.ann, self.bob])
        self.apply('pets', rows=[{'id': 5, 'owner': 1}])
        with self.database.applying() as applying:
            people, pets = map(applying.find, ('people', 'pets'))
            apply(applying, batch(applying, people, [(1,)], []))
            self.assertEqual(
                [row.key for row in applying.rows(pets, [(5,)])], [(5,)])
            apply(applying, batch(
                applying, pets, [], [{'id': 5, 'owner': 2}]))
            applying.check_references()
        self.assertEqual(self.rows('pets', 'id, owner'), [(5, 2)])

    def test_parent_goes_with_children(self):
        self.apply('people', rows=[self.ann])
        self.apply('pets', rows=[{'id': 5, 'owner': 1}])
        since = self.track()
        with self.database.applying() as applying:
            for name, key in ('people', 1), ('pets', 5):
                applied = apply(applying, batch(
                    applying, applying.find(name), [(key,)], []))
                self.assertEqual(len(applied), 1)
            applying.check_references()
        self.assertEqual(self.notes('pets', since), [(5,)])

    def test_missing_parent(self):
        self.apply('people', rows=[self.ann])
        self.apply('pets', rows=[{'id': 5, 'owner': 1}])
        for job in [('people', [(1,)]),
                    ('pets', (), [{'id': 6, 'owner': 9}]),
                    ('pets', (), [{'id': 5, 'owner': 9}])]:
            with self.assertRaises(Refused) as caught:
                self.apply(*job)
            self.assertIn('pets', str(caught.exception))
            self.assertIn('owner', str(caught.exception))
        self.assertEqual(self.rows('pets', 'id, owner'), [(5, 1)])

    def test_missing_parent_among_many_rows(self):
        with mock.patch('zc.generationalset.sql.touched.FEW', 0):
            self.test_missing_parent()

    def test_parent_gets_another_name(self):
        self.apply('people', rows=[self.ann, self.bob])
        self.apply('badges', rows=[{'id': 1, 'name': 'Ann'},
                                   {'id': 2, 'name': None}])
        self.apply('people', rows=[{'id': 2, 'name': 'Zoe'}])
        with self.assertRaises(Refused) as caught:
            self.apply('people', rows=[{'id': 1, 'name': 'Bob'}])
        self.assertIn('badges', str(caught.exception))

    def test_rows_of_others_are_not_checked(self):
        self.apply('pets', rows=[{'id': 1, 'owner': 9}], check=False)
        self.apply('people', rows=[self.ann])
        self.apply('pets', rows=[{'id': 2, 'owner': 1}])
        with self.assertRaises(Refused), \
                self.database.applying() as applying:
            applying.check_references([applying.find('pets')])

    def test_other_constraints(self):
        with self.assertRaises(Refused) as caught:
            self.apply('people', rows=[self.ann, {'id': 3, 'age': -1}])
        self.assertEqual(caught.exception.constraint, 'positive')
        self.assertEqual(self.rows(), [])

    def test_values_that_do_not_fit(self):
        for name, value in [('age', 'old'), ('age', 1.5), ('id', 'x'),
                            ('size', 1), ('id', 2 ** 63)]:
            with self.assertRaises(WrongValue) as caught:
                self.apply('people', rows=[self.ann, {'id': 1, name: value}])
            self.assertIn('people', str(caught.exception))
            self.assertIn(name, str(caught.exception))
        self.assertEqual(self.rows(), [])

    def test_what_the_database_computes(self):
        self.assertEqual(
            self.apply('people', rows=[{**self.ann, 'twice': 5}]),
            [('added', (1,))])
        self.assertEqual(self.rows(columns='id, twice'), [(1, 84)])

    def test_keys_that_no_row_can_have(self):
        self.apply('people', rows=[self.ann])
        self.assertEqual(self.apply('people', [('x',), (2 ** 64,), (1,)]),
                         [('removed', (1,))])

    def test_odd_texts(self):
        """They come as keys and values, change, and go."""
        self.execute('CREATE TABLE words (word TEXT PRIMARY KEY, what TEXT)')
        texts = ['', ' ', "'", '"', '""', '\\', '\\N', '\\.', 'NULL', '{}',
                 ',', '","', 'a\tb', 'a\nb', 'a\r\nb', '\x01', '\u2028',
                 'é\U0001f600']
        for chosen in texts, *([text] for text in texts):
            for rows in [[{'word': word, 'what': None} for word in chosen],
                         [{'word': word, 'what': word} for word in chosen]]:
                self.apply('words', rows=rows)
                self.assertEqual(self.apply('words', rows=rows), [])
                self.assertEqual(
                    dict(self.rows('words', 'word, what')),
                    {row['word']: row['what'] for row in rows})
            self.apply('words', [(word,) for word in chosen])
            self.assertEqual(self.rows('words', 'word, what'), [])

    def test_doubles_that_differ(self):
        self.execute('CREATE TABLE sizes (id INTEGER PRIMARY KEY, '
                     'size DOUBLE PRECISION)')
        before = None
        for size in 1.5, 1e300, 0.0, float('inf'), None, -1.5:
            row = {'id': 1, 'size': size}
            self.assertEqual(self.apply('sizes', rows=[row]), [
                ('added' if before is None else 'changed', (1,))])
            self.assertEqual(self.apply('sizes', rows=[row]), [])
            self.assertEqual(self.rows('sizes', 'id, size'), [(1, size)])
            before = row

    def test_composite_keys(self):
        self.apply('lines', rows=[
            {'place': 1, 'number': number, 'what': 'tea'}
            for number in range(5)])
        self.assertEqual(
            self.apply('lines', [(1, 3)], [
                {'place': 1, 'number': 0, 'what': 'tea'},
                {'place': 1, 'number': 1, 'what': None},
                {'place': 2, 'number': 1}]),
            [('removed', (1, 3)), ('changed', (1, 1)), ('added', (2, 1))])
        self.assertEqual(
            self.rows('lines', 'place, number, what'),
            [(1, 0, 'tea'), (1, 1, None), (1, 2, 'tea'), (1, 4, 'tea'),
             (2, 1, None)])

    def test_rollback(self):
        with self.assertRaises(ZeroDivisionError), \
                self.database.applying() as applying:
            apply(applying, batch(
                applying, applying.find('people'), [], [self.ann]))
            1 / 0
        self.assertEqual(self.rows(), [])

    def test_find(self):
        with self.database.applying() as applying:
            self.assertIsNone(applying.find('nobody'))
            table = applying.find('people')
            self.assertEqual(applying.find(str(table)), table)
