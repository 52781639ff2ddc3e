"""PostgreSQL and SQLite, and two of PostgreSQL, that are kept equal."""

import itertools

from zc.generationalset.sql.peers import SyncError, Unfit
from zc.generationalset.sql.peers.conversation import Report
from zc.generationalset.tests.support import part_peers
from zc.generationalset.tests.support.peers import Peer
from zc.generationalset.tests.support.postgresql import DATABASES
from zc.generationalset.tests.support.postgresql_peers import PostgreSQLPeer
from zc.generationalset.tests.support.properties import THOROUGH
from zc.generationalset.tests.system.test_peers import Base, World

HISTORIES = 20 if THOROUGH else 1


class PairsBase(Base):

    layer = DATABASES

    def postgresql(self, policy='server', **options):
        peer = PostgreSQLPeer(DATABASES.lend(self), policy, **options)
        self.addCleanup(peer.close)
        return peer

    def still(self, client, server):
        """Nothing is left to do."""
        before = client.generation, server.generation
        self.assertEqual(client.sync(server), Report())
        self.assertEqual((client.generation, server.generation), before)


class HistoryTests(PairsBase):

    def test_two_kinds_in_a_chain(self):
        """SQLite, PostgreSQL, PostgreSQL; with cuts."""
        for policy, seed in itertools.product(
                ('server', 'columns'), range(HISTORIES)):
            with self.subTest(policy=policy, seed=seed):
                first = self.peer(policy)
                second, third = (self.postgresql(policy) for _ in range(2))
                world = World([first, second, third], seed)
                links = (first, second), (second, third)
                for _ in range(4):
                    world.change_some()
                    client, server = world.random.choice(links)
                    client.sync(server, budget=world.random.choice(
                        [None, world.random.randrange(1500)]))
                self.settled(world, *links)

    def test_client_of_postgresql(self):
        client, server = self.postgresql(), self.peer()
        client.run("INSERT INTO things VALUES ('x', 1, 1)")
        server.run("INSERT INTO things VALUES ('y', 2, 2)")
        self.assertEqual(client.sync(server), Report(1, 2, 0))
        client.run('TRUNCATE things')
        self.assertEqual(client.sync(server).sent, 2)
        self.assertEqual(server.things, {})
        self.still(client, server)


class PartServer(part_peers.PartServer, PostgreSQLPeer):
    """A server of PostgreSQL that lets users have the rows that they own."""

    table = 'public.things'


class PartsTests(PairsBase):

    def test_parts(self):
        """Rows leave and come, a push is refused, and secrets stay."""
        server = PartServer(DATABASES.lend(self), schema='''
            CREATE TABLE things (
                id text PRIMARY KEY, owner text, a bigint UNIQUE, secret text)
            ''')
        clients = ann, bob = [part_peers.PartClient(f'{user}.db', user)
                              for user in ('ann', 'bob')]
        for peer in (server, *clients):
            self.addCleanup(peer.close)
        server.run("INSERT INTO things VALUES ('x', 'ann', 1, 's'), "
                   "('y', 'bob', 2, 't'), ('z', NULL, 3, 'u')")
        ann.run("INSERT INTO things VALUES ('z', 'ann', 7)")
        self.assertEqual(ann.sync(server), Report(1, 1, 1))
        bob.sync(server)
        ann.run('UPDATE things SET a = 4')
        ann.sync(server)
        server.run("UPDATE things SET owner = 'bob' WHERE id = 'x'")
        for client in clients:
            self.assertEqual(client.sync(server), Report(0, 1, 0))
        self.assertEqual(ann.rows(), [])
        self.assertEqual(bob.rows(), [('x', 'bob', 4), ('y', 'bob', 2)])
        self.assertEqual(server.rows(), [
            ('x', 'bob', 4, 's'), ('y', 'bob', 2, 't'), ('z', None, 3, 'u')])
        bob.run("UPDATE things SET owner = 'ann'")
        with self.assertRaisesRegex(SyncError, 'a row that the client may'):
            bob.sync(server)
        bob.run("UPDATE things SET owner = 'bob'")
        for client in clients:
            client.sync(server)
            self.still(client, server)


TYPES = '''
    CREATE TYPE mood AS ENUM ('sad', 'ok');
    CREATE TABLE things (
        id uuid PRIMARY KEY, i bigint, f double precision, n numeric,
        t text, v varchar(9), y bytea, o boolean, d date,
        s timestamp, z timestamptz, l time, j jsonb, a integer[], m mood,
        p interval, k jsonb, b numeric[])'''

SAME = '''
    PRAGMA journal_mode = WAL;
    CREATE TABLE things (
        id UUID PRIMARY KEY, i BIGINT, f TEXT, n TEXT, t TEXT, v VARCHAR,
        y BLOB, o BOOLEAN, d DATE, s TIMESTAMP, z TIMESTAMP, l TIME, j TEXT,
        a TEXT, m TEXT, p TEXT, k JSON TEXT, b JSON)'''

VALUES = [
    '''9223372036854775807, '-0', 1.50, 'é', 'a', '\\x00ff', true,
    'infinity', '2026-11-29 17:00:00.123456', '2026-11-29 17:00:00.5+02',
    '09:30', '{"b": [1.50, null], "a": "é"}', '{1,NULL}', 'ok', '1 day',
    '{"b": [1.50, null]}', '{1.50,15,NULL,NaN}\'''',
    '''-9223372036854775808, 'NaN', 'NaN', '', NULL, '', false,
    '0044-03-15 BC', '-infinity', 'infinity', '00:00:00.000001', 'null',
    '[0:1]={1,2}', 'sad', '-1 mons', '1.50', '[0:1]={1,2}\'''',
    '''0, 'Infinity', -0.00, NULL, NULL, NULL, NULL, '2026-11-29', NULL, NULL,
    NULL, '1', '{}', NULL, NULL, 'null', '{}\'''',
    '''NULL, 1e300, 100000000000000000000, 'a', 'b', NULL, NULL, NULL, NULL,
    NULL, NULL, '"x"', '{{1},{2}}', NULL, NULL, '"x"', NULL''',
]


class ValueTests(PairsBase):

    def test_there_and_back(self):
        """PostgreSQL, SQLite, PostgreSQL: every value is the same."""
        first, last = (self.postgresql(schema=TYPES) for _ in range(2))
        middle = Peer('middle.db', schema=SAME)
        self.addCleanup(middle.close)
        for number, values in enumerate(VALUES):
            first.run('INSERT INTO things VALUES ('
                      f"'00000000-0000-0000-0000-00000000000{number}', "
                      f'{values})')
        middle.sync(first)
        middle.sync(last)
        texts = 'SELECT things::text FROM things ORDER BY id'
        self.assertEqual(last.run(texts), first.run(texts))
        last.run('UPDATE things SET o = NOT o, n = n + 1')
        middle.sync(last)
        middle.sync(first)
        self.assertEqual(last.run(texts), first.run(texts))
        for server in first, last:
            middle.sync(server)
            self.still(middle, server)

    def test_values_that_postgresql_can_not_have(self):
        """The column is named, and nothing is written."""
        server = self.postgresql(
            schema='CREATE TABLE things (id text PRIMARY KEY, a bigint)')
        for value, text in [
                ("'a' || char(0)", 'column id'), ("'b', 1.5", 'int')]:
            client = self.peer_of(
                'CREATE TABLE things (id TEXT PRIMARY KEY, a INT)')
            client.run('INSERT INTO things (id) VALUES (\'fine\')')
            columns = 'id, a' if ',' in value else 'id'
            client.run(f'INSERT INTO things ({columns}) VALUES ({value})')
            with self.assertRaisesRegex(SyncError, text):
                client.sync(server)
            self.assertEqual(server.rows(), [])

    def test_values_that_sqlite_can_not_have(self):
        server = self.postgresql(
            schema='CREATE TABLE things (id text PRIMARY KEY, f float8)')
        client = self.peer_of('CREATE TABLE things (id TEXT PRIMARY KEY, '
                              'f REAL)')
        for value in 'NaN', '-0':
            server.run("INSERT INTO things VALUES ('x', ?::float8)", value)
            with self.assertRaisesRegex(
                    SyncError, r'things, key \["x"\]: column f: .*as text'):
                client.sync(server)
            server.run('DELETE FROM things')
        client.sync(server)
        self.assertEqual(client.rows(), [])

    def peer_of(self, schema):
        peer = Peer(f'{next(self._names)}.db', schema=schema)
        self.addCleanup(peer.close)
        return peer

    def test_types_that_lose_values(self):
        server = self.postgresql(
            schema='CREATE TABLE things (id text PRIMARY KEY, n numeric)')
        client = self.peer_of('CREATE TABLE things (id TEXT PRIMARY KEY, '
                              'n NUMERIC)')
        with self.assertRaisesRegex(Unfit, 'column n: .*numeric and sqlite'):
            client.sync(server)


class ConstraintTests(PairsBase):

    schema = '''
        CREATE TABLE parents (id text PRIMARY KEY, name text UNIQUE);
        CREATE TABLE children (
            id text PRIMARY KEY,
            parent text REFERENCES parents ON DELETE CASCADE)'''
    tables = 'parents', 'children'

    def setUp(self):
        super().setUp()
        self.server = self.postgresql(schema=self.schema, tables=self.tables)
        self.client = Peer('client.db', schema=self.schema, tables=self.tables)
        self.addCleanup(self.client.close)
        self.client.run("INSERT INTO parents VALUES ('x', 'a'), ('y', 'b')")
        self.client.run("INSERT INTO children VALUES ('1', 'x')")
        self.client.sync(self.server)

    def check(self):
        for table in self.tables:
            self.assertEqual(
                self.client.rows(table), self.server.rows(table))
        self.still(self.client, self.server)

    def test_unique_values_are_swapped(self):
        for peer, other in [(self.client, 'c'), (self.server, 'd')]:
            for name, id in [(other, 'x'), ('a', 'y'), ('b', 'x')]:
                peer.run('UPDATE parents SET name = ? WHERE id = ?', name, id)
            self.client.sync(self.server)
            self.check()
            peer.run("UPDATE parents SET name = NULL")
            peer.run("UPDATE parents SET name = 'a' WHERE id = 'x'")
            peer.run("UPDATE parents SET name = 'b' WHERE id = 'y'")
            self.client.sync(self.server)
            self.check()

    def test_a_parent_goes_with_its_children(self):
        self.client.run("DELETE FROM children")
        self.client.run("DELETE FROM parents WHERE id = 'x'")
        self.client.sync(self.server)
        self.check()

    def test_a_child_comes_whose_parent_has_gone(self):
        """The server refuses it, and the client keeps it."""
        self.server.run("DELETE FROM parents WHERE id = 'y'")
        self.client.run("INSERT INTO children VALUES ('2', 'y')")
        with self.assertRaisesRegex(SyncError, 'children'):
            self.client.sync(self.server)
        self.assertEqual(self.server.rows('children'), [('1', 'x')])
        self.assertEqual(self.client.rows('children'),
                         [('1', 'x'), ('2', 'y')])
