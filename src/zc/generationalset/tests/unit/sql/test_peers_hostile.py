"""What a hostile peer may say: refused, and nothing is written."""

import json
from contextlib import closing
from unittest import mock

from zc.generationalset.sql.peers import Rejected, SyncError, frames
from zc.generationalset.sql.peers.conversation import PROTOCOL
from zc.generationalset.tests.support.peers import Side
from zc.generationalset.tests.unit.sql.test_peers import Base

COLUMNS = {'id': 'sqlite TEXT', 'a': 'sqlite INTEGER', 'b': 'sqlite INTEGER'}
SHAPE = [['id'], COLUMNS, '']
HELLO = {'type': 'hello', 'protocol': PROTOCOL, 'id': 'evil', 'token': '',
         'tables': {'things': SHAPE}}


class ServerTests(Base):

    def setUp(self):
        super().setUp()
        self.begin('x', 1, 1)
        with self.server.database.reading() as reading:
            self.position = reading.position

    def refused(self, text, *messages, **members):
        """Say something; the server refuses it, and writes nothing."""
        before = self.server.run('SELECT * FROM gset_clients')
        with closing(Side(self.server.serving())) as side, \
                self.assertRaisesRegex(SyncError, text):
            for message in [dict(HELLO, **members), *messages]:
                side.came(json.dumps(message).encode())
            told = [side.sent() for _ in range(10)]
            self.fail(told)
        self.assertEqual(self.server.things, {'x': [1, 1]})
        self.assertEqual(
            self.server.run('SELECT * FROM gset_clients'), before)

    def push(self, text, *rows, table='things'):
        self.refused(
            text, {'type': 'push', 'push': 'p'},
            *[{'type': 'rows', 'table': table, 'rows': list(each)}
              for each in rows], {'type': 'end'})

    def pull(self, text, **members):
        self.refused(text, dict({
            'type': 'pull', 'push': '', 'epoch': self.position.epoch,
            'tables': {'things': 0}}, **members))

    def test_greetings(self):
        for text, members in [
                ('hello, got', {'type': 'push'}),
                ('version 2 of the protocol, got 1', {'protocol': 1}),
                ('protocol, got None', {'protocol': None}),
                ('token', {'token': None}), ('token', {'token': 'guess'}),
                ('id', {'id': ''}), ('id', {'id': 'x' * 201}),
                ('tables', {'tables': []}),
                ('description', {'tables': {'things': 1}}),
                ('description', {'tables': {'things': [['id'], {'a': 1}, '']}}
                 ),
                ('description', {'tables': {'things': [[1], {}, '']}}),
                ('only the other side has gset_queue',
                 {'tables': {'gset_queue': SHAPE, 'things': SHAPE}}),
                ('only this side has things', {'tables': {}})]:
            with self.subTest(members):
                self.refused(text, **members)

    def test_tables(self):
        for table in 'gset_conflicts', 'sqlite_schema', 1, '':
            self.push('table', [[['x'], None, None]], table=table)

    def test_rows(self):
        row = [['y'], None, [1, 2]]
        for rows in [
                [1], [[['y'], None]], [[*row, None]], [[None, None, [1, 2]]],
                [['y', None, [1, 2]]], [[['y'], None, {'a': 1}]]]:
            self.push('arrays for a row', [row, *rows])
        self.push('a row once', [row, row])

    def test_values(self):
        for text, row in [
                ('expected a key', [[], None, [1, 2]]),
                ('expected a key', [[None], None, [1, 2]]),
                ('expected a key', [['y', 'z'], None, [1, 2]]),
                ('column id', [[True], None, [1, 2]]),
                ('column id', [[7], None, [1, 2]]),
                ('values of the columns', [['y'], None, [1]]),
                ('values of the columns', [['y'], None, [1, 2, 3]]),
                ('column a', [['y'], None, ['1', 2]]),
                ('column a', [['y'], None, [[1], 2]]),
                ('column a', [['y'], None, [{'$tuple': []}, 2]]),
                ('column a', [['y'], None, [{'$int': str(2 ** 64)}, 2]])]:
            with self.subTest(row):
                self.push(text, [[['z'], None, [1, 2]]], [row])

    def test_messages(self):
        for text, *messages in [
                ('expected a message', [1]),
                ('push or pull or bye', {'type': 'hello'}),
                ('push or pull or bye', {'type': 'rows'}),
                ('rows or end', {'type': 'push', 'push': 'p'},
                 {'type': 'pull'}),
                ('push', {'type': 'push'}),
                ('push', {'type': 'push', 'push': 'p' * 300}),
                ('rows', {'type': 'push', 'push': 'p'},
                 {'type': 'rows', 'table': 'things'}, {'type': 'end'})]:
            with self.subTest(messages):
                self.refused(text, *messages)

    def test_positions(self):
        generation = self.position.generation
        self.pull('expected a generation up to', tables={
            'things': generation + 1})
        for tables in {}, {'things': -1}, {'things': None}, {
                'things': 0, 'gset_queue': 0}, {'things': True}:
            self.pull('expected a generation for each', tables=tables)
        self.pull('become another one', epoch='other')
        self.pull('push', push=None)

    def test_too_many_rows(self):
        with mock.patch.object(frames, 'TOTAL', 10):
            self.push('at most 10 bytes', *(
                [[[str(number)], None, [1, 2]]] for number in range(3)))

    def test_half_a_push(self):
        """Nothing is written before all of it is there."""
        with closing(Side(self.server.serving())) as side:
            for message in [
                    HELLO, {'type': 'push', 'push': 'p'},
                    {'type': 'rows', 'table': 'things',
                     'rows': [[['y'], None, [1, 2]]]}]:
                side.came(json.dumps(message).encode())
            self.assertIn(b'welcome', side.sent())
            self.assertIsNone(side.sent())
        self.assertEqual(self.server.things, {'x': [1, 1]})

    def test_repeated_push(self):
        """It is applied once, so it takes nothing back."""
        self.server.policy = 'client'
        for expected in [2, 1], [3, 1]:
            with closing(Side(self.server.serving())) as side:
                for message in [
                        HELLO, {'type': 'push', 'push': 'p'},
                        {'type': 'rows', 'table': 'things',
                         'rows': [[['x'], [1, 1], [2, 1]]]},
                        {'type': 'end'}, {'type': 'bye'}]:
                    side.came(json.dumps(message).encode())
                while side.sent() is not None:
                    pass
                self.assertTrue(side.is_done)
            self.assertEqual(self.server.things, {'x': expected})
            self.server.run('UPDATE things SET a = 3')
        self.assertEqual(self.server.conflicts(), [])

    def test_what_the_database_refuses_is_told(self):
        """The client gets the reason, and both stay as they were."""
        self.server.run('CREATE UNIQUE INDEX one ON things (b)')
        self.client.run("INSERT INTO things VALUES ('y', 7, 1)")
        steps = Side(self.server.serving())
        with closing(steps), closing(Side(self.client.asking())) as client, \
                self.assertRaisesRegex(Rejected, 'things.b.*these, 1.*"y"'):
            while True:
                for here, there in (client, steps), (steps, client):
                    try:
                        frame = here.sent()
                    except SyncError as error:
                        if here is client:
                            raise
                        self.assertIn('things.b', str(error))
                    else:
                        if frame is not None:
                            there.came(frame)
        self.assertEqual(self.server.things, {'x': [1, 1]})
        self.assertEqual(self.client.things, {'x': [1, 1], 'y': [7, 1]})


class ClientTests(Base):
    """A hostile server."""

    def setUp(self):
        super().setUp()
        self.begin('x', 1, 1)

    def refused(self, text, *messages):
        with closing(Side(self.client.asking())) as side:
            self.assertIn(b'hello', side.sent())
            with self.assertRaisesRegex(SyncError, text):
                for message in messages:
                    side.came(json.dumps(message).encode())
                    while side.sent() is not None:
                        pass
        self.assertEqual(self.client.things, {'x': [1, 1]})

    def welcome(self, **members):
        with self.server.database.reading() as reading:
            [[identity]] = reading.own('SELECT id FROM {gset}identity')
            epoch, generation = reading.position
        return {'type': 'welcome', 'id': identity, 'push': '', 'epoch': epoch,
                'generation': generation, 'tables': {'things': SHAPE}
                } | members

    def test_messages(self):
        end = {'type': 'end', 'epoch': 'e', 'generation': 7, 'conflicts': 0}
        row = {'type': 'rows', 'table': 'things'}
        for text, *messages in [
                ('welcome', {'type': 'rows'}),
                ('no', {'type': 'refused', 'text': 'no'}),
                ('only this side has things', self.welcome(tables={})),
                ('id', self.welcome(id=1)),
                ('generation', self.welcome(generation='1')),
                ('generation', self.welcome(generation=-1)),
                ('generation', self.welcome(
                    generation={'$int': str(2 ** 63)})),
                ('contents or rows or end', self.welcome(), self.welcome()),
                ('one of things', self.welcome(),
                 {'type': 'contents', 'table': 'gset_queue'}),
                ('generation', self.welcome(), end | {'generation': None}),
                ('column a', self.welcome(),
                 row | {'rows': [[['y'], ['no', 1]]]}, end),
                ('arrays for a row', self.welcome(),
                 row | {'rows': [[['y']]]}, end)]:
            with self.subTest(messages):
                self.refused(text, *messages)
