"""A server that can't accept clients, because too many files are open."""

import contextlib
import gc
import os
import resource
import socket
from unittest import mock

from zc.generationalset.sql.peers import server
from zc.generationalset.tests.support.serving import wait
from zc.generationalset.tests.unit.sql import test_peers_sockets


class Listening(socket.socket):
    """It counts how often clients were to be accepted."""

    count = 0

    def accept(self):
        self.count += 1
        return super().accept()


class ExhaustedTests(test_peers_sockets.Base):

    def listening(self):
        listening = Listening(socket.AF_UNIX)
        listening.bind('socket')
        listening.listen()
        return listening

    @contextlib.contextmanager
    def exhausted(self):
        """No descriptor is left; yield a client that has connected."""
        gc.collect()
        client = socket.socket(socket.AF_UNIX)
        lowest = os.dup(0)
        os.close(lowest)
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, before[1]))
        try:
            client.connect('socket')
            yield client
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)

    def test_it_goes_on(self):
        listening = self.listening()
        self.enter(mock.patch.object(server, 'PAUSE', 0.001))
        self.serve(listening)
        with self.assertLogs('zc.generationalset.sql') as logs:
            with self.exhausted() as connected:
                wait(lambda: listening.count > 3)
            self.assertEqual(self.client().sync(connected), (0, 1, 0))
        warnings = [each for each in logs.output if 'WARNING' in each]
        self.assertEqual(len(warnings), 1)
        self.assertIn('can not accept clients: [Errno 24]', warnings[0])

    def test_it_waits_a_little(self):
        """It doesn't spin, and can be closed meanwhile."""
        listening = self.listening()
        self.enter(mock.patch.object(server, 'PAUSE', 3600))
        serving = self.serve(listening)
        with self.assertLogs('zc.generationalset.sql') as logs, \
                self.exhausted() as connected, connected:
            wait(lambda: logs.output)
        serving.close()
        self.thread.join()
        self.assertEqual(listening.count, 1)

    def enter(self, context):
        context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
