"""SQLite files that several processes have, and processes that are killed."""

import contextlib
import itertools
import multiprocessing
import os
import pickle
import random
import signal
import sqlite3
import threading
import time
import unittest
from pathlib import Path
from unittest import mock

from zc.generationalset.interfaces import SubsetUpdates
from zc.generationalset.replica import (
    Misfit,
    SQLiteReplica,
    Subset,
    sqlite,
    sqlite_file,
)
from zc.generationalset.tests.support import replicas
from zc.generationalset.tests.support.layers import Processes
from zc.generationalset.tests.support.replicas import answer, state
from zc.generationalset.tests.support.sqlite import NAME, Base, check_file
from zc.generationalset.tests.support.things import forked


class SharedTests(Base):
    """Several tabs, or processes, and one file."""

    layer = Processes

    def test_two_tabs(self):
        one, other = self.open(), self.open()
        one.apply(answer(0, 57, contents=[('a', 1)]))
        self.assertEqual(state(other), state(one))
        late = answer(57, 59, adds=[('b', 1)])
        one.apply(answer(57, 60, adds=[('b', 2)]))
        with self.assertRaisesRegex(Misfit, "for 'e:60', got .* to 'e:59'"):
            other.apply(late)
        self.assertEqual(state(other), (60, 'e', {'a': '1', 'b': '2'}))
        other.apply(answer(57, 61, removals=['a'], adds=[('b', 2)]))
        self.assertEqual(state(one), (61, 'e', {'b': '2'}))

    def test_the_other_waits_no_longer(self):
        with mock.patch.object(sqlite, '_PATIENCE', .01):
            one, other = self.open(), self.open()

        def contents():
            with self.assertRaisesRegex(sqlite3.OperationalError, 'locked'):
                other.apply(answer(0, 3, contents=[]))
            yield 'a', 1

        one.apply(answer(0, 2, contents=contents()))
        other.apply(answer(2, 3, removals=['a']))
        self.assertEqual(state(one), (3, 'e', {}))

    def test_another_made_the_file_first(self):
        self.open().apply(answer(0, 2, contents=[('a', 1)]))
        look = sqlite_file._what_it_is
        looks = itertools.chain([lambda _: (0, 0, 0)], itertools.repeat(look))
        with mock.patch.object(
                sqlite_file, '_what_it_is',
                lambda database: next(looks)(database)):
            self.assertEqual(state(self.open()), (2, 'e', {'a': '1'}))

    def test_a_child_does_not_use_it(self):
        """Nor does it close it, when it ends."""
        replica = self.open()
        replica.apply(answer(0, 2, contents=[('a', 1)]))

        def child():
            for use in (lambda: replica.generation,
                        lambda: replica.items['a'],
                        lambda: replica.apply(answer(2, 3))):
                with self.assertRaisesRegex(
                        sqlite3.ProgrammingError, 'opened before a fork'):
                    use()
            replica.close()
            with SQLiteReplica(NAME) as own:
                own.apply(answer(2, 3, adds=[('b', 2)]))

        self.assertEqual(forked(child), 0)
        self.assertEqual(state(replica), (3, 'e', {'a': '1', 'b': '2'}))

    def test_the_other_waits(self):
        one, other = self.open(), self.open()
        done = []
        thread = threading.Thread(target=lambda: done.append(
            other.apply(answer(2, 3, removals=['a']))))

        def contents():
            yield 'a', 1
            thread.start()
            # It can't be done while this isn't.
            thread.join(.2)
            self.assertEqual(done, [])
            self.assertEqual(state(self.open()), (0, None, {}))

        one.apply(answer(0, 2, contents=contents()))
        thread.join()
        self.assertEqual(done, [[('removed', ('a',), 1)]])
        self.assertEqual(state(one), (3, 'e', {}))

    @unittest.skipUnless(hasattr(os, 'fork'), 'needs os.fork, to be quick')
    def test_processes_report_each_change_once(self):
        context = multiprocessing.get_context('fork')
        count, results = 40, context.Queue()
        barrier = context.Barrier(4)

        def run():
            barrier.wait()  # they make the file at the same time
            applied = []
            with SQLiteReplica(NAME) as replica:
                while (generation := replica.generation) < count:
                    with contextlib.suppress(Misfit):
                        if replica.apply(changes(generation)):
                            applied.append(generation)
            results.put(applied)

        processes = [context.Process(target=run) for _ in range(4)]
        for process in processes:
            process.start()
        applied = [results.get(timeout=90) for _ in processes]
        for process in processes:
            process.join()
        self.assertCountEqual(itertools.chain(*applied), range(count))
        self.assertEqual(state(self.open()), expected(count))
        check_file(NAME)


#: How many items there are at each generation.
SIZE = 60


def changes(generation):
    """Return an answer that changes all that there is."""
    new = generation + 1
    entries = [(number, [new, 'x' * 300]) for number in range(SIZE)]
    subset = SubsetUpdates(id='subset', contents=entries)
    if generation % 3 == 1:
        del subset['contents']
        subset.update(
            adds=entries[new % 5:], removals=list(range(new % 5)))
    if generation % 3 == 0:
        return answer(generation, new, contents=[
            *entries, SubsetUpdates(id=f'subset{new}', adds=entries), subset])
    return answer(generation, new, removals=[f'subset{generation}'],
                  adds=[subset, *entries])


def expected(generation):
    """Return the state of a replica with all changes to a generation."""
    if not generation:
        return 0, None, {}
    new = replicas.text([generation, 'x' * 300])
    everything = dict.fromkeys(range(SIZE), new)
    subset = Subset(everything)
    if (generation - 1) % 3 == 1:
        for number in range(generation % 5):
            del subset[number]
    items = {**everything, 'subset': subset}
    if (generation - 1) % 3 == 0:
        items[f'subset{generation}'] = Subset(everything)
    return generation, 'e', items


@unittest.skipUnless(hasattr(os, 'fork'), 'needs os.fork, to be quick')
class KillTests(Base):
    """A process is killed at any moment of applying answers."""

    layer = Processes
    rounds = 10
    #: How long an answer takes, as last seen.
    duration = .01

    def test_kill(self):
        rnd = random.Random(3)
        number = known = lost = 0
        # Now and then an answer is stored, but not acknowledged: the moments
        # of killing are spread well.
        while number < self.rounds or not lost:
            if number % 10 == 9:
                os.remove(NAME)  # killed when it is made, perhaps
                known = 0
            known = self.apply_and_kill(
                known, rnd.randrange(6), rnd.uniform(0, 1.5))
            with self.subTest(number=number), SQLiteReplica(NAME) as replica:
                found = replica.generation
                self.assertIn(found, (known, known + 1))
                self.assertEqual(state(replica), expected(found))
            check_file(NAME)
            lost += found - known
            known = found
            number += 1
            self.assertLess(number, 100 * self.rounds)

    def apply_and_kill(self, known, messages, fraction):
        """Return the last generation that a process said it has."""
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.close(read)
                self.apply_until_killed(os.fdopen(write, 'wb'))
            finally:
                os._exit(1)
        os.close(write)
        with os.fdopen(read, 'rb') as reader:
            try:
                known = self.listen(reader, known, messages)
                # Any moment of an answer, and after it.
                time.sleep(fraction * self.duration)
            finally:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            return self.listen(reader, known)

    def apply_until_killed(self, pipe):
        with SQLiteReplica(NAME) as replica:
            while True:
                replica.apply(changes(replica.generation))
                pickle.dump(replica.generation, pipe)
                pipe.flush()

    def listen(self, reader, known, messages=None):
        started = time.monotonic()
        for number in itertools.count():
            if number == messages:
                if number:
                    self.duration = (time.monotonic() - started) / number
                break
            try:
                known = pickle.load(reader)
            except (EOFError, pickle.UnpicklingError):
                break  # the last message may be cut off
        return known

    def test_kill_before_each_statement(self):
        found = []
        with mock.patch(f'{__name__}.SIZE', 4):
            while not found or found[-1] != 3:
                for suffix in '', '-wal', '-shm':
                    Path(NAME + suffix).unlink(missing_ok=True)
                with SQLiteReplica(NAME) as replica:
                    replica.apply(changes(0))
                    replica.apply(changes(1))
                self.apply_and_kill_before(len(found))
                with SQLiteReplica(NAME) as replica:
                    found.append(replica.generation)
                    self.assertEqual(state(replica), expected(found[-1]))
        self.assertGreater(len(found), 12)
        self.assertEqual(set(found[:-1]), {2})

    def apply_and_kill_before(self, number):
        pid = os.fork()
        if pid == 0:
            try:
                with SQLiteReplica(NAME) as replica:
                    statements = itertools.count()

                    def trace(statement):
                        if next(statements) == number:
                            os.kill(os.getpid(), signal.SIGKILL)

                    replica._database.set_trace_callback(trace)
                    replica.apply(changes(2))
            finally:
                os._exit(1)
        os.waitpid(pid, 0)


class LongKillTests(KillTests):
    level = 2
    rounds = 500
