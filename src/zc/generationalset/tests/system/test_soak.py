"""A short soak: what was opened and kept is given back."""

import contextlib
import sys
import unittest

from zc.generationalset.tests.support.serving import Servers
from zc.generationalset.tests.support.soaking import Soak


@unittest.skipUnless(sys.platform == 'linux', 'it looks into /proc')
class SoakTests(unittest.TestCase):

    layer = Servers

    def test_a_short_one(self):
        with contextlib.ExitStack() as stack:
            result = Soak(
                stack, clients=20, writers=4, seconds=4, kills=1,
                stay=(.2, 2)).run()
        self.assertTrue(result.writes)
        self.assertTrue(result.clients)
        self.assertEqual(result.kills, 1)
        self.assertTrue(result.afterwards.is_like(result.rest), result)
        self.assertEqual(result.differences, 0)
