"""Copies in pages by processes that are killed."""

import os
import signal
import subprocess
import sys
import tempfile
from unittest import mock

from zc.generationalset.documents import Document
from zc.generationalset.replica import SQLiteReplica
from zc.generationalset.server import encoding
from zc.generationalset.tests.support.faulty import Proxy
from zc.generationalset.tests.support.layers import Processes
from zc.generationalset.tests.support.serving import ENVIRONMENT, Served

COUNT = 200
PAGES = 20

#: Copies a set into a file, and says how many items it has after each page.
PROGRAM = '''
import sys
from zc.generationalset.client import Client
from zc.generationalset.replica import SQLiteReplica
with SQLiteReplica(sys.argv[2]) as replica:
    client = Client(sys.argv[1], replica=replica)
    for changes in client.watch():
        print(len(replica.items), flush=True)
'''


class KilledTests(Served):

    layer = Processes

    def setUp(self):
        super().setUp()
        self.stack.enter_context(mock.patch.multiple(
            encoding, PAGE=COUNT // PAGES, SMALL=4000))
        with self.changing() as things:
            for number in range(COUNT):
                things.add(Document(number, 'x' * 100))
        self.proxy = self.stack.enter_context(Proxy(self.url))
        self.path = os.path.join(self.stack.enter_context(
            tempfile.TemporaryDirectory()), 'copy.sqlite')

    def copy(self, pages, others=0):
        """Let a client get so many pages, and kill it; return its items.

        Other pages bring nothing.
        """
        self.proxy.requests.clear()
        self.proxy.fault = lambda request: (
            self.proxy.hang if len(self.proxy.requests) > pages + others
            else None)
        with subprocess.Popen(
                [sys.executable, '-c', PROGRAM, self.proxy.url, self.path],
                stdout=subprocess.PIPE, env=ENVIRONMENT) as process:
            for _ in range(pages):
                count = int(process.stdout.readline())
            process.send_signal(signal.SIGKILL)
        return count

    def test_no_page_is_lost(self):
        """Each client goes on where the one before was killed."""
        had, cursor = 0, ''
        for pages in 1, 5, 2, 8:
            got = self.copy(pages)
            asked = self.proxy.requests[0].target
            self.assertTrue(
                asked.endswith('cursor=' + cursor.replace('=', '%3D')), asked)
            had += pages * COUNT // PAGES
            self.assertEqual(got, had)
            with SQLiteReplica(self.path) as replica:
                self.assertEqual(len(replica.items), had)
                self.assertEqual(replica.generation, 0)
                cursor = replica.cursor
        with self.changing() as things:
            del things[0]
        # Four pages, what changed meanwhile, and between them an empty page.
        self.assertEqual(self.copy(5, others=1), COUNT - 1)
        with SQLiteReplica(self.path) as replica:
            self.assertEqual(list(replica.items), list(range(1, COUNT)))
