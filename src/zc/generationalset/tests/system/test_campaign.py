"""Systems under load, with faults: nothing is lost, and all are equal.

benchmarks/faults has more of the same.
"""

import contextlib
import logging
import unittest

from zc.generationalset.tests.campaign import faults, storages
from zc.generationalset.tests.campaign.world import World
from zc.generationalset.tests.support.clients import quiet

SEED = 1


class System:
    """A layer of zope.testrunner: one system for several tests."""

    __bases__ = ()
    __module__ = __name__

    def __init__(self, name, storage, **options):
        self.__name__ = name
        self._storage = storage
        self._options = options

    def setUp(self):
        with contextlib.ExitStack() as stack:
            stack.enter_context(quiet())
            stack.enter_context(mute('ZEO', 'relstorage', 'ZODB'))
            self.world = World(stack, SEED, self._storage, **self._options)
            self._stack = stack.pop_all()

    def tearDown(self):
        with self._stack:
            self.world.end()


class Campaign:

    def strike(self, fault, times, most=20):
        for _ in range(times):
            self.layer.world.strike(fault, most)
        self.assertEqual(self.layer.world.differences(), [])


@contextlib.contextmanager
def mute(*names):
    """Have nothing said by libraries of this process."""
    with contextlib.ExitStack() as stack:
        for name in names:
            logger = logging.getLogger(name)
            stack.callback(logger.setLevel, logger.level)
            logger.setLevel(logging.CRITICAL + 1)
        yield


class ZEOTests(Campaign, unittest.TestCase):

    layer = System('ZEO', storages.FarZEO, workers=2, way=faults.by_line)

    def test_a_worker_is_killed(self):
        self.strike(faults.kill_worker, 2)

    def test_the_zeo_server_is_killed(self):
        self.strike(faults.kill_storage, 2)

    def test_the_network_of_clients_fails(self):
        self.strike(faults.strike_line, 8, 4)

    def test_the_network_of_zeo_fails(self):
        self.strike(faults.strike_line_of_storage, 2)

    def test_it_is_packed(self):
        self.strike(faults.pack, 2)

    def test_writes_are_undone(self):
        self.strike(faults.undo_writes, 2)


class PostgreSQLTests(Campaign, unittest.TestCase):

    layer = System(
        'PostgreSQLServer', storages.PostgreSQL, workers=2, mirror=False)

    def test_a_worker_is_killed(self):
        self.strike(faults.kill_worker, 2)

    def test_it_is_stopped_at_once(self):
        self.strike(faults.kill_storage, 3)

    def test_it_is_packed(self):
        self.strike(faults.pack, 2)


class FileTests(Campaign, unittest.TestCase):

    layer = System('File', storages.File, clock=True, mirror=False,
                   way=faults.by_line)

    def test_it_is_killed_while_writes_share_a_transaction(self):
        self.strike(faults.kill_in_group, 2)

    def test_a_client_stops_reading(self):
        self.strike(faults.stop_reading, 1)

    def test_the_clock_is_set_back(self):
        self.strike(faults.set_clock_back, 5)

    def test_the_disk_is_full(self):
        self.strike(faults.fill_disk, 20, 4)


class LongTests(unittest.TestCase):
    """Each fault in a system of its own, as often as in a campaign."""

    level = 2

    def test_all(self):
        with quiet(), mute('ZEO', 'relstorage', 'ZODB'):
            for seed, name in enumerate(faults.FAULTS, SEED):
                with self.subTest(name, seed=seed):
                    self.assertEqual(
                        faults.run(name, seed).differences, [])
