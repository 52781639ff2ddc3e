"""Writers that are killed, and files that are cut off."""

import contextlib
import copy
import os
import pickle
import random
import shutil
import signal
import time
import unittest

import ZODB
from zope.testing import loggingsupport, setupstack

from zc.generationalset import GSet, check
from zc.generationalset.sets.members import locate
from zc.generationalset.tests.support import writers
from zc.generationalset.tests.support.layers import Processes
from zc.generationalset.tests.support.properties import THOROUGH
from zc.generationalset.tests.support.things import Client, Thing, state

SEED = 3


class Base(unittest.TestCase):

    layer = Processes

    def setUp(self):
        setupstack.setUpDirectory(self)
        setupstack.context_manager(self, writers.small_journal())
        # It warns of what is cut off: that is what happens here.
        handler = loggingsupport.InstalledHandler('ZODB.FileStorage')
        setupstack.register(self, handler.uninstall)

    def tearDown(self):
        setupstack.tearDown(self)


@unittest.skipUnless(hasattr(os, 'fork'), 'needs os.fork, to be quick')
class TestKilledWriters(Base):
    """Kills a writer at any moment, again and again."""

    rounds = 100
    #: How long a commit takes, as last seen.
    duration = .01

    def test_kill(self):
        self.random = random.Random(SEED)
        self.writer = writers.Writer(0, SEED)
        self.client = Client()  # gets what the writer answers
        late = Client()  # comes by now and then
        db = ZODB.DB('data.fs')
        self.start = writers.create(db)
        db.close()
        number = lost = 0
        # Now and then the last commit was not acknowledged, but done: the
        # moments of killing are spread well.
        while number < self.rounds or not 0 < lost < number:
            following = self.write_and_kill()
            with self.subTest(number=number):
                lost += self.check_file(following, late, number % 10 == 0)
            number += 1
            self.assertLess(number, 20 * self.rounds)

    def write_and_kill(self):
        """Return the writer as it is after a commit that isn't known of."""
        reader, pid = self.fork()
        messages = self.random.randrange(12)
        fraction = self.random.uniform(0, 1.5)
        try:
            following = self.listen(reader, messages)
            # It may be killed in any moment of a commit, and after it.
            time.sleep(fraction * self.duration)
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        with reader:
            return self.listen(reader, following=following)

    def fork(self):
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.close(read)
                self.write_until_killed(os.fdopen(write, 'wb'))
            finally:
                os._exit(1)
        os.close(write)
        return os.fdopen(read, 'rb'), pid

    def write_until_killed(self, pipe):
        db = ZODB.DB('data.fs')
        with writers.Session(db) as session:
            while True:
                self.writer.change(session)
                tell(pipe, 'trying', self.writer)
                updates = None
                if self.writer.changes % 2:
                    # The answer is part of the transaction.
                    updates = self.answer(session.tree)
                session.commit()
                if updates is None:
                    session.begin()
                    updates = self.answer(session.tree)
                tell(pipe, 'done', updates)

    def answer(self, tree):
        updates = tree.generational_updates(self.client.generation)
        # It is sent after the transaction.  Then the objects are others'.
        updates = pickle.dumps(updates)
        self.client.apply(pickle.loads(updates))
        return updates

    def listen(self, reader, messages=None, following=None):
        """Listen to the writer until it has said so much, or to the end.

        Return the writer after the commit that it is trying now, if any.
        """
        while messages != 0:
            try:
                what, message = pickle.load(reader)
            except (EOFError, pickle.UnpicklingError):
                break  # the last message may be cut off
            if what == 'trying':
                following, tried = message, time.monotonic()
            else:
                self.writer, following = following, None
                self.client.apply(pickle.loads(message))
                if messages is not None:
                    self.duration = time.monotonic() - tried
            if messages is not None:
                messages -= 1
        return following

    def check_file(self, following, late, is_late):
        """Tell whether a commit was done that was not acknowledged."""
        with (contextlib.closing(ZODB.DB('data.fs')) as db,
              writers.Session(db) as session):
            session.begin()
            tree = session.tree
            self.assertEqual(check(tree), [])
            done = tree.generation - self.start
            lost = done != self.writer.changes
            if lost:
                self.writer = following
            self.assertEqual(done, self.writer.changes)
            self.assertEqual(
                state(tree), writers.expected_state([self.writer]))
            clients = [self.client, copy.deepcopy(late), Client()]
            if is_late:
                clients.append(late)
            for client in clients:
                client.sync(tree)
        return lost


def tell(pipe, what, message):
    pickle.dump((what, message), pipe)
    pipe.flush()


class TestTruncatedFiles(Base):
    """A file that ends anywhere in its last transaction."""

    def check_cuts(self, last):
        """Make a last transaction, and cut the file within it."""
        self.clients = [Client() for _ in range(4)]
        with (contextlib.closing(ZODB.DB('data.fs')) as db,
              writers.Session(db) as session):
            writers.create(db)
            writer = writers.Writer(0, SEED)
            for client in self.clients:
                session.begin()
                client.sync(session.tree)
                for _ in range(6):
                    writer.change(session)
                    session.commit()
            before = self.describe(session)
            start = os.path.getsize('data.fs')
            session.begin()
            last(session.tree)
            session.commit()
            after = self.describe(session)
        self.assertNotEqual(before, after)
        with open('data.fs', 'rb') as file:
            content = file.read()
        for size in cuts(start, len(content)):
            with self.subTest(size=size):
                found = self.describe_cut(content[:size])
                self.assertEqual(
                    found, after if size == len(content) else before)

    def describe_cut(self, content):
        os.mkdir('cut')
        try:
            with open('cut/data.fs', 'wb') as file:
                file.write(content)
            with (contextlib.closing(ZODB.DB('cut/data.fs')) as db,
                  writers.Session(db) as session):
                return self.describe(session)
        finally:
            shutil.rmtree('cut')

    def describe(self, session):
        """Return all that there is to know, after looking if it's right."""
        session.begin()
        tree = session.tree
        self.assertEqual(check(tree), [])
        for client in self.clients:
            copy.deepcopy(client).sync(tree)
        return tree.generation, state(tree)

    def test_change(self):
        self.check_cuts(lambda tree: tree.add(Thing('last')))

    def test_removal(self):
        self.check_cuts(lambda tree: tree.remove(tree['n0']))

    def test_checkpoint(self):
        def last(tree):
            for number in range(writers.SMALL['SLICE']):
                tree['s0'].add(Thing(f'last{number}'))
            root, _ = locate(tree)
            root._journal.settle(root)

        self.check_cuts(last)

    def test_structure(self):
        def last(tree):
            del tree['s1']
            GSet('s2', tree).add(Thing('last'))

        self.check_cuts(last)

    def test_bulk(self):
        def last(tree):
            for number in range(300):
                tree.add(Thing(f'last{number}'))

        self.check_cuts(last)


def cuts(start, end):
    """Return sizes of a file whose last transaction begins at ``start``.

    They are all of the first and last ones, and some more; in a short run, a
    third of them.
    """
    middle = range(start + 200, end - 200)
    sizes = [*range(start, min(start + 200, end)),
             *sorted(random.Random(SEED).sample(middle, min(
                 len(middle), 50))),
             *range(max(end - 200, start + 200), end)]
    return [*sizes[::1 if THOROUGH else 3], end - 1, end]
