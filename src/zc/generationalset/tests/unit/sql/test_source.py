"""A SQL database as a source: answers, pages, and what clients write."""

import copy
import json
import random
from unittest import mock

from zc.generationalset import wire
from zc.generationalset.answers import NOTHING, Position
from zc.generationalset.replica import Replica
from zc.generationalset.sources import (
    NoItem,
    NoTree,
    Refused,
    StaleCursor,
    Unavailable,
    WrongKind,
    WrongValue,
)
from zc.generationalset.sources.cursors import write_cursor
from zc.generationalset.sql import DatabaseError, SQLSource
from zc.generationalset.sql.sqlite import connections
from zc.generationalset.tests.support import tables
from zc.generationalset.tests.unit.sql.test_sqlite_tracking import Base


class ShopBase(Base):

    schema = """
        PRAGMA journal_mode = WAL;
        CREATE TABLE orders (
            id INTEGER PRIMARY KEY, number TEXT UNIQUE,
            total REAL NOT NULL CONSTRAINT positive CHECK (total > 0),
            note TEXT, made DEFAULT CURRENT_TIMESTAMP,
            twice REAL AS (total * 2), due DATE, data BLOB);
        CREATE TABLE lines (
            "order" INT REFERENCES orders, number INT, what TEXT NOT NULL,
            PRIMARY KEY ("order", number)) WITHOUT ROWID;"""
    names = 'orders', 'lines'

    def write(self, change):
        return self.source.write(None, change)

    def put(self, *path, **values):
        return self.write(lambda editor: editor.put(
            path, wire.encode_value(values)))

    def row(self, *path):
        with self.source.snapshot() as snapshot:
            return json.loads(wire.encode_value(snapshot.item(None, path)))


class AnswersTests(ShopBase):

    def test_contents(self):
        self.run_sql(
            "INSERT INTO orders (id, total, made, data) VALUES "
            "(1, 2.5, 'now', x'00ff'), (9223372036854775807, 1, 2, 1e999)",
            "INSERT INTO lines VALUES (1, 1, 'tea'), (1, 2, 'cake')")
        self.followers.sync()
        self.assertEqual(self.replica.items, {
            'orders': {
                1: {'id': 1, 'number': None, 'total': 2.5, 'note': None,
                    'made': 'now', 'twice': 5.0, 'due': None,
                    'data': b'\0\xff'},
                2 ** 63 - 1: {
                    'id': 2 ** 63 - 1, 'number': None, 'total': 1.0,
                    'note': None, 'made': 2, 'twice': 2.0, 'due': None,
                    'data': float('inf')}},
            'lines': {
                (1, 1): {'order': 1, 'number': 1, 'what': 'tea'},
                (1, 2): {'order': 1, 'number': 2, 'what': 'cake'}}})

    def test_text_that_is_none(self):
        """It makes one row unreadable, and no more."""
        self.run_sql("INSERT INTO orders (id, total, note) VALUES "
                     "(1, 1, CAST(x'ff' AS TEXT)), (2, 1, 'a')")
        unreadable = []
        with self.source.snapshot() as snapshot:
            text = b''.join(wire.encode_chunks(
                snapshot.updates(None, NOTHING),
                unreadable=lambda path, error: unreadable.append(path)))
        self.assertEqual(unreadable, [('orders', 1)])
        self.assertIn(b'"note":"a"', text)

    def test_parts(self):
        self.run_sql("INSERT INTO orders (id, total) VALUES (1, 1)")
        parts = ('orders',), ('lines',), ('x',), ('y', 1)
        with self.source.snapshot() as snapshot:
            position = snapshot.position(None)
            whole = wire.decode(wire.encode(
                snapshot.updates(None, NOTHING, parts)))
            nothing = snapshot.updates(None, position, parts)
            before = position._replace(generation=position.generation - 1)
            changed = wire.decode(wire.encode(
                snapshot.updates(None, before, parts)))
        self.assertEqual(
            [len(part['contents']) for part in whole['parts']], [1, 0, 0, 0])
        self.assertEqual(nothing['parts'], [{'path': path} for path in parts])
        self.assertEqual(
            [sorted(part) for part in changed['parts']],
            [['adds', 'path'], ['path'], ['path'], ['path']])

    def test_other_tables_are_another_tree(self):
        other = SQLSource(self.database, ['lines'])
        with self.source.snapshot() as one, other.snapshot() as two:
            self.assertNotEqual(
                one.position(None).epoch, two.position(None).epoch)
            self.assertIn('reset', two.updates(None, one.position(None)))
        same = SQLSource(self.database, ['orders', 'lines'])
        with self.source.snapshot() as one, same.snapshot() as two:
            self.assertEqual(one.position(None), two.position(None))

    def test_tables_that_are_not_tracked(self):
        with self.assertRaisesRegex(
                DatabaseError, 'one of lines, orders; got people'):
            SQLSource(self.database, ['people'])

    def test_many_changes(self):
        """They are read twice, and never kept."""
        self.run_sql(
            'BEGIN', "INSERT INTO orders (id, total) VALUES (1, 1)",
            *[f'INSERT INTO lines VALUES (1, {number}, 1)'
              for number in range(2500)],
            'DELETE FROM lines WHERE number % 2 = 0', 'COMMIT')
        self.followers.sync()
        self.assertEqual(len(self.replica.items['lines']), 1250)

    def test_a_database_that_is_locked(self):
        with mock.patch.object(connections, 'PATIENCE', 0):
            self.database._pool.close()
            self.run_sql('BEGIN IMMEDIATE')
            with self.assertRaises(Unavailable):
                self.put('orders', 1, total=1)
            self.run_sql('COMMIT')
        self.assertTrue(self.put('orders', 1, total=1))


class PagesTests(ShopBase):

    def page(self, replica, limit):
        with self.source.snapshot() as snapshot:
            answer = wire.decode(wire.encode(snapshot.page(
                None, Position(replica.epoch, replica.generation),
                replica.cursor, limit)))
        replica.apply(answer)
        return answer

    def turn(self, replica, limit, between=lambda: None):
        """Bring a replica up to date by pages, and count them."""
        count = 0
        while 'next' in self.page(replica, limit):
            count += 1
            between()
        return count

    def fill(self, length):
        self.run_sql(
            *[f'INSERT INTO orders (id, total) VALUES ({number}, 1)'
              for number in range(1, length)],
            *[f'INSERT INTO lines VALUES ({number % 3 + 1}, {number}, 1)'
              for number in range(length)])

    def test_all_sizes(self):
        self.fill(7)
        for limit in range(1, 16):
            replica = Replica()
            self.turn(replica, limit)
            self.followers.sync(replica)
            self.assertEqual(len(replica.items['orders']), 6)
            self.assertEqual(len(replica.items['lines']), 7)

    def test_sizes_of_pages(self):
        self.fill(11)
        with self.source.snapshot() as snapshot:
            page: dict = wire.decode(wire.encode(
                snapshot.page(None, NOTHING, '', 4)))
        [orders] = page['adds']
        self.assertEqual(len(orders['adds']), 4)
        self.assertEqual(self.turn(Replica(), 4), 5)

    def test_changes_by_pages(self):
        self.fill(9)
        self.followers.sync()
        self.run_sql('UPDATE orders SET total = 2 WHERE id < 7',
                     'DELETE FROM lines WHERE number > 5')
        for limit in 1, 2, 5, 8, 9, 10:
            replica = copy.deepcopy(self.replica)
            self.turn(replica, limit)
            self.followers.sync(replica)

    def test_changes_meanwhile(self):
        chance = random.Random(3)
        self.fill(12)

        def change():
            self.run_sql(chance.choice([
                'DELETE FROM lines WHERE number = {0}',
                'REPLACE INTO lines VALUES ({0}, {1}, {1})',
                'UPDATE OR IGNORE lines SET number = {0} WHERE number = {1}',
                'UPDATE orders SET total = {0} + 1 WHERE id = {1}',
            ]).format(chance.randrange(1, 15), chance.randrange(1, 15)))

        for limit in 1, 3, 5:
            replica = Replica()
            self.turn(replica, limit, change)
            self.followers.sync(replica)

    def test_cursors_of_others(self):
        self.fill(9)
        page = self.page(Replica(), 2)
        other = SQLSource(self.database, ['lines'])
        for source, cursor in [
                (other, page['next']), (self.source, 'x'),
                (self.source, write_cursor(
                    Position('e', 1), [('e', 1, 0, 'ann')]))]:
            with source.snapshot() as snapshot, \
                    self.assertRaises(StaleCursor):
                snapshot.page(None, NOTHING, cursor, 2)

    def test_cursors_of_no_page(self):
        self.fill(9)
        self.followers.sync()
        with self.source.snapshot() as snapshot:
            position = snapshot.position(None)
        for rest in [
                (), (0,), (-1, 0), (2, 0), ('0', 0), (0, 'x'),
                (0, 1, 1, 2), (0, 0, 1), (0, 1, 1), (0, 1, ()), (0, 1, (1, 2)),
                (1, 1, (1,)), (0, 1, (10 ** 30,)), (0, 0, (1,)),
                (0, 0, (1, 'x')), (0, 0, ('x', 1)), (0, 0, (1, 10 ** 30)),
                (0, 0, (1, 2, 3))]:
            cursor = write_cursor(position, [(position.epoch, *rest)])
            for asked in NOTHING, position:
                with self.subTest(rest), self.source.snapshot() as snapshot, \
                        self.assertRaises(StaleCursor):
                    snapshot.page(None, asked, cursor, 2)

    def test_a_table_that_forgets_meanwhile(self):
        self.fill(9)
        self.followers.sync()
        self.run_sql('UPDATE orders SET total = 2')
        replica = copy.deepcopy(self.replica)
        self.page(replica, 2)
        self.run_sql('ALTER TABLE orders ADD COLUMN more')
        with self.assertRaises(StaleCursor):
            self.page(replica, 2)


class EditorTests(ShopBase):

    def test_put(self):
        self.assertTrue(self.put('orders', 1, total=2.5, number='a'))
        self.assertEqual(
            {name: value for name, value in self.row('orders', 1).items()
             if name not in ('made', 'due', 'data')},
            {'id': 1, 'number': 'a', 'total': 2.5, 'note': None,
             'twice': 5.0})
        self.assertFalse(self.put('orders', 1, total=3, note='x', id=1))
        self.assertTrue(self.put('lines', (1, 1), what='tea'))
        self.assertEqual(self.row('lines', (1, 1))['what'], 'tea')

    def test_what_is_left_out(self):
        """It becomes NULL, unless it has a default."""
        self.put('orders', 1, total=2, note='x', number='a')
        made = self.row('orders', 1)['made']
        self.put('orders', 1, total=2)
        row = self.row('orders', 1)
        self.assertEqual((row['note'], row['number'], row['made']),
                         (None, None, made))
        self.assertEqual(row['total'], 2)

    def test_what_is_there_already_is_no_change(self):
        self.put('orders', 1, total=2, note='x')
        before = self.position()
        self.put('orders', 1, total=2.0, note='x')
        self.put('orders', 1, id=1, total=2, note='x', number=None)
        self.assertEqual(self.position(), before)

    def position(self):
        with self.source.snapshot() as snapshot:
            return snapshot.position(None)

    def test_patched_documents(self):
        """They have computed columns, too."""
        self.put('orders', 1, total=2, note='x')

        def patch(editor):
            return editor.put(('orders', 1), wire.patched(
                editor.document(('orders', 1)), b'{"note": null, "total": 5}'))

        self.assertFalse(self.write(patch))
        row = self.row('orders', 1)
        self.assertEqual((row['note'], row['total'], row['twice']),
                         (None, 5.0, 10.0))

    def test_values_that_a_column_can_not_have(self):
        for name, value, error in [
                ('total', 'x', r'column total \(REAL\): expected a number'),
                ('total', True, 'expected a number, a string.*got true'),
                ('total', [1], 'expected a number, a string'),
                ('note', 5, r'column note \(TEXT\): expected a string'),
                ('note', b'x', 'expected a string'),
                ('due', '5', 'text that is none'),
                ('data', 2 ** 63, 'integer of 64 bits'),
                ('twice', 3, 'column twice: .*computes'),
                ('nix', 3, 'expected columns of id, .* got nix'),
                ('id', 3, 'column id: expected 1, as in the path')]:
            with self.subTest(name=name, value=value), \
                    self.assertRaisesRegex(WrongValue, error):
                self.put('orders', 1, **{'total': 1, name: value})
        for name, value in [
                ('due', '2026-11-29'), ('due', 5), ('data', b'x'),
                ('data', 'x'), ('total', 7)]:
            self.put('orders', 1, **{'total': 1, name: value})
            self.assertEqual(
                self.write(lambda editor: editor.item(
                    ('orders', 1)).value)[name], value)

    def test_what_is_no_row(self):
        for text in b'1', b'[]', b'"x"', b'null':
            with self.assertRaisesRegex(WrongValue, 'expected an object'):
                self.write(lambda editor, text=text: editor.put(
                    ('orders', 1), text))

    def test_constraints(self):
        self.put('orders', 1, total=2, number='a')
        for path, values, constraint in [
                (('orders', 2), {'total': 1, 'number': 'a'}, 'orders.number'),
                (('orders', 2), {'total': -1}, 'positive'),
                (('orders', 1), {'total': -1}, 'positive'),
                (('orders', 2), {}, 'orders.total'),
                (('lines', (7, 1)), {'what': 'tea'}, 'FOREIGN KEY')]:
            with self.subTest(values=values), \
                    self.assertRaises(Refused) as caught:
                self.put(*path, **values)
            self.assertEqual(caught.exception.constraint, constraint)
        self.put('lines', (1, 1), what='tea')
        with self.assertRaises(Refused):
            self.write(lambda editor: editor.remove(('orders', 1)))

    def test_constraints_that_are_checked_in_the_end(self):
        self.run_sql('CREATE TABLE later (id INTEGER PRIMARY KEY, a '
                     'REFERENCES orders DEFERRABLE INITIALLY DEFERRED)')
        tables.track(self.database, 'later')
        self.names = 'later',
        self.follow()
        with self.assertRaises(Refused):
            self.put('later', 1, a=5)

    def test_keys_that_a_row_can_not_have(self):
        for path in [('orders', 'a'), ('orders', 1.5), ('orders', 2 ** 63),
                     ('orders', '1'), ('lines', (1, 'x'))]:
            with self.subTest(path=path), self.assertRaises(WrongValue):
                self.put(*path, total=1) if path[0] == 'orders' else self.put(
                    *path, what='x')
        for path in [('lines', 1), ('lines', (1, 2, 3))]:
            with self.subTest(path=path), self.assertRaises(WrongKind):
                self.put(*path, what='x')
        self.put('orders', 1, total=1)
        for path in [('orders', '1'), ('orders', None), ('orders', (1,)),
                     ('lines', 1), ('orders', 2 ** 70), ('orders', 1, 2)]:
            with self.subTest(path=path), self.assertRaises(NoItem):
                self.row(*path)

    def test_nobody_makes_tables(self):
        for change in [
                lambda editor: editor.put(('x',), b'{}'),
                lambda editor: editor.put(('orders',), b'{}'),
                lambda editor: editor.make_set(('x',)),
                lambda editor: editor.make_set(('orders', 1)),
                lambda editor: editor.remove(('orders',))]:
            with self.assertRaises(WrongKind):
                self.write(change)
        self.assertFalse(
            self.write(lambda editor: editor.make_set(('orders',))))
        with self.assertRaises(NoItem):
            self.write(lambda editor: editor.make_set(('x', 'y')))

    def test_an_application_has_the_connection(self):
        self.write(lambda editor: editor.root.execute(
            'INSERT INTO orders (total) VALUES (5)'))
        self.assertEqual(self.row('orders', 1)['total'], 5)

    def test_names_of_trees(self):
        with self.assertRaises(NoTree):
            self.source.write('x', lambda editor: None)
