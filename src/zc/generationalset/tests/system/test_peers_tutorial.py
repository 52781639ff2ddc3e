"""docs/databases.txt: two laptops and a server."""

import subprocess
import sys
from pathlib import Path

from psycopg2.extensions import parse_dsn

from zc.generationalset.sql.peers.outcomes import Conflict
from zc.generationalset.tests.support.guides import Guide, free_ports
from zc.generationalset.tests.support.peers import Peer
from zc.generationalset.tests.support.ports import listens
from zc.generationalset.tests.support.serving import ENVIRONMENT, wait
from zc.generationalset.tests.system.test_postgresql_peers import PairsBase

GSET = '-m', 'zc.generationalset'


class TutorialTests(PairsBase):

    def setUp(self):
        super().setUp()
        self.guide = Guide('databases.txt')
        self.server = self.postgresql(
            schema=self.guide.block('shop'), tables=['orders'])
        [self.port] = free_ports(1)
        parsed = parse_dsn(self.server.path)
        self.url = 'postgresql://{user}@/{dbname}?host={host}'.format(**parsed)

    def start(self, *command):
        process = subprocess.Popen(
            [sys.executable, *command], env=ENVIRONMENT,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        wait(lambda: listens(int(self.port)))

    def laptop(self, name):
        """Return a laptop, which has a folder of its own."""
        Path(name).mkdir()
        peer = Peer(f'{name}/shop.db', schema=self.guide.block('shop.db'),
                    tables=['orders'])
        peer.close()
        return peer

    def run_on(self, laptop, *command):
        """Run a program on a laptop; return its last line."""
        return subprocess.run(
            [sys.executable, *command], cwd=Path(laptop.path).parent,
            env=ENVIRONMENT, capture_output=True, text=True, check=True,
            timeout=90).stdout.splitlines()[-1]

    def orders(self, peer):
        return [tuple(map(str, row)) for row in peer.rows('orders')]

    def test_two_laptops_and_a_server(self):
        serve, *syncs = [
            (words, output.strip()) for words, output in self.guide.sessions()
            if words[0] == 'gset']
        self.start(*GSET, *[
            word.replace('postgresql:///shop', self.url)
            for word in serve[0][1:]], '--at', f'tcp://127.0.0.1:{self.port}')
        ann, bob = map(self.laptop, ['ann', 'bob'])
        ann.run(self.guide.block('sqlite3 shop.db'))

        def sync(laptop, words=syncs[0][0]):
            return self.run_on(laptop, *GSET, *[
                word.replace('5984', self.port) for word in words[1:]])

        for laptop, (words, output) in zip([ann, bob], syncs, strict=True):
            self.assertEqual(sync(laptop, words), output)
        ann.run("UPDATE orders SET customer = 'Anne'")
        bob.run("UPDATE orders SET total = '13.00'")
        for laptop in ann, bob, ann:
            sync(laptop)
        self.equal(['Anne', '13.00'], ann, bob)

    def equal(self, expected, *laptops):
        """The server and laptops have one order."""
        for peer in self.server, *laptops:
            [(_, *values)] = self.orders(peer)
            self.assertEqual(values, expected)

    def test_in_a_program(self):
        for name in 'server.py', 'laptop.py':
            Path(name).write_text(
                self.guide.block(name).replace('5984', self.port).replace(
                    'dbname=shop', self.server.path))
        self.start('server.py')
        ann = self.laptop('ann')
        ann.run(self.guide.block('sqlite3 shop.db'))
        self.run_on(ann, '../laptop.py')
        self.equal(['Ann', '12.50'], ann)
        [expected] = [output.strip() for words, output in
                      self.guide.sessions() if words[0] == 'python']
        self.assertEqual(self.run_on(ann, '../laptop.py'), expected)

    def test_function(self):
        names = {}
        exec(self.guide.block('client'), names)
        rows = {'total': 2}, {'total': 3}
        for server, client in rows, (None, rows[1]):
            self.assertEqual(names['largest'](Conflict(
                'orders', (1,), None, server, client)), rows[1])
