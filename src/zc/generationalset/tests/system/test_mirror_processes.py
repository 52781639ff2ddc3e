"""A source and mirrors in processes that are killed; all become equal."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

import httpx
import transaction
import ZODB
from ZODB.FileStorage import FileStorage

from zc.generationalset import wire
from zc.generationalset.check import check
from zc.generationalset.client import Client
from zc.generationalset.replica import Replica, SQLiteReplica
from zc.generationalset.tests.support.clients import quiet
from zc.generationalset.tests.support.followers import Follower, state, watcher
from zc.generationalset.tests.support.layers import Processes
from zc.generationalset.tests.support.processes import (
    MirrorServer,
    Server,
    Writer,
    wait,
)
from zc.generationalset.tests.support.serving import ENVIRONMENT


class Pairs(Follower):
    """Puts two equal items in one transaction, again and again."""

    def __init__(self, url):
        self.url = url
        super().__init__(Replica())

    def follow(self):
        number = 0
        with httpx.Client(base_url=self.url, timeout=90) as http:
            while not self.ended.wait(0.02):
                number += 1
                changes = [{'op': 'put', 'path': [id], 'item': number}
                           for id in ('left', 'right')]
                with contextlib.suppress(httpx.TransportError):
                    http.post('/batch', json={'changes': changes})


class Hopper(Follower):
    """Asks the source or a mirror, whichever chance says."""

    def __init__(self, urls, seed):
        self.urls = urls
        self.random = random.Random(seed)
        self.answers = 0
        super().__init__(Replica())

    def follow(self):
        with httpx.Client(timeout=90) as http:
            while not self.ended.wait(self.random.uniform(0, 0.05)):
                with contextlib.suppress(httpx.TransportError):
                    self.ask(http, self.random.choice(self.urls))

    def ask(self, http, url):
        query = {'generation': self.replica.generation}
        if self.replica.epoch is not None:
            query['epoch'] = self.replica.epoch
        response = http.get(f'{url}/updates', params=query)
        if response.status_code == 200:
            self.replica.apply(wire.decode(response.content))
            self.answers += 1
            left, right = map(self.replica.items.get, ('left', 'right'))
            if left != right:
                raise AssertionError(f'half an update: {left}, {right}')


class World:
    """A source, two mirrors, and a mirror of a mirror."""

    def __init__(self, stack, seed):
        self.stack = stack
        self.random = random.Random(seed)
        self.directory = stack.enter_context(tempfile.TemporaryDirectory())
        self.source = self.started(Server(self.path('Source.fs')))
        self.mirrors = []
        for name in 'one', 'two', 'three':
            url = self.mirrors[0].url if name == 'three' else self.source.url
            self.mirrors.append(self.started(
                MirrorServer(url, self.path(f'{name}.fs'))))
        self.urls = [self.source.url, *(
            mirror.url for mirror in self.mirrors)]
        self.followers = [
            self.following(Hopper(self.urls, seed * 10 + number))
            for number in range(3)]
        self.followers.append(self.following(
            watcher(self.mirrors[2].url, Replica())))
        stored = SQLiteReplica(self.path('replica.sqlite'))
        stack.callback(stored.close)
        self.followers.append(self.following(
            watcher(self.mirrors[1].url, stored)))

    def path(self, name):
        return os.path.join(self.directory, name)

    def started(self, server):
        self.stack.callback(server.kill)
        return server

    def following(self, follower):
        self.stack.callback(follower.stop)
        return follower

    def kill(self, server):
        """Kill a server after it has seen some more changes."""
        with httpx.Client(base_url=server.url, timeout=90) as http:
            def generation():
                # A mirror may have nothing yet.
                return http.get('/updates').json().get('generation', 0)
            target = generation() + self.random.randrange(1, 40)
            wait(lambda: generation() >= target)
        server.stop(signal.SIGKILL)
        server.start()

    def converge(self, test):
        """Expect that everybody gets what the source has."""
        truth = Replica()
        truth.apply(wire.decode(httpx.get(
            f'{self.source.url}/updates').content))
        expected = state(truth.items)
        everyone = [*self.followers]
        for url in self.urls[1:]:
            client = Client(url)
            self.stack.callback(client.close)
            everyone.append(client)
        for follower in everyone:
            self.await_(test, follower, truth)
            test.assertEqual(state(follower.replica.items), expected)
        return truth

    def await_(self, test, follower, truth):
        def is_there():
            if isinstance(follower, Client):
                follower.sync()
            else:
                test.assertIsNone(follower.error)
            replica = follower.replica
            return (replica.epoch, replica.generation) == (
                truth.epoch, truth.generation)
        wait(is_there)

    def audit(self, test):
        for server in self.source, *self.mirrors:
            test.assertEqual(server.stop(signal.SIGTERM), 0)
            os.remove(server.path + '.index')
            db = ZODB.DB(FileStorage(server.path, read_only=True))
            connection = db.open(transaction.TransactionManager())
            root = connection.root()
            gset = root['mirror'].mirrored if 'mirror' in root \
                else root['things']
            test.assertEqual(check(gset), [])
            connection.close()
            db.close()


class ProcessTests(unittest.TestCase):
    layer = Processes
    seeds = [1]
    kills = 2

    def test_all_are_killed(self):
        for seed in self.seeds:
            with self.subTest(seed=seed), quiet(), \
                    contextlib.ExitStack() as stack:
                world = World(stack, seed)
                pairs = world.following(Pairs(world.source.url))
                writer = Writer(world.source.url, seed, 100 * self.kills)
                stack.callback(writer.process.kill)
                for _ in range(self.kills):
                    for server in world.random.sample(
                            [world.source, *world.mirrors], 2):
                        world.kill(server)
                pairs.stop()
                writer.wait()
                generation, items = writer.result()
                truth = world.converge(self)
                self.assertEqual(generation, truth.generation)
                self.assertEqual(items, state(truth.items))
                world.audit(self)

    def test_a_backup_is_restored(self):
        seed = self.seeds[0]
        with quiet(), contextlib.ExitStack() as stack:
            world = World(stack, seed)
            pairs = world.following(Pairs(world.source.url))
            http = stack.enter_context(httpx.Client(
                base_url=world.source.url, timeout=90))
            http.put('/items/kept', json=1)
            world.source.stop(signal.SIGKILL)
            backup = world.path('backup.fs')
            shutil.copy(world.source.path, backup)
            world.source.start()
            http.put('/items/lost', json=1)
            lost = http.get('/updates').json()['generation']
            for follower in world.followers:
                wait(lambda follower=follower:
                     follower.replica.generation >= lost)
            world.source.stop(signal.SIGKILL)
            shutil.copy(backup, world.source.path)
            os.remove(world.source.path + '.index')
            renewed = subprocess.run(
                [sys.executable, '-m', 'zc.generationalset', 'renew',
                 world.source.path], env=ENVIRONMENT, check=True,
                capture_output=True, text=True).stdout
            world.source.start()
            http.put('/items/found', json=1)
            wait(lambda: http.get('/updates').json()['generation'] > lost)
            pairs.stop()
            truth = world.converge(self)
            self.assertIn(f'and is {truth.epoch} now', renewed)
            self.assertIn('kept', truth.items)
            self.assertIn('found', truth.items)
            self.assertNotIn('lost', truth.items)
            world.audit(self)


class LongProcessTests(ProcessTests):

    level = 2
    seeds = range(10, 20)
    kills = 12
