"""Random writers, a server that is killed, replicas: all become equal."""

import contextlib
import itertools
import os
import random
import signal
import tempfile
import unittest

import httpx
import transaction
import ZODB
from ZODB.FileStorage import FileStorage

from zc.generationalset import wire
from zc.generationalset.check import check
from zc.generationalset.replica import Replica, SQLiteReplica
from zc.generationalset.tests.support.followers import (
    async_watcher,
    poller,
    state,
    watcher,
)
from zc.generationalset.tests.support.layers import Processes
from zc.generationalset.tests.support.processes import (
    Server,
    Writer,
    wait,
)


class ConvergenceTests(unittest.TestCase):

    layer = Processes

    def converge(self, seed, writers, count, kills):
        print_seed = f'seed {seed}'
        source = random.Random(seed)
        with contextlib.ExitStack() as stack, self.subTest(print_seed):
            directory = stack.enter_context(tempfile.TemporaryDirectory())
            server = Server(os.path.join(directory, 'Data.fs'))
            stack.callback(server.kill)
            url = server.url
            on_disk = [
                SQLiteReplica(os.path.join(directory, f'{number}.sqlite'))
                for number in range(2)]
            for replica in on_disk:
                stack.callback(replica.close)
            followers = [
                watcher(url, Replica()), watcher(url, on_disk[0]),
                async_watcher(url, Replica()), poller(url, Replica()),
                poller(url, on_disk[1], wait=1)]
            for follower in followers:
                stack.callback(follower.stop)
            targets = self.targets(url, source, kills)
            processes = [Writer(url, seed * 100 + number, count)
                         for number in range(writers)]
            for process in processes:
                stack.callback(process.process.kill)
            for target in targets:
                self.kill(server, target)
            for process in processes:
                process.wait()
            results = [process.result() for process in processes]
            self.compare(url, followers, results)
            self.assertEqual(server.stop(signal.SIGTERM), 0)
            self.audit(server.path)

    def targets(self, url, source, kills):
        """Return generations that come while writers write."""
        generation = httpx.get(f'{url}/updates').json()['generation']
        return list(itertools.accumulate(
            [source.randrange(10, 60) for _ in range(kills)],
            initial=generation))[1:]

    def kill(self, server, target):
        """Kill the server at a generation, and start it again."""
        with httpx.Client(base_url=server.url) as http:
            wait(lambda: http.get(
                '/updates').json()['generation'] >= target)
        server.stop(signal.SIGKILL)
        server.start()

    def compare(self, url, followers, results):
        truth = Replica()
        truth.apply(wire.decode(httpx.get(f'{url}/updates').content))
        expected = state(truth.items)
        for follower in followers:
            wait(lambda follower=follower: follower.error or
                 follower.replica.generation == truth.generation)
            self.assertIsNone(follower.error)
            self.assertEqual(state(follower.replica.items), expected)
            self.assertEqual(follower.replica.epoch, truth.epoch)
        for generation, items in results:
            self.assertEqual(generation, truth.generation)
            self.assertEqual(items, expected)

    def audit(self, path):
        db = ZODB.DB(FileStorage(path, read_only=True))
        connection = db.open(transaction.TransactionManager())
        self.assertEqual(check(connection.root()['things']), [])
        connection.close()
        db.close()

    def test_all_replicas_are_equal(self):
        self.converge(seed=1, writers=3, count=150, kills=1)


class LongConvergenceTests(ConvergenceTests):

    level = 2

    def test_all_replicas_are_equal(self):
        for seed in range(2, 12):
            self.converge(seed, writers=4, count=500, kills=6)
