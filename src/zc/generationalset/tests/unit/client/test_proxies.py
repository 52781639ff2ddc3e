"""Both clients, behind proxies that fail."""

import contextlib
import random
import time

from zc.generationalset import GSet
from zc.generationalset.client import (
    BadAnswer,
    Client,
    ClientError,
    MaybeWritten,
    Unavailable,
)
from zc.generationalset.documents import Document
from zc.generationalset.tests.support import faulty
from zc.generationalset.tests.support.clients import (
    ClientTests,
    Watcher,
    for_both,
    hurry,
    quiet,
)
from zc.generationalset.tests.support.faulty import Proxy
from zc.generationalset.tests.support.serving import Served, wait


class ProxyFaults(ClientTests):
    """A good server, behind a bad proxy."""

    options = {'heartbeat': .2}
    seeds = range(3)

    def setUp(self):
        super().setUp()
        self.proxy = Proxy(self.url)
        self.stack.enter_context(self.proxy)
        self.client = self.make_client(self.proxy.url, heartbeat=.5)
        self.waits = hurry(self.client)

    def fault(self, *faults):
        """Set the faults of the next requests; later requests have none."""
        rest = list(faults)
        self.proxy.fault = lambda request: rest.pop(0) if rest else None

    def written(self):
        with self.changing() as things:
            return things.generation - 1, sorted(things.ids())

    def test_lost_responses_of_writes(self):
        for write, id in [
                (lambda: self.client.put('a', 1), 'a'),
                (lambda: self.client.add((), 2), None),
                (lambda: self.client.batch([('put', 'c', 3)])[0], 'c'),
                (lambda: self.client.make_set('d'), 'd')]:
            self.client.sync()
            before, _ = self.written()
            self.fault(faulty.lose, faulty.cut_after(20), faulty.status(502))
            id = write() or id
            generation, ids = self.written()
            self.assertIn(id, ids)
            self.assertIn(generation - before, (1, 3))  # no other items
            self.assertIn(id, self.client.replica.items)
        self.assertEqual(len(ids), 4)

    def test_lost_response_of_a_removal(self):
        self.client.put('a', 1)
        self.client.sync()
        self.fault(faulty.lose)
        self.client.remove('a')
        self.assertEqual(self.client.replica.items, {})
        self.client.put('a', 1)
        self.fault(faulty.lose)
        self.client.batch([('remove', 'a')])
        self.assertEqual(self.client.replica.items, {})

    def test_writes_that_never_get_through(self):
        self.fault(*[faulty.refuse] * 4)
        with self.assertRaises(MaybeWritten):
            self.client.put('a', 1)
        self.assertEqual(self.written(), (0, []))
        self.fault(*[faulty.status(503)] * 4)
        with self.assertRaises(Unavailable):
            self.client.put('a', 1)
        self.fault(faulty.garble)
        with self.assertRaises(MaybeWritten):
            self.client.put('a', 1)

    def test_cache(self):
        """Old answers are not applied, and the client bypasses the cache."""
        self.put('a')
        self.proxy.fault = faulty.Cache()
        self.client.sync()
        self.put('b')
        self.client.sync()
        with self.changing() as things:
            things.renew()
            del things['a']
        self.client.sync()
        self.client.sync()
        self.assertEqual(self.client.replica.items, {'b': None})
        self.assertEqual(len(self.proxy.fault.stored), 4)

    def test_cache_that_does_not_let_pass(self):
        cache = faulty.Cache()

        def fault(request):
            request.headers.pop('cache-control', None)
            return cache(request)
        self.proxy.fault = fault
        self.put('a')
        self.client.sync()
        self.put('b')
        with self.assertRaisesRegex(BadAnswer, 'look for a cache'):
            self.client.sync()
        self.assertEqual(self.client.replica.items, {'a': None})

    def test_half_events(self):
        """Streams are cut everywhere; every change comes once."""
        # A busy machine may be silent for long, which is no fault here.
        client = self.make_client(self.proxy.url, heartbeat=30)
        hurry(client)
        sizes = iter(range(200, 240))  # of one event, and a bit

        def fault(request):
            size = next(sizes, None) if request.path == '/events' else None
            return size and faulty.cut_body_after(size)
        self.proxy.fault = fault
        expected = []
        with quiet():
            watcher = Watcher(client)
            while sizes.__length_hint__():
                expected.append(('added', (f'{len(expected):03}',)))
                self.assertLess(len(expected), 300)
                self.put(*expected[-1][1])
                watcher.saw('added', *expected[-1][1])
        self.assertEqual(sorted(watcher.seen), expected)

    def test_random_faults(self):
        """In the end, the client gets everything exactly once."""
        for seed in self.seeds:
            chance = random.Random(seed)
            cache = faulty.Cache()

            def fault(request, chance=chance, cache=cache):
                if chance.random() < .5:
                    return None
                return chance.choice([
                    faulty.refuse, faulty.lose, faulty.garble,
                    faulty.cut_after(chance.randrange(400)),
                    faulty.status(500), faulty.status(503, retry_after=1),
                    faulty.status(429), cache(request)])
            self.proxy.fault = fault
            client = self.make_client(self.proxy.url, heartbeat=.3)
            hurry(client)
            watcher = Watcher(client)
            with quiet():
                self.change_at_random(chance, client)
                self.proxy.fault = lambda request: None
                self.put('last', seed)
                wait(lambda seed=seed, client=client:
                     client.replica.items.get('last') == seed)
            with Client(self.url) as other:
                other.sync()
                with client.lock:
                    self.assertEqual(
                        client.replica.items, other.replica.items)
            wait(lambda watcher=watcher, client=client:
                 replay(watcher.changes) == client.replica.items)
            client.close()
            self.assertIsNone(watcher.ended())

    def change_at_random(self, chance, client):
        for number in range(60):
            id = chance.choice('abcdef')
            with self.changing() as things:
                if id in things:
                    del things[id]
                elif chance.random() < .3:
                    things.add(GSet(id))
                    things[id].add(Document('inner', number))
                else:
                    things.add(Document(id, number))
                if chance.random() < .05:
                    things.renew()
            time.sleep(chance.random() * .01)
            if chance.random() < .1:
                self.proxy.cut()
            if chance.random() < .2:
                with contextlib.suppress(ClientError):
                    client.put(f'own {id}', number)


SyncProxyTests, AsyncProxyTests = for_both(ProxyFaults, Served)


def replay(changes):
    """Return what a user interface shows after these changes."""
    shown = {}
    for kind, (*path, id), item in list(changes):
        inside = shown
        for step in path:
            inside = inside[step]
        if kind == 'removed':
            del inside[id]
        else:
            inside[id] = {} if type(item).__name__ == 'Subset' else item
    return shown
