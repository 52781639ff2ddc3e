"""A server on ZEO and RelStorage, where others write, too."""

import functools
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import transaction
from zope.testing import setupstack

from zc.generationalset.check import check
from zc.generationalset.documents import Document
from zc.generationalset.replica import Replica
from zc.generationalset.sources.zodb.commits import Commits
from zc.generationalset.tests.support import storages
from zc.generationalset.tests.support.postgresql import DATABASES
from zc.generationalset.tests.support.serving import Served, wait
from zc.generationalset.tests.support.streams import Stream
from zc.generationalset.wire import decode


class Shared:
    """Tests with another client of the same storage."""

    def setUp(self):
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)
        self.set_up_storage()
        super().setUp()
        self.other = storages.open_db(*self.address)
        self.addCleanup(self.other.close)

    def set_up_storage(self):
        pass

    def storage(self):
        return storages.open_storage(*self.address)

    def write_elsewhere(self, number):
        with self.other.transaction() as connection:
            connection.root()['things'].add(
                Document(f'other {number:03}', number))

    def test_changes_of_others_are_pushed(self):
        stream = Stream(self.http, 1, self.epoch())
        for number in range(10):
            self.write_elsewhere(number)
            stream.wait_for(number + 2)

    def test_changes_of_others_are_waited_for(self):
        thread = threading.Timer(0.1, self.write_elsewhere, [1])
        thread.start()
        self.addCleanup(thread.join)
        response = self.http.get('/updates', params={
            'generation': 1, 'epoch': self.epoch(), 'wait': 30})
        self.assertEqual(response.json()['adds'], [['other 001', 1]])

    def test_own_writes_are_seen_at_once(self):
        for number in range(30):
            self.assertEqual(self.http.put(
                f'/items/{number}', json=number).status_code, 201)
            self.assertEqual(
                self.get().json()['generation'], number + 2)

    def test_threads_do_not_share_a_connection(self):
        commits = Commits(self.db)
        self.addCleanup(commits.listen(lambda: None))
        with ThreadPoolExecutor(4) as executor:
            for _ in executor.map(
                    lambda _: [commits.settle() for _ in range(50)], range(4)):
                pass  # raises errors

    def test_all_write_at_once(self):
        def write_over_http(name):
            with httpx.Client(base_url=self.url, timeout=90) as http:
                for number in range(30):
                    statuses.append(http.put(
                        f'/items/{name} {number}', json=number).status_code)

        def write_in_transactions():
            for number in range(30):
                retried(functools.partial(self.write_elsewhere, number))
        statuses = []
        stream = Stream(self.http, 1, self.epoch())
        threads = [threading.Thread(target=write_over_http, args=(name,))
                   for name in ('a', 'b')]
        threads.append(threading.Thread(target=write_in_transactions))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(90)
        self.assertEqual(statuses, [201] * 60)
        stream.wait_for(91)
        pushed = Replica()
        pushed.generation, pushed.epoch = 1, self.epoch()
        for _, _, data in stream.events():
            pushed.apply({**data, 'adds': map(tuple, data['adds'])})
        asked = Replica()
        wait(lambda: self.get().json()['generation'] == 91)
        asked.apply(decode(self.get().content))
        self.assertEqual(pushed.items, asked.items)
        self.assertEqual(len(asked.items), 90)
        with self.changing() as things:
            self.assertEqual(check(things), [])


def retried(write):
    def is_written():
        try:
            write()
        except transaction.interfaces.TransientError:
            return False
        return True
    wait(is_written)


class ZEOTests(Shared, Served):

    def set_up_storage(self):
        server = storages.ZEOServer()
        self.addCleanup(server.stop)
        self.address = 'zeo', server.address


class RelStorageTests(Shared, Served):

    address = 'relstorage', 'data'


class PostgreSQLTests(Shared, Served):

    layer = DATABASES

    def set_up_storage(self):
        self.address = 'postgresql', DATABASES.new()


del Served  # which has no tests of its own
