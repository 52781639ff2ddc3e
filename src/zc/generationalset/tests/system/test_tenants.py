"""Attacks of a user on rows of another one: nothing is told, or changed."""

import json
import unittest

import httpx

from zc.generationalset.answers import Position
from zc.generationalset.client import Client
from zc.generationalset.sources.cursors import write_cursor
from zc.generationalset.tests.support.layers import Servers
from zc.generationalset.tests.support.serving import wait
from zc.generationalset.tests.support.tenants import (
    PostgreSQLTenants,
    SQLiteTenants,
)

PATCH = {'content-type': 'application/merge-patch+json'}


class AttackTests:
    """Bob attacks: orders 9001 to 9003 are Ann's, and 9004 is his."""

    secrets = 'anns-', 'hidden-value'

    def setUp(self):
        super().setUp()
        for id, owner in enumerate(['ann', 'ann', 'ann', 'bob'], 9001):
            self.tell(
                'INSERT INTO orders (id, owner, name, total, secret) VALUES '
                f"({id}, '{owner}', '{owner}s-{id}', {id - 9000}, "
                "'hidden-value')")

    def state(self):
        return self.tell('SELECT * FROM orders ORDER BY id')

    def test_answers(self):
        for path in [
                'updates', 'updates?parts=%5B%5B%22orders%22%5D%5D',
                'updates?limit=1', 'items/orders/', 'items/',
                'items/orders/~9004',
                'items/orders/~9001', 'metrics', 'healthz', 'description',
                'explore', 'openapi.json', 'updates?since=x']:
            with self.subTest(path=path):
                text = self.bob.get(path).text
                for secret in self.secrets:
                    self.assertNotIn(secret, text)
        self.assertEqual(self.bob.get('items/orders/').json()['length'], 1)
        [orders] = self.bob.get('updates').json()['contents']
        self.assertEqual([id for id, _ in orders['contents']], [9004])

    def test_nobody_is_told_of_anything(self):
        self.assertEqual(httpx.get(f'{self.url}/updates').status_code, 401)
        with self.stream() as lines:
            self.tell("UPDATE orders SET name = 'anns-x' WHERE id = 9001")
            self.tell("DELETE FROM orders WHERE id = 9002")
            self.tell("UPDATE orders SET owner = 'cid', name = 'anns-y' "
                      "WHERE id = 9003")
            self.tell("UPDATE orders SET name = 'last' WHERE id = 9004")
            found = []
            for line in lines:
                found.append(line)
                if 'last' in line:
                    break
        text = '\n'.join(found)
        for secret in (*self.secrets, '[9001', '[9002', '[9003', 'removals'):
            self.assertNotIn(secret, text)

    def stream(self):
        position = self.bob.get('updates').json()
        stream = self.bob.stream('GET', 'events', params={
            'generation': position['generation'], 'epoch': position['epoch']})

        class Lines:
            def __enter__(self):
                return stream.__enter__().iter_lines()

            def __exit__(self, *error):
                return stream.__exit__(*error)

        return Lines()

    def test_positions_and_cursors_of_others(self):
        bobs = self.bob.get('updates').json()
        anns = self.ann.get('updates').json()
        answer = self.bob.get('updates', params={
            'generation': anns['generation'], 'epoch': anns['epoch']}).json()
        self.assertEqual(answer['reset'], 'epoch')
        self.assertNotIn('anns-', json.dumps(answer))
        for epoch, status in (anns['epoch'], 410), (bobs['epoch'], 200):
            cursor = write_cursor(Position(epoch, 1), [(epoch, 0, 1, (9000,))])
            response = self.bob.get('updates', params={'cursor': cursor})
            self.refused(response, status)
            self.assertEqual('9004' in response.text, status == 200)

    def test_a_row_of_somebody_else_is_as_none(self):
        before = self.state()
        requests: list[tuple[str, dict]] = [
            ('GET', {}), ('HEAD', {}), ('DELETE', {}),
            ('PATCH', {'content': '{"total": 9}', 'headers': PATCH}),
            ('DELETE', {'headers': {'if-match': '*'}}),
            ('PUT', {'json': {'owner': 'ann', 'name': 'x', 'total': 1}}),
            ('PUT', {'json': {'owner': 'bob', 'name': 'x', 'total': 1},
                     'headers': {'if-match': '*'}})]
        for method, options in requests:
            answers = []
            for id in 9001, 9077:
                response = self.bob.request(
                    method, f'items/orders/~{id}', **options)
                self.assertGreaterEqual(response.status_code, 400)
                if method != 'PUT' or 'headers' in options:
                    answers.append((response.status_code, response.text
                                    .replace(str(id), 'ID')))
                for secret in self.secrets:
                    self.assertNotIn(secret, response.text)
            with self.subTest(method=method, options=options):
                self.assertEqual(len(set(answers)), 1 if answers else 0)
        self.assertEqual(self.state(), before)

    def test_conditions_tell_nothing(self):
        """Whether a row of somebody else has changed."""
        position = self.bob.get('updates').json()
        self.tell("UPDATE orders SET total = 9 WHERE id = 9001")
        answers = set()
        for id in 9001, 9002, 9077:
            response = self.bob.post('batch', json={'changes': [
                {'op': 'remove', 'path': ['orders', id], 'unchanged_since': {
                    'epoch': position['epoch'],
                    'generation': position['generation']}}]})
            answers.add((response.status_code, response.text.replace(
                str(id), 'ID').partition('"updates"')[0]))
        self.assertEqual(len(answers), 1, answers)

    def test_writing_to_somebody_else(self):
        before = self.state()
        mine = 'items/orders/~9004'
        for response in [
                self.bob.put(mine, json={
                    'owner': 'ann', 'name': 'bobs-4', 'total': 4}),
                self.bob.patch(
                    mine, content='{"owner": "ann"}', headers=PATCH),
                self.bob.patch(
                    mine, content='{"owner": null}', headers=PATCH),
                self.bob.post('items/orders/', json={
                    'owner': 'ann', 'name': 'x', 'total': 1}),
                self.bob.put('items/orders/~9005', json={
                    'owner': "ann' OR '1'='1", 'name': 'x', 'total': 1}),
                self.bob.put('items/orders/~9001', json={
                    'owner': 'bob', 'name': 'x', 'total': 1})]:
            self.refused(response, 409)
            self.assertEqual(self.state(), before)
        response = self.bob.put('items/orders/~9004', json={
            'owner': 'bob', 'name': 'bobs-4', 'total': 4, 'secret': 'x'})
        self.refused(response, 400, 'secret')
        self.assertNotIn('secret', response.json()['detail'].split('got')[0])

    def test_hidden_columns_stay_hidden(self):
        self.assertEqual(self.bob.put('items/orders/~9004', json={
            'owner': 'bob', 'name': 'new', 'total': 4}).status_code, 200)
        [[secret]] = self.tell('SELECT secret FROM orders WHERE id = 9004')
        self.assertEqual(secret, 'hidden-value')
        # That another row has this value, a unique constraint can't hide.
        for total, text in (1, 'constraint'), (-1, 'positive'):
            self.refused(self.bob.patch(
                'items/orders/~9004', content=f'{{"total": {total}}}',
                headers=PATCH), 409, text)

    def test_an_order_gets_another_owner(self):
        with Client(self.url, token='first-token') as ann, \
                Client(self.url, token='second-token') as bob:
            ann.sync()
            bob.sync()
            self.tell("UPDATE orders SET owner = 'bob' WHERE id = 9001")
            wait(lambda: [bob.sync()] and 9001 in bob.replica.items['orders'])
            ann.sync()
            self.assertEqual(sorted(ann.replica.items['orders']), [9002, 9003])
            self.assertEqual(sorted(bob.replica.items['orders']), [9001, 9004])


class SQLiteTests(AttackTests, SQLiteTenants, unittest.TestCase):

    layer = Servers
    schema = ['''CREATE TABLE orders (
        id INTEGER PRIMARY KEY, owner TEXT, name TEXT,
        total REAL UNIQUE CONSTRAINT positive CHECK (total > 0),
        secret TEXT)''']


class PostgreSQLTests(AttackTests, PostgreSQLTenants, unittest.TestCase):

    schema = ['''CREATE TABLE orders (
        id serial PRIMARY KEY, owner text, name text,
        total numeric CONSTRAINT positive CHECK (total > 0),
        secret text DEFAULT 'hidden-value', UNIQUE (total, secret))''']
