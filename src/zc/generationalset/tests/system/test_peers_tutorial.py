"""docs/databases.txt: two laptops and a server."""

import subprocess
import sys
from pathlib import Path

from zc.generationalset.sql.peers.outcomes import Conflict
from zc.generationalset.tests.support.guides import Guide, free_ports
from zc.generationalset.tests.support.peers import Peer
from zc.generationalset.tests.support.ports import listens
from zc.generationalset.tests.support.serving import ENVIRONMENT, wait
from zc.generationalset.tests.system.test_postgresql_peers import PairsBase


class TutorialTests(PairsBase):

    def setUp(self):
        super().setUp()
        self.guide = Guide('databases.txt')
        self.server = self.postgresql(
            schema=self.guide.block('shop'), tables=['orders'])
        [port] = free_ports(1)
        for name in 'server.py', 'laptop.py':
            Path(name).write_text(
                self.guide.block(name).replace('5984', port).replace(
                    'dbname=shop', self.server.path))
        process = subprocess.Popen(
            [sys.executable, 'server.py'], env=ENVIRONMENT,
            stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.port = int(port)

    def laptop(self, name):
        """Return a laptop, which has a folder of its own."""
        Path(name).mkdir()
        peer = Peer(f'{name}/shop.db', schema=self.guide.block('shop.db'),
                    tables=['orders'])
        peer.close()
        return peer

    def sync(self, laptop):
        return subprocess.run(
            [sys.executable, '../laptop.py'], cwd=Path(laptop.path).parent,
            env=ENVIRONMENT, capture_output=True, text=True, check=True,
            timeout=90).stdout

    def orders(self, peer):
        return [tuple(map(str, row)) for row in peer.rows('orders')]

    def test_two_laptops_and_a_server(self):
        ann, bob = map(self.laptop, ['ann', 'bob'])
        expected = [output for words, output in self.guide.sessions()
                    if words == ['python', 'laptop.py']]
        ann.run(self.guide.block('sqlite3 shop.db'))
        wait(lambda: listens(self.port))
        self.assertEqual([self.sync(ann), self.sync(bob)],
                         [f'{each.strip()}\n' for each in expected])
        ann.run("UPDATE orders SET customer = 'Anne'")
        bob.run("UPDATE orders SET total = '13.00'")
        for laptop in ann, bob, ann:
            self.sync(laptop)
        [(_, *values)] = self.orders(ann)
        self.assertEqual(values, ['Anne', '13.00'])
        self.assertEqual(self.orders(bob), self.orders(ann))
        self.assertEqual(self.orders(self.server), self.orders(ann))

    def test_function(self):
        names = {}
        exec(self.guide.block('client'), names)
        rows = {'total': 2}, {'total': 3}
        for server, client in rows, (None, rows[1]):
            self.assertEqual(names['largest'](Conflict(
                'orders', (1,), None, server, client)), rows[1])
