"""What items in quarantine cost."""

import unittest
from unittest import mock

from zc.generationalset import wire
from zc.generationalset.tests.support.synchronizing import Synchronizing


class QuarantineTests(Synchronizing, unittest.TestCase):

    def decoded(self, count):
        """Return how many values are decoded in a run in which nothing has
        changed, with so many items in quarantine."""
        self.setUp()
        for number in range(count):
            self.issues[0].person_adds(title=f'i{number // 2}', state='open')
        self.assertEqual(len(self.sync.run().held), count)
        with mock.patch.object(
                wire, 'decode_trusted', wraps=wire.decode_trusted) as decode:
            report = self.sync.run()
        self.assertEqual((len(report.held), report.steps), (count, []))
        return decode.call_count

    def test_nothing_has_changed(self):
        """Each item is compared with what its store shows, read for its key,
        twice, and for the reason.  What is known of its quarantine isn't
        read."""
        self.assertEqual(self.decoded(40) - self.decoded(20), 4 * 20)
