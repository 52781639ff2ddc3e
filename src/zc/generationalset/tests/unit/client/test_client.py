"""Both clients, with a real server."""

import contextlib
import datetime
import os
import tempfile
import threading
import time
import uuid
from decimal import Decimal

from zc.generationalset import GSet
from zc.generationalset.client import (
    Client,
    ClientError,
    Closed,
    Refused,
    Unavailable,
)
from zc.generationalset.replica import SQLiteReplica
from zc.generationalset.tests.support.clients import (
    ClientTests,
    Watcher,
    for_both,
    hurry,
)
from zc.generationalset.tests.support.faulty import Proxy
from zc.generationalset.tests.support.serving import Served, served, wait


class Contract(ClientTests):

    options = {'heartbeat': 0.2}

    def setUp(self):
        super().setUp()
        with self.changing() as things:
            things.add(GSet('people'))
        self.client = self.make_client(self.url)

    def items(self):
        """Return what a new client gets."""
        client = Client(self.url)
        with client:
            client.sync()
        return client.replica.items

    def test_sync(self):
        self.assertEqual(self.client.sync(), [('added', ('people',), {})])
        self.assertEqual(self.client.sync(), [])
        self.put('a', {'n': 1})
        self.assertEqual(self.client.sync(), [('added', ('a',), {'n': 1})])
        self.put('a', {'n': 2})
        with self.changing() as things:
            del things['people']
        self.assertEqual(
            sorted(self.client.sync()),
            [('changed', ('a',), {'n': 2}), ('removed', ('people',), {})])
        self.assertEqual(self.client.replica.items, {'a': {'n': 2}})

    def test_renewed_epoch(self):
        self.put('a')
        self.client.sync()
        epoch = self.client.replica.epoch
        with self.changing() as things:
            things.renew()
            del things['a']
        self.assertEqual(self.client.sync(), [('removed', ('a',), None)])
        self.assertNotEqual(self.client.replica.epoch, epoch)

    def test_writes(self):
        client = self.client
        client.sync()
        self.put('other', 1)
        client.put(('people', 'ann'), {'name': 'Ann'})
        id = client.add('people', {'name': 'Bob'})
        client.make_set('rooms')
        self.assertEqual(client.batch([
            ('put', ('rooms', 42), 'big'), ('put', ('rooms', 1), 'x'),
            ('remove', ('rooms', 1))]), [42, 1, 1])
        expected = {'people': {'ann': {'name': 'Ann'}, id: {'name': 'Bob'}},
                    'rooms': {42: 'big'}, 'other': 1}
        self.assertEqual(client.replica.items, expected)
        client.remove(('people', 'ann'))
        client.remove_set('rooms')
        client.remove_set('rooms', missing_ok=True)
        expected = {'people': {id: {'name': 'Bob'}}, 'other': 1}
        self.assertEqual(client.replica.items, expected)
        self.assertEqual(self.items(), expected)
        self.assertEqual(client.sync(), [])

    def test_get(self):
        self.client.put('a', {'n': 1})
        self.assertEqual(self.client.get('a'), {'n': 1})
        self.assertEqual(self.client.replica.generation, 0)

    def test_ids_and_values(self):
        values = {
            'number': 2 ** 70, 'decimal': Decimal('1.50'), 'bytes': b'\0',
            'date': datetime.date(2026, 11, 21), 'uuid': uuid.UUID(int=5),
            'tuple': (1, ('a',)), 'map': {1: 2}, '$x': {'$int': 1},
            'text': 'ä\0\x1b\u2028😀', 'float': float('inf'), 'null': None}
        ids = ['a/b', '..', '.', '', '~', '~1', '%2F', 'ä 😀?#&+', 'x\0\n']
        self.client.sync()
        for id in ids:
            self.client.put(id, values)
            self.assertEqual(self.client.get(id), values)
        self.client.make_set('numbers')
        for id in 0, -5, 2 ** 53 - 1, 1.5:
            self.client.put(('numbers', id), id)
        del self.client.replica.items['people']
        self.assertEqual(
            self.client.replica.items,
            {**dict.fromkeys(ids, values), 'numbers': {
                id: id for id in (0, -5, 2 ** 53 - 1, 1.5)}})

    def refused(self, status, action, *arguments):
        with self.assertRaises(Refused) as caught:
            action(*arguments)
        self.assertEqual(caught.exception.status, status)
        self.assertIn(f'{status} ', str(caught.exception))
        return caught.exception

    def test_refused(self):
        client = self.client
        for action, *arguments in [
                (client.get, 'x'), (client.remove, 'x'),
                (client.remove_set, 'x'), (client.put, ('x', 'y'), 1)]:
            self.refused(404, action, *arguments)
        client.put('a', 1)
        self.refused(409, client.remove, 'people')
        self.refused(409, client.put, 'people', 1)
        self.refused(409, client.make_set, 'a')
        error = self.refused(404, client.batch, [
            ('put', 'b', 1), ('put', ('x', 'y'), 1), ('put', 'c', 1)])
        self.assertEqual(error.change, 1)
        self.assertEqual(self.items(), {'people': {}, 'a': 1})

    def test_wrong_url(self):
        client = self.make_client(f'{self.url}/elsewhere')
        self.refused(404, client.sync)
        watcher = Watcher(client)
        self.assertIsInstance(watcher.ended(), Refused)

    def test_sqlite(self):
        path = os.path.join(
            self.stack.enter_context(tempfile.TemporaryDirectory()), 'x')
        for number in range(3):
            with SQLiteReplica(path) as replica:
                client = self.make_client(self.url, replica=replica)
                self.assertEqual(len(client.sync()), 1)
                client.put(f'own {number}', number)
                self.put(f'other {number}')
                watcher = Watcher(client)
                client.put(('people', number), number)
                watcher.saw('added', 'people', number)
                client.close()
                watcher.ended()
                self.assertEqual(dict(replica.items['people']),
                                 {id: id for id in range(number + 1)})
                self.put(f'next {number}')

    # Watching

    def test_watch(self):
        self.put('a')
        watcher = Watcher(self.client)
        watcher.saw('added', 'a')
        self.put('b')
        watcher.saw('added', 'b')
        self.client.put(('people', 'ann'), 1)
        watcher.saw('added', 'people', 'ann')
        self.client.sync()
        self.put('a', 2)
        watcher.saw('changed', 'a')
        with self.changing() as things:
            del things['b']
        watcher.saw('removed', 'b')
        self.assertEqual(watcher.seen, [
            ('added', ('people',)), ('added', ('a',)), ('added', ('b',)),
            ('added', ('people', 'ann')), ('changed', ('a',)),
            ('removed', ('b',))])

    def watchers(self, number):
        watchers = [Watcher(self.client) for _ in range(number)]
        wait(lambda: len(self.session()._feeds) == number)
        return watchers

    def test_two_watchers_of_one_client(self):
        watchers = self.watchers(2)
        self.put('a')
        self.client.put('b', 1)
        for watcher in watchers:
            watcher.saw('added', 'a')
            watcher.saw('added', 'b')

    def test_changes_are_in_the_replica_before_they_are_seen(self):
        changes = self.client.watch()
        next(changes)
        for number in range(20):
            self.put(f'item {number}')
            for kind, path, _ in next(changes):
                self.assertEqual(kind, 'added')
                self.assertIn(path[0], self.client.replica.items)
        changes.close()
        self.client.sync()  # goes on

    def test_close_iterator(self):
        for _ in range(3):
            changes = self.client.watch()
            self.put('a', time.time())
            next(changes)  # from an answer
            self.put('a', time.time())
            next(changes)  # from a stream
            changes.close()
        self.assertEqual(self.session()._feeds, [])
        self.client.sync()

    def session(self, client=None):
        client = client or self.client
        return getattr(client, 'client', client)._session

    def test_close_client(self):
        watchers = self.watchers(3)
        self.put('a')
        for watcher in watchers:
            watcher.saw('added', 'a')
        self.client.close()
        for watcher in watchers:
            self.assertIsNone(watcher.ended())
        with self.assertRaisesRegex(Closed, 'the client is closed'):
            self.client.sync()
        with self.assertRaises(Closed):
            self.client.put('a', 1)
        self.assertEqual(list(self.client.watch()), [])
        self.client.close()

    def closes(self, client, is_ready):
        watcher = Watcher(client)
        wait(is_ready)
        client.close()
        self.assertIsNone(watcher.ended())  # long before anything times out

    def test_close_while_waiting_for_a_response(self):
        with Proxy(self.url, lambda request: proxy.hang) as proxy:
            self.closes(self.make_client(proxy.url, timeout=600),
                        lambda: proxy.requests)

    def test_close_while_waiting_for_the_next_try(self):
        client = self.make_client('http://127.0.0.1:9')
        self.session(client).random = lambda: 1000.0
        with self.assertLogs('zc.generationalset.client') as logs:
            self.closes(client, lambda: logs.output)

    def test_close_while_others_ask(self):
        with Proxy(self.url, lambda request: proxy.hang) as proxy:
            client = self.make_client(proxy.url)
            errors = []

            def ask():
                try:
                    client.sync()
                except ClientError as error:
                    errors.append(error)
            threads = [threading.Thread(target=ask) for _ in range(3)]
            for thread in threads:
                thread.start()
            wait(lambda: len(proxy.requests) == 3)
            client.close()
            for thread in threads:
                thread.join(90)
        self.assertEqual([type(error) for error in errors], [Closed] * 3)

    def test_threads(self):
        """Many write and sync while one watches; nothing is missed."""
        watcher = Watcher(self.client)
        watcher.saw('added', 'people')

        def write(name):
            for number in range(15):
                self.client.put(f'{name} {number}', number)
                if number % 5 == 0:
                    self.client.sync()
        threads = [threading.Thread(target=write, args=(name,))
                   for name in 'abc']
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(90)
        for name in 'abc':
            watcher.saw('added', f'{name} 14')
        self.client.sync()
        self.assertEqual(self.client.replica.items, self.items())
        self.assertEqual(len(self.client.replica.items), 46)
        self.assertEqual(sorted(watcher.seen), sorted(
            [('added', ('people',))] + [
                ('added', (f'{name} {number}',))
                for name in 'abc' for number in range(15)]))

    def test_restart_of_the_server(self):
        with contextlib.ExitStack() as stack, Proxy(self.url) as proxy:
            first = stack.enter_context(served(self.app))
            proxy.address = '127.0.0.1', int(first.rpartition(':')[2])
            client = self.make_client(proxy.url)
            hurry(client)
            watcher = Watcher(client)
            watcher.saw('added', 'people')
            self.put('a')
            watcher.saw('added', 'a')
            with self.assertLogs('zc.generationalset.client', 'WARNING'):
                stack.close()
                self.put('b')
                proxy.address = '127.0.0.1', int(self.url.rpartition(':')[2])
                watcher.saw('added', 'b')
            self.put('c')
            watcher.saw('added', 'c')
            client.close()
            self.assertIsNone(watcher.ended())

    def test_nobody_listens(self):
        client = self.make_client('http://127.0.0.1:9')
        waits = hurry(client)
        with self.assertRaisesRegex(
                Unavailable, r'GET http://127.0.0.1:9/updates: ConnectError'):
            client.sync()
        self.assertEqual(len(waits), 3)
        with self.assertRaises(Unavailable):
            client.put('a', 1)


SyncClientTests, AsyncClientTests = for_both(Contract, Served)
