"""Queries are parsed once for all clients that ask the same."""

import unittest

from starlette.requests import Request

from zc.generationalset.server.queries import LONGEST, query


def parsed(text):
    return query(Request({'type': 'http', 'query_string': text}))


class QueriesTests(unittest.TestCase):

    def test_each_its_own(self):
        for _ in range(2):
            for number in range(3):
                asked = parsed(b'generation=%d&epoch=a%%20b' % number)
                self.assertEqual(
                    dict(asked), {'generation': f'{number}', 'epoch': 'a b'})
        self.assertEqual(dict(parsed(b'')), {})

    def test_short_ones_are_kept(self):
        text = b'q=' + b'x' * (LONGEST - 2)
        self.assertIs(parsed(text), parsed(text))

    def test_long_ones_are_not_kept(self):
        text = b'q=' + b'x' * (LONGEST - 1)
        self.assertIsNot(parsed(text), parsed(text))
        self.assertEqual(parsed(text)['q'], 'x' * (LONGEST - 1))
