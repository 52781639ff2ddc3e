"""A running server renews the epoch when changes are taken back."""

import asyncio
import contextlib
import logging
import os
import tempfile
import threading
import unittest
from unittest import mock

import httpx
import ZODB
from ZODB.DemoStorage import DemoStorage
from ZODB.FileStorage import FileStorage
from ZODB.POSException import ReadOnlyError
from zope.testing import setupstack

from zc.generationalset import wire
from zc.generationalset.answers import Position
from zc.generationalset.client import Client
from zc.generationalset.mirror import Mirror
from zc.generationalset.replica import Replica
from zc.generationalset.server import application
from zc.generationalset.server.cache import Cache
from zc.generationalset.server.tree import Tree
from zc.generationalset.tests.support import storages
from zc.generationalset.tests.support.clients import Watcher
from zc.generationalset.tests.support.databases import undo
from zc.generationalset.tests.support.logs import LOGGER
from zc.generationalset.tests.support.serving import Served, served, wait
from zc.generationalset.tests.support.streams import Stream


class Undoing(Served):

    options = {'heartbeat': 3600}

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = os.path.join(directory.name, 'Data.fs')
        super().setUp()
        for id in 'abc':
            self.put(id, 1)
        self.before = self.epoch()

    def storage(self):
        return FileStorage(self.path)

    def undo(self, count=1):
        undo(self.db, count)

    def renewed(self):
        """Return the lines in the log that say so."""
        return [line for line in self.logs.output if 'has fallen' in line]

    @contextlib.contextmanager
    def logged(self):
        with self.assertLogs(LOGGER, 'WARNING') as self.logs:
            yield
            # So that there is always a line.
            logging.getLogger(LOGGER).warning('end')


class RenewalTests(Undoing):

    def test_undo_while_somebody_listens(self):
        stream = Stream(self.http, 4, self.before)
        wait(stream.comments)
        self.put('d', 1)
        stream.wait_for(5)
        with self.logged():
            self.undo()
            wait(lambda: len(stream.events()) == 2)
        after = self.epoch()
        self.assertNotEqual(self.before, after)
        _, (id, _, data) = stream.events()
        self.assertEqual(id, f'{after}:4')
        self.assertEqual((data['reset'], data['since'], data['since_epoch']),
                         ('epoch', 5, self.before))
        [line] = self.renewed()
        self.assertIn(f'below {self.before}:5; its epoch is {after}', line)

    def test_undo_while_nobody_listens(self):
        self.assertEqual(self.get().json()['generation'], 4)
        with self.logged():
            self.undo(2)
            answer = self.get(4, self.before).json()
        self.assertEqual((answer['reset'], answer['generation']),
                         ('epoch', 2))
        self.assertEqual(len(self.renewed()), 1)

    def test_a_write_is_the_first_to_see_it(self):
        self.get()
        with self.logged():
            self.undo(2)
            response = self.http.put('/items/x', json=1, params={
                'generation': 2, 'epoch': self.before})
            self.assertEqual(response.status_code, 201)
        self.assertEqual(len(self.renewed()), 1)
        self.assertNotEqual(self.epoch(), self.before)

    def test_clients_become_equal(self):
        with Client(self.url) as client:
            client.random = lambda: 0
            watcher = Watcher(client)
            watcher.saw('added', 'c')
            with self.logged():
                self.undo(2)
                watcher.saw('removed', 'c')
            self.put('d', 1)
            watcher.saw('added', 'd')
            self.assertEqual(client.replica.items, {'a': 1, 'd': 1})
            self.assertEqual(client.replica.epoch, self.epoch())

    def test_what_clients_present_does_not_count(self):
        for generation, epoch in [
                (5, self.before), (2 ** 53 - 1, self.before), (9, 'x'),
                (5, None)]:
            answer = self.get(generation, epoch).json()
            self.assertIn('reset', answer)
            self.http.put('/items/a', json=1, params={
                'generation': generation, 'epoch': self.before})
        self.assertEqual(self.epoch(), self.before)

    def test_what_is_read_of_an_older_snapshot_does_not_count(self):
        """There may be one that is older than it seems."""
        self.get()
        trees = self.app.state.gset._trees[1]
        tree = trees.tree(None)

        async def learn(generation):
            await trees.learn(
                tree, Position(self.before, generation), tree.checked)
        with self.logged():
            asyncio.run_coroutine_threadsafe(
                learn(3), trees._loop).result(90)
        self.assertEqual(self.renewed(), [])
        self.assertEqual(tree.position, Position(self.before, 4))
        self.assertEqual(self.epoch(), self.before)

    def test_those_who_see_it_at_once_share_the_renewal(self):
        self.get()
        trees = self.app.state.gset._trees[1]
        tree = trees.tree(None)

        async def see():
            await asyncio.gather(*[
                trees.learn(tree, Position(self.before, 3), tree.checked)
                for _ in range(3)])
        with self.logged():
            with self.changing() as things:
                self.assertEqual(things.generation, 4)
            tree.seen[self.before] = 5
            asyncio.run_coroutine_threadsafe(see(), trees._loop).result(90)
        self.assertEqual(len(self.renewed()), 1)

    def test_what_another_process_has_renewed_is_not_renewed(self):
        self.get()
        source = self.app.state.gset._trees[1].source
        for seen in Position('before', 99), Position(self.before, 4):
            self.assertIsNone(source.renew(None, seen))
        self.assertIsNotNone(source.renew(None, Position(self.before, 5)))

    def test_a_database_that_can_not_be_written(self):
        self.get()
        trees = self.app.state.gset._trees[1]
        with self.logged(), mock.patch.object(
                trees.jobs, 'write', side_effect=ReadOnlyError):
            self.undo()
            answer = self.get(4, self.before).json()
        self.assertEqual((answer['reset'], answer['generation']),
                         ('ahead', 3))
        self.assertIn('could not renew the epoch', self.logs.output[0])
        self.assertEqual(self.epoch(), self.before)

    def test_several_see_it_at_once(self):
        """Several applications, as in several processes, and many clients."""
        with contextlib.ExitStack() as stack:
            urls = [self.url, *(stack.enter_context(served(application(
                self.db, lambda root: root['things']))) for _ in range(3))]
            for url in urls:
                httpx.get(f'{url}/updates')
            with self.logged():
                self.undo(2)
                ask_at_once(urls, self.before)
            self.assertEqual(len(self.renewed()), 1)
            epochs = {httpx.get(f'{url}/updates').json()['epoch']
                      for url in urls}
            self.assertEqual(epochs, {self.epoch()})

    def test_a_mirror_does_as_its_source(self):
        db = ZODB.DB(DemoStorage())
        self.addCleanup(db.close)
        with db.transaction() as connection:
            mirror = connection.root()['mirror'] = Mirror(self.url)
            mirror.apply({'epoch': 'e', 'since': 0, 'generation': 5,
                          'contents': [('a', 1)]})
        app = application(db, lambda root: root['mirror'])
        with served(app) as url, self.logged():
            httpx.get(f'{url}/updates')
            with db.transaction() as connection:
                connection.root()['mirror'].apply({
                    'epoch': 'e', 'since': 5, 'generation': 4,
                    'reset': 'ahead', 'contents': []})
            answer = httpx.get(f'{url}/updates').json()
        self.assertEqual((answer['epoch'], answer['generation']), ('e', 4))
        self.assertEqual(self.renewed(), [])


def ask_at_once(urls, epoch):
    """Let several threads ask each server."""
    def ask(url):
        ready.wait(90)
        replica = Replica()
        replica.generation, replica.epoch = 4, epoch
        replica.apply(wire.decode(httpx.get(f'{url}/updates', params={
            'generation': 4, 'epoch': epoch}).content))
        epochs.add(replica.epoch)

    epochs = set()
    ready = threading.Barrier(4 * len(urls))
    threads = [threading.Thread(target=ask, args=(url,))
               for url in urls for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    if len(epochs) != 1:
        raise AssertionError(epochs)


class FallenTests(unittest.TestCase):

    def test_what_is_a_fall(self):
        tree = Tree('name', Cache())
        new, old = Position('e', 5), Position('e', 4)
        self.assertFalse(tree.has_fallen(new, 1))
        tree.learn(new, 3)
        self.assertTrue(tree.has_fallen(old, 3))
        for position, count in [
                (old, 2), (new, 3), (None, 4), (Position('f', 1), 4),
                (Position('e', 6), 4)]:
            self.assertFalse(tree.has_fallen(position, count))


class Elsewhere:
    """Another client of the storage undoes a transaction."""

    def setUp(self):
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)
        self.set_up_storage()
        super().setUp()

    def test_undo(self):
        stream = Stream(self.http, 4, self.before)
        wait(stream.comments)
        other = storages.open_db(*self.address)
        self.addCleanup(other.close)
        with self.logged():
            undo(other, 1)
            wait(stream.events)
        [(_, _, data)] = stream.events()
        self.assertEqual((data['reset'], data['generation']), ('epoch', 3))


class ZEOTests(Elsewhere, Undoing):

    def set_up_storage(self):
        server = storages.ZEOServer()
        self.addCleanup(server.stop)
        self.address = 'zeo', server.address

    def storage(self):
        return storages.zeo_client(self.address[1])


class RelStorageTests(Elsewhere, Undoing):

    address = 'relstorage', 'data'

    def set_up_storage(self):
        pass

    def storage(self):
        return storages.relstorage('data')


del Undoing, Served
