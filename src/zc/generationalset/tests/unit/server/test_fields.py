"""Fields of requests."""

import unittest

from starlette.requests import Request

from zc.generationalset.server.fields import accepts_gzip, has_tag


def request(name, *lines):
    return Request({'type': 'http', 'headers': [
        (name.encode(), line.encode()) for line in lines]})


class AcceptTests(unittest.TestCase):

    def test_gzip(self):
        for text in ('gzip', 'GZip', 'br, gzip', 'br,gzip;q=0.5', 'gzip ; q=1',
                     '*', 'br, *;q=0.1', 'identity;q=0, gzip;Q=0.001'):
            self.assertTrue(
                accepts_gzip(request('accept-encoding', text)), text)
        self.assertTrue(accepts_gzip(request('accept-encoding', 'br', 'gzip')))

    def test_other(self):
        for text in ('', 'br', 'gzip;q=0', 'gzip;q=0.000', 'gzip; q=0, *',
                     '*;q=0', 'notgzip', 'gzip;q=x', 'gzip;q=2', 'br;x=gzip'):
            self.assertFalse(
                accepts_gzip(request('accept-encoding', text)), text)
        self.assertFalse(accepts_gzip(request('accept-encoding')))


class TagTests(unittest.TestCase):

    def test_matches(self):
        for text in ('"a:1"', 'W/"a:1"', '"x", W/"a:1"', '"x","a:1" , "y"',
                     '*', ' * ', '"x,y", "a:1"'):
            self.assertTrue(
                has_tag(request('if-none-match', text), 'W/"a:1"'), text)
        self.assertTrue(has_tag(
            request('if-none-match', '"x"', '"a:1"'), 'W/"a:1"'))
        self.assertTrue(has_tag(
            request('if-none-match', 'W/"a, b:1"'), 'W/"a, b:1"'))

    def test_differs(self):
        for text in '', '"a:2"', 'a:1', '"x*"', '"x, a:1"', 'W/"A:1"':
            self.assertFalse(
                has_tag(request('if-none-match', text), 'W/"a:1"'), text)
