"""Hearing of commits of all storages."""

import os
import tempfile
import threading
import unittest
from unittest import mock

import ZODB
from ZODB.DemoStorage import DemoStorage
from ZODB.FileStorage import FileStorage
from ZODB.MappingStorage import MappingStorage
from ZODB.POSException import StorageError

from zc.generationalset.sources import poll
from zc.generationalset.sources.zodb import commits as module
from zc.generationalset.sources.zodb.commits import Commits


class CommitsTests(unittest.TestCase):

    def storages(self):
        yield DemoStorage()
        yield MappingStorage()
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        yield FileStorage(os.path.join(directory.name, 'wakeups.fs'))

    def test_counts_commits_that_can_be_read(self):
        for storage in self.storages():
            with self.subTest(type(storage).__name__):
                self.check(storage)

    def check(self, storage):
        db = ZODB.DB(storage)
        told = threading.Event()
        commits = Commits(db)
        end = commits.listen(told.set)
        seen = []

        def follow():
            while len(seen) < 1 or seen[-1] < 200:
                told.wait(90)
                told.clear()
                count = commits.settle()
                with db.transaction() as connection:
                    number = connection.root().get('number', 0)
                if number < count:
                    seen.append(-1)
                    return
                seen.append(number)
        thread = threading.Thread(target=follow)
        thread.start()
        for number in range(1, 201):
            with db.transaction() as connection:
                connection.root.number = number
        thread.join(90)
        self.assertEqual(seen[-1], 200)
        self.assertEqual(commits.count, 200)
        end()
        with db.transaction() as connection:
            connection.root.number = 0
        self.assertEqual(commits.count, 200)
        db.close()
        end()

    def test_waits_for_a_commit_that_is_announced(self):
        announced, proceed = threading.Event(), threading.Event()

        class Storage(MappingStorage):
            def tpc_finish(self, transaction, func=lambda tid: None):
                def finish(tid):
                    func(tid)
                    if armed:
                        announced.set()
                        proceed.wait(90)
                return super().tpc_finish(transaction, finish)

        def commit():
            with db.transaction() as connection:
                connection.root.number = 1

        armed = []
        db = ZODB.DB(Storage())
        commits = Commits(db)
        commits.listen(lambda: None)
        armed.append(True)
        counts = []
        committing = threading.Thread(target=commit)
        settling = threading.Thread(
            target=lambda: counts.append(commits.settle()))
        committing.start()
        announced.wait(90)
        settling.start()
        settling.join(0.1)
        self.assertEqual((commits.count, counts), (1, []))
        proceed.set()
        committing.join(90)
        settling.join(90)
        self.assertEqual(counts, [1])
        db.close()


class FailureTests(unittest.TestCase):

    def test_a_storage_that_can_not_be_listened_to(self):
        """The next one who listens tries again."""
        storage = mock.Mock(spec=['new_instance'])
        storage.new_instance.side_effect = StorageError('gone')
        commits = Commits(mock.Mock(_mvcc_storage=storage))
        for _ in range(2):
            with self.assertRaises(StorageError):
                commits.listen(self.fail)
        commits.look()


class PollTests(unittest.TestCase):
    """Storages that have to be asked; others test it with real ones."""

    def test_errors(self):
        answers = iter([None, [], StorageError('gone'),
                        StorageError('gone'), {b'1': 1}])
        called, asked = [], threading.Event()

        class Storage:
            released = synced = 0

            def new_instance(self):
                return self

            def poll_invalidations(self):
                answer = next(answers, ())
                if isinstance(answer, Exception):
                    raise answer
                if answer == ():
                    asked.set()
                return answer

            def sync(self):
                self.synced += 1

            def release(self):
                self.released += 1

        class Early(poll.Poll):
            """The thread is faster than who starts it."""

            def __init__(self, *arguments):
                super().__init__(*arguments)
                asked.wait(90)

        storage = Storage()
        db = mock.Mock(_mvcc_storage=storage, storage=storage)
        with mock.patch.multiple(poll, INTERVAL=0.001, RECOVERY=0.002), \
                mock.patch.object(module, 'Poll', Early), \
                self.assertLogs('zc.generationalset.sources') as logs:
            end = Commits(db).listen(lambda: called.append(1))
            self.assertTrue(asked.wait(90))
            end()
        self.assertEqual(len(called), 4)
        self.assertGreater(storage.synced, 2)
        self.assertEqual(storage.released, 1)
        self.assertEqual(logs.output, [
            'WARNING:zc.generationalset.sources:'
            'can not ask for commits: gone'])
