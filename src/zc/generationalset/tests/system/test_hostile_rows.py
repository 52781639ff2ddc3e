"""What clients write who mean no good: nothing is half written, or told."""

import unittest

from zc.generationalset.sql import View
from zc.generationalset.tests.support.layers import Servers
from zc.generationalset.tests.support.tenants import (
    PostgreSQLTenants,
    SQLiteTenants,
    Tenants,
)

DEEP = '[' * 5000 + ']' * 5000


class HostileTests:

    secrets = 'hidden-value', 'gset.', 'gset_'
    tracked = 'orders', 'parts'
    views = {**Tenants.views, 'parts': View('parts', None, 'owner = :user')}
    #: Values that no column has, by columns.
    lies = [
        ('name', 5), ('name', True), ('name', ['x']), ('name', {'a': 1}),
        ('name', {'$bytes': 'AA=='}), ('total', 'x'), ('total', True),
        ('total', '1; DROP TABLE orders'),
        ('id', 'x'), ('id', 1.5), ('twice', 1), ('nix', 1),
        ('total) VALUES (1); DROP TABLE orders; --', 1), ('"', 1),
        ('id', {'$int': '10' * 15}), ('total', {'$decimal': '1E+400000'}),
    ]

    def setUp(self):
        super().setUp()
        self.tell("INSERT INTO orders (id, owner, name, total, secret) "
                  "VALUES (1, 'ann', 'one', 1, 'hidden-value')")
        self.before = self.rows()

    def rows(self):
        return self.tell('SELECT * FROM orders ORDER BY id')

    def unchanged(self):
        self.assertEqual(self.rows(), self.before)

    def item(self, **values):
        return {'owner': 'ann', 'name': 'x', 'total': 1, **values}

    def test_values_that_lie(self):
        for name, value in self.lies:
            with self.subTest(name=name, value=value):
                for request in [
                        self.ann.put('items/orders/~2', json=self.item(
                            **{name: value})),
                        self.ann.post('items/orders/', json=self.item(
                            **{name: value})),
                        self.ann.patch(
                            'items/orders/~1', json={name: value}, headers={
                                'content-type':
                                'application/merge-patch+json'})]:
                    self.refused(request, 400, 'table ', 'expected')
                self.unchanged()

    def test_bodies_that_are_no_rows(self):
        for text in ['1', 'null', '"x"', '[1]', '', '{', '{"a":1,"a":2}', DEEP,
                     '{"name":' + DEEP + '}', '{"name":1e999}', '\0']:
            with self.subTest(text=text[:30]):
                self.refused(self.ann.put(
                    'items/orders/~2', content=text, headers={
                        'content-type': 'application/json'}), 400)
        self.unchanged()

    def test_what_is_not_served(self):
        for path in ['log/~1', 'log/x', 'orders%3B%20DROP/x', 'public.log/~1',
                     'orders/~1/x', 'orders/~1/~2', 'sqlite_schema/~1']:
            for request in [
                    self.ann.put(f'items/{path}', json=self.item()),
                    self.ann.delete(f'items/{path}'),
                    self.ann.get(f'items/{path}'),
                    self.ann.post(f'items/{path}/', json=self.item())]:
                with self.subTest(path=path, method=request.request.method):
                    self.refused(request, 404)
        self.assertEqual(self.tell('SELECT * FROM log'), [])

    def test_keys(self):
        for id in ['["x"]', '{"$tuple":[1,2]}', 'x', '~"1"', '~1.5',
                   '~{"$tuple":[1]}', '~null', '~' + '9' * 30,
                   "~\"1' OR 1=1 --\""]:
            with self.subTest(id=id):
                response = self.ann.put(
                    f'items/orders/{id}', json=self.item())
                self.assertIn(response.status_code, (400, 404, 409))
                self.refused(response, response.status_code)
        self.unchanged()

    def test_sql_in_values(self):
        text = "'); DROP TABLE orders; -- $1 ? :user %s"
        response = self.ann.post('items/orders/', json=self.item(name=text))
        self.assertEqual(response.status_code, 201)
        id = response.json()['id']
        self.assertEqual(
            self.ann.get(f'items/orders/~{id}').json()['name'], text)

    def test_constraints(self):
        for values, constraint in [
                ({'total': -1}, 'positive'), ({'name': 'one'}, 'name'),
                ({'name': None}, 'name')]:
            with self.subTest(values=values):
                response = self.ann.put(
                    'items/orders/~2', json=self.item(**values))
                self.refused(response, 409, 'table orders')
                self.assertIn(constraint, response.json()['constraint'])
        self.unchanged()

    def test_batches_are_made_as_a_whole(self):
        good = {'op': 'put', 'path': ['orders', 2],
                'item': self.item(name='two')}
        for bad in [
                {'op': 'put', 'path': ['orders', 3],
                 'item': self.item(total=-1)},
                {'op': 'put', 'path': ['orders', 3],
                 'item': self.item(name='two')},
                {'op': 'put', 'path': ['parts', 1],
                 'item': {'id': 1, 'owner': 'ann', 'order': 77}},
                {'op': 'add', 'path': ['orders'], 'item': {'nix': 1}}]:
            with self.subTest(bad=bad):
                response = self.ann.post('batch', json={'changes': [
                    good, bad]})
                self.assertIn(response.status_code, (400, 404, 409))
                self.refused(response, response.status_code)
                self.unchanged()
        self.assertEqual(self.tell('SELECT * FROM parts'), [])


class SQLiteTests(HostileTests, SQLiteTenants, unittest.TestCase):

    layer = Servers
    lies = [*HostileTests.lies, ('total', {'$float': 'nan'})]
    schema = [
        '''CREATE TABLE orders (
            id INTEGER PRIMARY KEY, owner TEXT, name TEXT NOT NULL UNIQUE,
            total REAL CONSTRAINT positive CHECK (total > 0), secret TEXT,
            twice REAL AS (total * 2))''',
        '''CREATE TABLE parts (
            id INTEGER PRIMARY KEY, owner TEXT, "order" INT
            REFERENCES orders DEFERRABLE INITIALLY DEFERRED)''',
        'CREATE TABLE log (id INTEGER PRIMARY KEY)']


class PostgreSQLTests(HostileTests, PostgreSQLTenants, unittest.TestCase):

    views = {**HostileTests.views, 'orders': View(
        'orders', ['id', 'owner', 'name', 'total', 'twice', 'data'],
        'owner = :user')}
    lies = [
        *HostileTests.lies, ('name', 'a\0b'), ('name', 'x' * 200),
        ('total', {'$decimal': '1E+300'}), ('total', 1.234)]
    schema = [
        '''CREATE TABLE orders (
            id serial PRIMARY KEY, owner text,
            name varchar(100) NOT NULL UNIQUE,
            total numeric(9, 2) CONSTRAINT positive CHECK (total > 0),
            secret text, twice numeric GENERATED ALWAYS AS (total * 2) STORED,
            data jsonb)''',
        '''CREATE TABLE parts (
            id serial PRIMARY KEY, owner text, "order" int
            REFERENCES orders DEFERRABLE INITIALLY DEFERRED)''',
        'CREATE TABLE log (id serial PRIMARY KEY)']

    def setUp(self):
        super().setUp()
        self.tell("SELECT setval('orders_id_seq', 10)")

    def test_json_that_python_can_not_read(self):
        """Somebody else wrote it; clients read all other rows."""
        for id, text in [
                (5, "repeat('[', 400) || repeat(']', 400)"),
                (6, "repeat('[', 5000) || repeat(']', 5000)"),
                (7, "repeat('9', 5000)")]:
            self.tell('INSERT INTO orders (id, owner, name, data) VALUES '
                      f"({id}, 'ann', 'deep {id}', ({text})::jsonb)")
        with self.assertLogs('zc.generationalset.server'):
            [orders, _] = self.ann.get('updates').json()['contents']
        self.assertEqual([id for id, _ in orders['contents']][:1], [1])
        self.assertEqual(self.ann.put('items/orders/~6', json=self.item(
            name='flat')).status_code, 200)
        self.assertEqual(
            self.ann.get('items/orders/~6').json()['data'], None)

    def test_policies(self):
        """A trigger stands for them, as tests are superusers."""
        for statement in [
                'CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS '
                "'BEGIN RAISE insufficient_privilege "
                "USING MESSAGE = ''hidden-value''; END'",
                'CREATE TRIGGER fails BEFORE UPDATE ON orders '
                'FOR EACH ROW EXECUTE FUNCTION fails()']:
            self.tell(statement)
        self.refused(self.ann.put('items/orders/~1', json=self.item(
            total=5)), 409, 'table public.orders', 'policy')
        self.unchanged()
