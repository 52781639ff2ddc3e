"""Random writers in several processes, a server that is killed, replicas of
all kinds: in the end all of them are equal."""

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

import httpx
import transaction
import ZODB
from ZODB.FileStorage import FileStorage
from zope.testing.wait import Wait

from zc.generationalset import wire
from zc.generationalset.check import check
from zc.generationalset.client import AsyncClient, Client
from zc.generationalset.replica import Replica, SQLiteReplica
from zc.generationalset.tests.support.layers import Processes

wait = Wait(timeout=90, wait=0.05)
ENVIRONMENT = {**os.environ,
               'PYTHONPATH': os.pathsep.join(filter(None, sys.path))}


def free_port():
    with socket.create_server(('127.0.0.1', 0)) as listening:
        return listening.getsockname()[1]


class Server:
    """``gset serve`` in a process that can be killed."""

    def __init__(self, path, *options, log=None, environment=ENVIRONMENT):
        self.path = path
        self._options = options
        self._log = log
        self._environment = environment
        self.port = free_port()
        self.url = f'http://127.0.0.1:{self.port}'
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, '-m', 'zc.generationalset', 'serve', self.path,
             '--port', str(self.port), *self._options], env=self._environment,
            stdout=subprocess.PIPE, stderr=self._log, text=True)
        line = self.process.stdout.readline()
        if not line.startswith('serving things'):
            raise AssertionError(f'the server did not start: {line!r}')

    def stop(self, how):
        self.process.send_signal(how)
        code = self.process.wait(30)
        self.process.stdout.close()
        return code

    def kill(self):
        """Kill it, if it runs."""
        if self.process.poll() is None:
            self.stop(signal.SIGKILL)


class Writer:
    """support/http_writer.py in a process."""

    def __init__(self, url, seed, count):
        self.process = subprocess.Popen(
            [sys.executable, '-m',
             'zc.generationalset.tests.support.http_writer',
             url, str(seed), str(count)], env=ENVIRONMENT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def wait(self):
        line = self.process.stdout.readline()
        if line != 'written\n':
            raise AssertionError(f'a writer ended: {line!r}')

    def result(self):
        with self.process:
            return json.loads(self.process.communicate('\n', 60)[0])


class Follower:
    """A thread that keeps a replica current, in one of several ways."""

    def __init__(self, replica):
        self.replica = replica
        self.error = None
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        try:
            self.follow()
        except Exception as error:
            self.error = error

    def stop(self):
        self.ended.set()
        self.thread.join(60)
        if self.error is not None:
            raise self.error


def watcher(url, replica):
    class Watcher(Follower):
        client = Client(url, replica=replica)

        def follow(self):
            for _ in self.client.watch():
                pass

        def stop(self):
            self.client.close()
            super().stop()
    return Watcher(replica)


def async_watcher(url, replica):
    class AsyncWatcher(Follower):
        def follow(self):
            asyncio.run(self.watch())

        async def watch(self):
            async with AsyncClient(url, replica=replica) as client:
                watching = asyncio.create_task(self.consume(client))
                while not self.ended.is_set() and not watching.done():
                    await asyncio.sleep(0.05)
                await client.close()
                await watching

        async def consume(self, client):
            async for _ in client.watch():
                pass
    return AsyncWatcher(replica)


def poller(url, replica, **parameters):
    """Follow with a few lines and no client at all."""
    class Poller(Follower):
        def follow(self):
            with httpx.Client(base_url=url, timeout=30) as http:
                while not self.ended.wait(0.02):
                    with contextlib.suppress(httpx.TransportError):
                        self.ask(http)

        def ask(self, http):
            query = {'generation': replica.generation, **parameters}
            if replica.epoch is not None:
                query['epoch'] = replica.epoch
            response = http.get('/updates', params=query)
            if response.status_code == 200:
                replica.apply(wire.decode(response.content))
    return Poller(replica)


def state(items):
    """Return what a replica has as something that can be compared."""
    return {id: state(item) if hasattr(item, 'items') else item
            for id, item in items.items()}


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
            processes = [Writer(url, seed * 100 + number, count)
                         for number in range(writers)]
            for process in processes:
                stack.callback(process.process.kill)
            for _ in range(kills):
                self.kill(server, source)
            for process in processes:
                process.wait()
            results = [process.result() for process in processes]
            self.compare(url, followers, results)
            self.assertEqual(server.stop(signal.SIGTERM), 0)
            self.audit(server.path)

    def kill(self, server, source):
        """Kill the server after some more changes, and start it again."""
        with httpx.Client(base_url=server.url) as http:
            def generation():
                return http.get('/updates').json()['generation']
            target = generation() + source.randrange(10, 60)
            wait(lambda: generation() >= target)
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
