"""Systems that lack functions which Linux has."""

import subprocess
import sys
import unittest

from zc.generationalset.tests.support.layers import Processes
from zc.generationalset.tests.support.serving import ENVIRONMENT

SCRIPT = """
import os, signal, socket, sys, tempfile
# These ask for what there is; this package does after it is gone.
import httpx, multiprocessing, uvicorn, ZODB, ZODB.FileStorage, ZEO, zodburi

sys.modules['resource'] = sys.modules['fcntl'] = None
for module, names in [
        (os, 'pread pwrite preadv setpgrp setpgid setsid fork forkpty fchmod '
             'getuid geteuid getppid O_DIRECTORY register_at_fork'),
        (signal, 'SIGHUP SIGKILL SIGUSR1 SIGUSR2 SIGCHLD'),
        (socket, 'SO_REUSEPORT AF_UNIX TCP_USER_TIMEOUT')]:
    for name in names.split():
        if hasattr(module, name):
            delattr(module, name)
import asyncio
asyncio.AbstractEventLoop.add_signal_handler = None

from ZODB.DemoStorage import DemoStorage
from zc.generationalset import GSet
from zc.generationalset.__main__ import main
from zc.generationalset.client import Client
from zc.generationalset.documents import Document
from zc.generationalset.mirror import StoredMirror
from zc.generationalset.replica import Replica, SQLiteReplica
from zc.generationalset.server import application
from zc.generationalset.tests.support.serving import served

db, copy = ZODB.DB(DemoStorage()), ZODB.DB(DemoStorage())
with db.transaction() as connection:
    connection.root.things = things = GSet()
    for number in range(3000):
        things.add(Document(f'{number}', 'x' * 100))
directory = tempfile.mkdtemp()
file = os.path.join(directory, 'replica')
with served(application(db, lambda root: root['things'])) as url, \\
        SQLiteReplica(':memory:') as stored:
    replica = Replica()
    for each in replica, stored, StoredMirror(copy, 'mirror', url):
        with Client(url, replica=each) as client:
            client.sync()
        if each is replica or each is stored:
            print(len(each.items))
    replica.dump(file)
    print(len(Replica.load(file).items))
print(main(['serve', 'zeo://localhost:1', '--workers', '2']))
"""


class LackingTests(unittest.TestCase):

    layer = Processes

    def test_everything_but_workers(self):
        done = subprocess.run(
            [sys.executable, '-c', SCRIPT], env=ENVIRONMENT, text=True,
            capture_output=True, timeout=120)
        self.assertEqual(done.stdout.split(), ['3000'] * 3 + ['2'],
                         done.stderr)
        self.assertIn('expected a system where processes can share an '
                      'address', done.stderr)
