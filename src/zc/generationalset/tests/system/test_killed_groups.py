"""Processes that are killed while they make several writes at once."""

import contextlib
import os
import random
import signal
import time
import unittest

import ZODB
from zope.testing import loggingsupport, setupstack

from zc.generationalset import GSet, check
from zc.generationalset.documents import Document
from zc.generationalset.sources import Write
from zc.generationalset.sources.zodb import ZODBSource
from zc.generationalset.tests.support.layers import Processes

SEED = 5


def changes_of(number):
    """Return the changes of a group, each a dictionary of what it puts.

    A change without an entry for 'y' fails after it has put 'x'.
    """
    changes = [{f'{each}': number} for each in range(number % 7)]
    changes.insert(number % 3, {'x': number, 'y': number})
    if number % 4 == 0:
        changes.insert(2, {'x': -1})
    return changes


def write(change):
    def make(editor):
        for id, value in change.items():
            editor.put((id,), b'%d' % value)
        if 'x' in change and 'y' not in change:
            raise ValueError('halfway')
    return Write(None, make)


def states_after(state, number):
    """Yield all states that a group may leave, of those before it."""
    yield state
    for change in changes_of(number):
        if 'x' not in change or 'y' in change:
            state = {**state, **change}
        yield state


@unittest.skipUnless(hasattr(os, 'fork'), 'needs os.fork, to be quick')
class KilledGroupsTests(unittest.TestCase):
    """Nothing acknowledged is lost, and no write is half there."""

    layer = Processes
    #: They are more if nothing was written that was not acknowledged.
    rounds = 25

    def setUp(self):
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)
        # It warns of what is cut off: that is what happens here.
        handler = loggingsupport.InstalledHandler('ZODB.FileStorage')
        self.addCleanup(handler.uninstall)
        self.random = random.Random(SEED)

    def test_kill(self):
        self.in_file(lambda root: root.update(things=GSet()))
        state = {}
        number = rounds = cut = 0
        while rounds < self.rounds or not cut:
            done = self.write_and_kill(number)
            for each in range(number, number + done):
                *_, state = states_after(state, each)
            number += done
            found = self.in_file(self.contents)
            self.assertIn(found, list(states_after(state, number)))
            cut += found != state
            rounds += 1
            self.assertLess(rounds, 100 * self.rounds)
            # The next process begins again with what was not acknowledged.
            state = found

    def write_and_kill(self, number):
        """Write groups, kill the writer, return how many were acknowledged."""
        read, told = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                self.write_until_killed(number, told)
            finally:
                os._exit(1)
        os.close(told)
        with os.fdopen(read, 'rb') as pipe:
            start = len(pipe.read(1))
            begun = time.monotonic()
            done = len(pipe.read(self.random.randrange(1, 8)))
            each = (time.monotonic() - begun) / done
            # In any moment of the next one.
            time.sleep(self.random.uniform(0, 1.5) * each)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return start - 1 + done + len(pipe.read())

    def write_until_killed(self, number, told):
        """Write groups, and tell of each when it is made, with a byte."""
        db = ZODB.DB('data.fs')
        source = ZODBSource(db, lambda root, _: root['things'])
        os.write(told, b'0')  # it begins
        while True:
            source.write_all(list(map(write, changes_of(number))))
            os.write(told, b'1')
            number += 1

    def in_file(self, job):
        with (contextlib.closing(ZODB.DB('data.fs')) as db,
              db.transaction() as connection):
            return job(connection.root())

    def contents(self, root):
        things = root['things']
        self.assertEqual(check(things), [])
        self.assertTrue(all(isinstance(ob, Document) for ob in things))
        return {id: ob.value for id, ob in things.items()}


class LongKilledGroupsTests(KilledGroupsTests):

    level = 2
    rounds = 600
