"""Users who see some rows, and some columns, of a table of PostgreSQL."""

from zc.generationalset import wire
from zc.generationalset.answers import NOTHING
from zc.generationalset.sources import NoItem, Refused, Unavailable
from zc.generationalset.sql import DatabaseError, SQLSource, Untrackable, View
from zc.generationalset.tests.support import tables
from zc.generationalset.tests.support.postgresql_tables import (
    PostgreSQLTests,
)

ORDERS = '''
    CREATE TYPE mood AS ENUM ('good', 'bad');
    CREATE TABLE orders (
        id int PRIMARY KEY, owner text, place int UNIQUE, secret text,
        data json, mood mood, at timestamptz, twice int GENERATED ALWAYS AS
        (place * 2) STORED);
    CREATE TABLE lines (
        place int, name text, owner text, PRIMARY KEY (place, name))
        PARTITION BY RANGE (place);
    CREATE TABLE low PARTITION OF lines FOR VALUES FROM (0) TO (10);
    CREATE TABLE high PARTITION OF lines FOR VALUES FROM (10) TO (20)'''
NAMES = 'public.orders', 'public.lines'
USERS = 'ann', 'bob', "c'; DROP TABLE orders; --"


class ViewsTests(PostgreSQLTests):
    """The owner of a row sees it."""

    def setUp(self):
        super().setUp()
        self.tell(ORDERS)
        self.database = self.open()
        self.note('owner', 'data', 'mood', 'at')
        self.source = SQLSource(self.database, self.views)
        self.followers = {user: tables.Followers(self.source, user)
                          for user in USERS}
        self.replicas = {user: followers.join()
                         for user, followers in self.followers.items()}
        self.learn()

    def note(self, *columns):
        tables.track(self.database, *NAMES, noted=columns)

    def views(self, user):
        return {
            'orders': View('orders', ('owner', 'place'), 'owner = :user',
                           {'user': user}),
            'lines': View('lines', None, 'owner = :user', {'user': user}),
        }

    def learn(self):
        """Return what each user learns: removals and adds."""
        learned = {}
        for user, followers in self.followers.items():
            for updates in followers.sync().get('adds', ()):
                learned.setdefault(updates['id'], {})[user] = (
                    sorted(updates.get('removals', [])),
                    sorted(id for id, _ in updates.get('adds', ())))
        return learned

    def told(self, *statements, name='orders'):
        for statement in statements:
            self.tell(statement)
        return self.learn().get(name, {})

    def test_rows_and_columns(self):
        self.assertEqual(self.told(
            "INSERT INTO orders VALUES (1, 'ann', 1, 'secret')"),
            {'ann': ([], [1])})
        self.assertEqual(self.replicas['ann'].items['orders'], {
            1: {'id': 1, 'owner': 'ann', 'place': 1}})
        self.assertEqual(self.replicas['bob'].items['orders'], {})
        self.assertEqual(self.told('UPDATE orders SET place = 3'),
                         {'ann': ([], [1])})
        self.assertEqual(self.told('DELETE FROM orders'), {'ann': ([1], [])})

    def test_the_owner_changes(self):
        self.told("INSERT INTO orders (id, owner) VALUES (1, 'ann')")
        self.assertEqual(self.told("UPDATE orders SET owner = 'bob'"),
                         {'ann': ([1], []), 'bob': ([], [1])})
        self.assertEqual(self.told('UPDATE orders SET owner = NULL'),
                         {'bob': ([1], [])})
        self.assertEqual(self.told(
            "UPDATE orders SET owner = 'ann', id = 7"), {'ann': ([], [7])})
        # The new key is none of the old owner's business.
        self.assertEqual(self.told(
            "UPDATE orders SET owner = 'bob', id = 9"),
            {'ann': ([7], []), 'bob': ([], [9])})
        self.assertEqual(self.told(
            "UPDATE orders SET owner = 'c''; DROP TABLE orders; --'"),
            {'bob': ([9], []), USERS[2]: ([], [9])})

    def test_several_owners_between_two_questions(self):
        self.told("INSERT INTO orders (id, owner) VALUES (1, 'ann')")
        self.assertEqual(self.told(
            "UPDATE orders SET owner = 'bob'", 'DELETE FROM orders',
            "INSERT INTO orders (id, owner) VALUES (1, NULL)"),
            {'ann': ([1], []), 'bob': ([1], [])})
        self.assertEqual(self.told('DELETE FROM orders'), {})

    def test_partitions(self):
        self.told("INSERT INTO lines VALUES (1, 'x', 'ann')")
        self.assertEqual(self.told(
            "UPDATE lines SET place = 11, owner = 'bob'", name='lines'),
            {'ann': ([(1, 'x')], []), 'bob': ([], [(11, 'x')])})
        self.assertEqual(self.told('DELETE FROM high', name='lines'),
                         {'bob': ([(11, 'x')], [])})

    def test_truncate(self):
        self.told("INSERT INTO orders VALUES (1, 'ann')")
        self.tell('TRUNCATE orders')
        self.learn()
        self.assertEqual(self.replicas['ann'].items['orders'], {})

    def test_old_values_are_forgotten(self):
        self.told("INSERT INTO orders VALUES (1, 'ann')")
        few = self.open(removals=3)
        for _ in range(4):
            for owner in 'bob', 'ann':
                self.tell(f"UPDATE orders SET owner = '{owner}'")
                few.version()
        few.tidy()
        [[count]] = self.tell('SELECT count(*) FROM gset.olds_2')
        self.assertEqual(count, 3)
        self.learn()

    def test_what_else_happens_to_a_row_is_none_of_ones_business(self):
        self.told("INSERT INTO orders (id, owner) VALUES (1, 'ann')")
        self.told("UPDATE orders SET owner = 'bob'")
        positions = {user: replica.generation
                     for user, replica in self.replicas.items()}
        self.told('UPDATE orders SET place = 5')
        for user, is_as in ('ann', True), ('bob', False), (USERS[2], True):
            with self.subTest(user=user):
                self.assertEqual(self.source.write(
                    user, lambda editor, user=user: editor.unchanged(
                        ('orders', 1), self.position(user, positions[user]))),
                    is_as)

    def position(self, user, generation):
        with self.source.snapshot() as snapshot:
            return snapshot.position(user)._replace(generation=generation)

    def test_pages_and_lengths(self):
        for number, owner in enumerate(['ann', 'bob'] * 5):
            self.tell(f"INSERT INTO orders VALUES ({number}, '{owner}')")
        with self.source.snapshot() as snapshot:
            self.assertEqual(snapshot.length('ann', ('orders',)), 5)
            updates: dict
            [updates] = snapshot.page('ann', NOTHING, '', 3)['adds']
            self.assertEqual([id for id, _ in updates['adds']], [0, 2, 4])
            with self.assertRaises(NoItem):
                snapshot.item('ann', ('orders', 1))

    def test_what_a_user_writes(self):
        def put(user, id, **values):
            return self.source.write(user, lambda editor: editor.put(
                ('orders', id), wire.encode_value(values)))

        self.assertTrue(put('ann', 1, owner='ann'))
        for change in [
                lambda: put('ann', 2, owner='bob'),
                lambda: put('ann', 2), lambda: put('ann', 1, owner='bob'),
                lambda: put('bob', 1, owner='bob')]:
            with self.assertRaises(Refused):
                change()
        with self.assertRaises(NoItem):
            self.source.write(
                'bob', lambda editor: editor.remove(('orders', 1)))
        with self.assertRaisesRegex(Exception, 'got secret'):
            put('ann', 1, owner='ann', secret='x')

    def test_conditions_that_nobody_can_follow(self):
        for where, error in [
                ('place > 5', 'which are id, owner.*column "place" does not'),
                ('owner = (SELECT :user)', 'without subqueries'),
                ('owner = :nobody', 'a value for the parameter nobody'),
                ('owner = (', 'syntax error'),
                ('owner = :user -- mine', 'syntax error'),
                ('owner', 'must be type boolean'),
                ('at > now()', 'depends on more than the row'),
                ("at::date = '2026-11-29'", 'depends on more than the row'),
                ('owner = current_user', 'depends on more than the row'),
                ('random() < 0.5', 'depends on more than the row'),
                ('max(owner) = :user', 'aggregate'),
                ('probe IS NULL', 'does not exist'),
                ('gset_generation > 0', 'does not exist'),
                ("owner = E'\\' :user'", 'parameters outside of texts'),
                ('id = :user', 'types integer for the parameters of id'),
                (':user IS NULL', 'data type')]:
            with self.subTest(where=where), \
                    self.assertRaisesRegex(DatabaseError, error), \
                    self.database.reading() as reading:
                table = reading.table('public.orders')
                list(reading.scan(reading.filtered(
                    table, where, {'user': 'ann'})))
        self.assertEqual(self.tell(
            "SELECT FROM pg_class WHERE relname = 'probe'").fetchall(), [])

    def test_conditions_of_all_types(self):
        self.tell("INSERT INTO orders (id, owner, data, mood) VALUES "
                  "(1, 'ann', '{\"a\": 1}', 'good')")
        for where, value in [
                ("data->>'a' = :user", '1'), ('mood = :user', 'good'),
                ('id = :user', 1), ('id = :user::int', '1'),
                ('owner = ANY (:user)', ['ann', 'x']),
                ("owner = :user AND ':user' <> owner", 'ann')]:
            with self.subTest(where=where), \
                    self.database.reading() as reading:
                table = reading.filtered(
                    reading.table('public.orders'), where, {'user': value})
                self.assertEqual(reading.length(table), 1)

    def test_conditions_of_the_key_need_no_notes(self):
        self.tell('CREATE TABLE plain (id int PRIMARY KEY)')
        tables.track(self.database, 'public.plain')
        source = SQLSource(self.database, lambda name: {
            'plain': View('public.plain', where='id % 2 = 0')})
        followers = tables.Followers(source)
        followers.join()
        followers.sync()
        self.tell('INSERT INTO plain VALUES (1), (2)')
        updates: dict
        [updates] = followers.sync()['adds']
        self.assertEqual([id for id, _ in updates['adds']], [2])
        self.tell('DELETE FROM plain')
        [updates] = followers.sync()['adds']
        self.assertEqual(updates['removals'], [2])

    def test_what_can_not_be_noted(self):
        with self.assertRaisesRegex(Untrackable, 'the database computes it'):
            self.note('twice')
        self.tell('ALTER TABLE orders RENAME owner TO holder')
        with self.assertRaisesRegex(Untrackable, 'column owner .* none'):
            self.note()

    def test_noted_columns_add_up(self):
        plan = self.database.plan_tracking
        tracked = [table for table in self.database.tables()
                   if str(table) in NAMES]
        self.assertFalse(plan(tracked, noted=['data', 'id']).statements)
        self.note('secret')
        self.assertFalse(plan(tracked, noted=['secret', 'at']).statements)
        self.learn()
        with self.assertRaisesRegex(Unavailable, 'does not exist'), \
                self.source.snapshot() as snapshot:
            self.source._views = lambda user: {
                'orders': View('public.orders', where='place = 1')}
            snapshot.length(None, ('orders',))
