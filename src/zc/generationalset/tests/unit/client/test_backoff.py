"""Clients wait as long as they are told, or a random time."""

import unittest
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from unittest import mock

from zc.generationalset.client.backoff import Backoff, parse_retry_after


class BackoffTests(unittest.TestCase):

    def test_limits(self):
        backoff = Backoff(random=lambda: 1.0)
        self.assertEqual([backoff.delay() for _ in range(8)],
                         [1, 2, 4, 8, 16, 32, 60, 60])
        for _ in range(2000):  # no number is too large
            self.assertEqual(backoff.delay(), 60)
        backoff.reset()
        self.assertEqual(backoff.delay(), 1)

    def test_jitter(self):
        delays = []
        for _ in range(1000):
            backoff = Backoff()
            for _ in range(3):
                backoff.delay()
            delays.append(backoff.delay())
        for start in range(8):
            self.assertGreater(
                sum(start <= delay < start + 1 for delay in delays), 60)

    def test_retry_after(self):
        backoff = Backoff(random=lambda: .5)
        self.assertEqual(
            [backoff.delay(seconds) for seconds in (30, 0, 0, None)],
            [30, 1, 2, 4])

    def test_parse_seconds(self):
        for text, seconds in [
                ('0', 0), (' 30 ', 30), ('9' * 400, 3600), ('3601', 3600),
                (None, None), ('', None), ('-5', None), ('1.5', None),
                ('soon', None), ('²', None), ('٣', 3)]:
            self.assertEqual(parse_retry_after(text), seconds, text)

    def test_parse_dates(self):
        now = datetime.now(timezone.utc)
        for seconds, expected in (100, 100), (-100, 0), (90000, 3600):
            date = now + timedelta(seconds=seconds)
            for text in format_datetime(date, usegmt=True), \
                    format_datetime(date.replace(tzinfo=None)), \
                    format_datetime(date.astimezone(timezone(timedelta(
                        hours=5)))):
                self.assertAlmostEqual(
                    parse_retry_after(text) or 0, expected, delta=90)
        for now, expected in [
                ('Fri, 20 Nov 2026 10:00:00 GMT', 30),
                ('Fri, 20 Nov 2026 10:00:40 GMT', 0), ('soon', 0), ('', 0)]:
            # The date is by the server's clock; ours is later than 2026.
            with mock.patch(f'{Backoff.__module__}.datetime') as clock:
                clock.now.return_value = datetime(
                    2030, 1, 1, tzinfo=timezone.utc)
                self.assertEqual(parse_retry_after(
                    'Fri, 20 Nov 2026 10:00:30 GMT', now), expected)
        for text in 'Fri, 32 Nov 2026 10:00:00 GMT', '2026-11-21', \
                'Fri, 20 Nov 99999 10:00:00 GMT':
            self.assertIsNone(parse_retry_after(text))
