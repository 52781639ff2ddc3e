"""Clients of a process that forks."""

import subprocess
import sys
import unittest

from zc.generationalset.tests.support.layers import Processes
from zc.generationalset.tests.support.serving import ENVIRONMENT, Served

PROGRAM = '''
import os, sys
from zc.generationalset.client import Client, Closed

reader, writer, closed = [Client(sys.argv[1]) for _ in range(3)]
closed.sync()
closed.close()
changes = reader.watch()
for number in range(2):
    writer.put(f'before {number}', number)
    next(changes)
child = os.fork() == 0
who, other = ('child', 'parent') if child else ('parent', 'child')
for number in range(20):
    writer.put(f'{who} {number}', number)
    assert writer.get(f'{who} {number}') == number
while f'{other} 19' not in reader.replica.items:
    next(changes)
if child:
    try:
        closed.sync()
    except Closed:
        reader.close()
        sys.exit()
    raise AssertionError
assert os.wait()[1] == 0
writer.put('after', 1)
while 'after' not in reader.replica.items:
    next(changes)
reader.close()
'''


class ForkTests(Served):

    def test_parent_and_child_have_connections_of_their_own(self):
        """Requests, open streams, and streams that are closed."""
        done = subprocess.run(
            [sys.executable, '-c', PROGRAM, self.url], env=ENVIRONMENT,
            capture_output=True, text=True, timeout=90)
        self.assertEqual(done.returncode, 0, done.stderr)
        # The child's error for the stream of its parent.
        self.assertRegex(
            done.stderr, r'^GET \S+/events: the stream ended; .*\n$')


SERVER = '''
import asyncio, os, sys, ZODB
from ZODB.DemoStorage import DemoStorage
from zc.generationalset.server import application

app = application(ZODB.DB(DemoStorage()), lambda root: root)
if os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))

async def start():
    async with app.router.lifespan_context(app):
        pass

asyncio.run(start())
'''


class ServerForkTests(unittest.TestCase):

    layer = Processes

    def test_an_application_is_of_one_process(self):
        done = subprocess.run(
            [sys.executable, '-c', SERVER], env=ENVIRONMENT,
            capture_output=True, text=True, timeout=90)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(
            done.stderr, 'RuntimeError: expected an application of this .*\n$')
