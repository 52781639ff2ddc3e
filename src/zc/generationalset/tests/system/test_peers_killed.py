"""kill -9 at writes of a sync: both sides are equal after the next one."""

import signal
import subprocess
import sys
from contextlib import closing

from zc.generationalset.tests.support.peers import Peer
from zc.generationalset.tests.support.properties import THOROUGH
from zc.generationalset.tests.support.serving import ENVIRONMENT
from zc.generationalset.tests.system.test_peers import Base

#: Which writes are tried.
STEP = 1 if THOROUGH else 9

SYNC = '''
import os, signal, sys
from zc.generationalset.tests.support.peers import Peer

peers = {name: Peer(name, schema='') for name in ('client.db', 'server.db')}
left = iter(range(int(sys.argv[2])))

def kill():
    if next(left, None) is None:
        os.kill(os.getpid(), signal.SIGKILL)

peers[sys.argv[1]].kill = kill
peers['client.db'].sync(peers['server.db'])
'''


class KilledTests(Base):

    def test_client(self):
        self.check('client.db')

    def test_server(self):
        self.check('server.db')

    def check(self, victim):
        with closing(Peer('client.db')) as client, \
                closing(Peer('server.db')) as server:
            for count in range(0, 1000, STEP):
                client.run('INSERT INTO things VALUES (?, 1, 1)', f'c{count}')
                server.run('INSERT INTO things VALUES (?, 1, 1)', f's{count}')
                code = subprocess.run(
                    [sys.executable, '-c', SYNC, victim, str(count)],
                    env=ENVIRONMENT).returncode
                if not code:
                    break
                self.assertEqual(code, -signal.SIGKILL)
            self.assertGreater(count, 0)
            client.sync(server)
            self.assertEqual(client.rows(), server.rows())
            self.assertEqual(len(client.rows()), 2 * (count // STEP + 1))
            self.assertEqual(server.conflicts(), [])
