"""Users who see some rows, and some columns, of a table."""

import unittest

from zc.generationalset import wire
from zc.generationalset.sources import NoItem, NoTree, Refused, Unavailable
from zc.generationalset.sql import DatabaseError, SQLSource, View
from zc.generationalset.sql.conditions import condition
from zc.generationalset.sql.sqlite import queue
from zc.generationalset.tests.support import tables
from zc.generationalset.tests.unit.sql.test_source import ShopBase


class ViewsTests(ShopBase):
    """The owner of a row sees it."""

    schema = """
        PRAGMA journal_mode = WAL;
        CREATE TABLE orders (
            id INTEGER PRIMARY KEY, owner TEXT COLLATE NOCASE,
            place INT UNIQUE, total REAL, secret TEXT);
        CREATE TABLE lines (
            code TEXT COLLATE NOCASE PRIMARY KEY, owner TEXT);"""
    users = 'ann', 'bob', 'cid'

    def follow(self):
        # They are tracked already, and get more columns.
        tables.track(self.database, *self.names, noted=['owner', 'place'])
        self.source = SQLSource(self.database, self.views)
        self.followers = {
            user: tables.Followers(self.source, user) for user in self.users}
        self.replicas = {user: followers.join()
                         for user, followers in self.followers.items()}
        self.learn()

    def views(self, user):
        if user not in self.users:
            return None
        return {name: View(
            name, None if name == 'lines' else ('owner', 'place', 'total'),
            'owner = :user', {'user': user}) for name in self.names}

    def learn(self):
        """Return what each user learns of orders: removals and adds."""
        learned = {}
        for user, followers in self.followers.items():
            for updates in followers.sync().get('adds', ()):
                learned.setdefault(user, {})[updates['id']] = (
                    updates.get('removals', []),
                    sorted(id for id, _ in updates.get('adds', ())))
        return learned

    def told(self, *statements, name='orders'):
        self.run_sql(*statements)
        return {user: updates[name]
                for user, updates in self.learn().items() if name in updates}

    def test_rows_and_columns(self):
        self.assertEqual(self.told(
            "INSERT INTO orders VALUES (1, 'ann', 1, 2.5, 'secret')"),
            {'ann': ([], [1])})
        self.assertEqual(self.replicas['ann'].items['orders'], {
            1: {'id': 1, 'owner': 'ann', 'place': 1, 'total': 2.5}})
        self.assertEqual(self.replicas['bob'].items['orders'], {})
        self.assertEqual(self.told('UPDATE orders SET total = 3'),
                         {'ann': ([], [1])})
        self.assertEqual(self.told('DELETE FROM orders'), {'ann': ([1], [])})

    def test_the_owner_changes(self):
        self.run_sql("INSERT INTO orders (id, owner) VALUES (1, 'ann')")
        self.learn()
        self.assertEqual(self.told("UPDATE orders SET owner = 'bob'"),
                         {'ann': ([1], []), 'bob': ([], [1])})
        self.assertEqual(self.told("UPDATE orders SET owner = NULL"),
                         {'bob': ([1], [])})
        self.assertEqual(self.told(
            "UPDATE orders SET owner = 'ANN', id = 7"), {'ann': ([], [7])})
        # The new key is none of the old owner's business.
        self.assertEqual(self.told(
            "UPDATE orders SET owner = 'bob', id = 9"),
            {'ann': ([7], []), 'bob': ([], [9])})

    def test_several_owners_between_two_questions(self):
        self.run_sql("INSERT INTO orders (id, owner) VALUES (1, 'ann')")
        self.learn()
        self.assertEqual(self.told(
            "UPDATE orders SET owner = 'bob'",
            "UPDATE orders SET owner = 'cid'"),
            {'ann': ([1], []), 'bob': ([1], []), 'cid': ([], [1])})
        self.assertEqual(self.told(
            "UPDATE orders SET owner = NULL", 'DELETE FROM orders',
            "INSERT INTO orders (id, owner) VALUES (1, NULL)"),
            {'cid': ([1], [])})

    def test_what_replace_displaces(self):
        self.run_sql("INSERT INTO orders (id, owner, place) VALUES "
                     "(1, 'ann', 1), (2, 'bob', 2)")
        self.learn()
        self.assertEqual(self.told(
            "REPLACE INTO orders (id, owner, place) VALUES (3, 'cid', 1)"),
            {'ann': ([1], []), 'cid': ([], [3])})
        self.assertEqual(self.told(
            "REPLACE INTO orders (id, owner) VALUES (2, 'cid')"),
            {'bob': ([2], []), 'cid': ([], [2])})
        self.assertEqual(self.told(
            "UPDATE OR REPLACE orders SET place = 1 WHERE id = 2"),
            {'cid': ([3], [2])})

    def test_keys_that_differ_for_clients_only(self):
        self.run_sql("INSERT INTO lines VALUES ('a', 'ann')")
        self.learn()
        self.assertEqual(self.told(
            "UPDATE lines SET code = 'A', owner = 'bob'", name='lines'),
            {'ann': (['a'], []), 'bob': ([], ['A'])})

    def test_old_values_are_kept(self):
        """Though the row was noted again later."""
        self.run_sql("INSERT INTO orders (id, owner) VALUES (1, 'ann')")
        self.learn()
        with self.connect() as connection:
            for owner in ['bob', 'cid'] * 5:
                connection.execute('UPDATE orders SET owner = ?', (owner,))
        queue.forget(self.connection, queue.spare(self.connection))
        self.assertEqual(self.told(), {
            'ann': ([1], []), 'bob': ([1], []), 'cid': ([], [1])})

    def test_pages_and_parts(self):
        self.run_sql(*[
            f"INSERT INTO orders (id, owner) VALUES ({number}, '{owner}')"
            for number, owner in enumerate(['ann', 'bob'] * 5)])
        with self.source.snapshot() as snapshot:
            self.assertEqual(snapshot.length('ann', ('orders',)), 5)
            page = snapshot.page('ann', self.position(snapshot, 0), '', 3)
            updates: dict
            [updates] = page['adds']
            self.assertEqual([id for id, _ in updates['adds']], [0, 2, 4])
            with self.assertRaises(NoItem):
                snapshot.item('ann', ('orders', 1))
            with self.assertRaises(NoTree):
                snapshot.position('dan')

    def position(self, snapshot, generation):
        return snapshot.position('ann')._replace(generation=generation)

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
        self.learn()
        self.assertEqual(self.replicas['ann'].items['orders'][1]['id'], 1)

    def test_conditions_that_nobody_can_follow(self):
        for where, error in [
                ('total > 5', 'columns that are noted'),
                ('secret = :user', 'columns that are noted'),
                ('owner IN (SELECT 1)', 'without subqueries'),
                ('owner = :nobody', 'a value for the parameter nobody'),
                ('owner = (', 'columns that are noted'),
                ('rowid = 1', 'no such column'),
                ('random() > owner', 'non-deterministic'),
                ("owner > date('now')", 'no function of the time, got date'),
                ("owner = 'x' AND place > \"unixepoch\"()", 'got unixepoch'),
                ('owner = CURRENT_DATE', 'non-deterministic')]:
            source = SQLSource(self.database, lambda name, where=where: {
                'orders': View('orders', where=where,
                               parameters={'user': 'ann'})})
            with self.subTest(where=where), source.snapshot() as snapshot, \
                    self.assertRaisesRegex(DatabaseError, error):
                snapshot.length(None, ('orders',))
        source = SQLSource(
            self.database, lambda name: {'orders': View('orders', ['nix'])})
        with self.assertRaisesRegex(Unavailable, 'no column nix'), \
                source.snapshot() as snapshot:
            snapshot.length(None, ('orders',))

    def test_conditions_of_the_key_need_no_notes(self):
        self.run_sql('CREATE TABLE plain (id INTEGER PRIMARY KEY)')
        tables.track(self.database, 'plain')
        followers = tables.Followers(SQLSource(
            self.database,
            lambda name: {'plain': View('plain', where='id % 2 = 0')}))
        followers.join()
        followers.sync()
        self.run_sql('INSERT INTO plain VALUES (1), (2)')
        updates: dict
        [updates] = followers.sync()['adds']
        self.assertEqual([id for id, _ in updates['adds']], [2])
        self.run_sql('DELETE FROM plain')
        [updates] = followers.sync()['adds']
        self.assertEqual(updates['removals'], [2])

    def test_what_else_happens_to_a_row_is_none_of_ones_business(self):
        self.run_sql("INSERT INTO orders (id, owner) VALUES (1, 'ann')")
        self.learn()
        self.run_sql("UPDATE orders SET owner = 'bob'")
        self.learn()
        generation = self.replicas['bob'].generation
        self.run_sql('UPDATE orders SET total = 5')
        for user, is_as in ('ann', True), ('bob', False), ('cid', True):
            with self.source.snapshot() as snapshot:
                asked = snapshot.position(user)._replace(
                    generation=generation)
            with self.subTest(user=user):
                self.assertEqual(self.source.write(
                    user, lambda editor, asked=asked: editor.unchanged(
                        ('orders', 1), asked)), is_as)

    def test_users_have_their_epochs(self):
        with self.source.snapshot() as snapshot:
            self.assertNotEqual(
                snapshot.position('ann'), snapshot.position('bob'))

    def test_a_noted_column_that_is_renamed(self):
        self.run_sql('ALTER TABLE orders RENAME COLUMN owner TO holder')
        with self.assertRaisesRegex(Unavailable, 'a column owner'):
            self.followers['ann'].sync()


class ConditionTests(unittest.TestCase):

    def test_parameters(self):
        self.assertEqual(
            condition("""a = :x AND b = ':y' AND ":z" = :x::int AND c""",
                      {'x': 1}),
            ("""a = \0 AND b = ':y' AND ":z" = \0::int AND c""", (1, 1)))
