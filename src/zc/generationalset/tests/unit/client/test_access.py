"""Tokens that clients present."""

from zc.generationalset.client import Refused
from zc.generationalset.tests.support.clients import (
    ClientTests,
    Watcher,
    for_both,
)
from zc.generationalset.tests.support.serving import Served, wait


class Access(ClientTests):

    options = {'tokens': {'open-sesame': 'ann'}}

    def test_token(self):
        client = self.make_client(self.url, 'open-sesame')
        client.sync()
        self.assertNotIn('sesame', repr(client))
        self.assertEqual(
            repr(client).partition(' ')[2], f'{self.url}>')

    def test_wrong_token(self):
        for token in 'open-barley', None:
            client = self.make_client(self.url, token)
            with self.assertRaises(Refused) as caught:
                client.sync()
            self.assertEqual(caught.exception.status, 401)
            self.assertNotIn('barley', str(caught.exception))
            self.assertIsInstance(Watcher(client).ended(), Refused)

    def test_a_token_that_expires_is_replaced(self):
        client = self.make_client(self.url, 'open-barley')
        self.assertEqual(Watcher(client).ended().status, 401)
        inner = getattr(client, 'client', client)
        inner.token = 'open-sesame'
        self.assertEqual(inner.token, 'open-sesame')
        Watcher(client)
        wait(lambda: client.replica.generation)
        with self.assertRaises(ValueError):
            inner.token = 'open\n'
        inner.token = 'open-barley'
        with self.assertRaises(Refused):
            client.put('x', 1)
        inner.token = 'open-sesame'
        client.put('x', 1)
        wait(lambda: client.replica.items.get('x') == 1)

    def test_a_callable_is_asked_each_time(self):
        tokens = ['open-sesame', 'open-barley', 'open-sesame', None, 'a b', 7]
        client = self.make_client(self.url, lambda: tokens.pop(0))
        client.sync()
        self.assertRaises(Refused, client.sync)
        client.put('x', 1)
        self.assertRaises(Refused, client.sync)
        self.assertRaises(ValueError, client.sync)
        self.assertRaises(TypeError, client.sync)
        self.assertRaises(IndexError, client.sync)

    def test_no_token_at_all(self):
        for token in '', 'a b', 'sesame\r\nX: y', 'sésame', '\x7f':
            with self.assertRaises(ValueError) as caught:
                self.make_client(self.url, token)
            self.assertEqual(str(caught.exception), 'expected a token of '
                             'visible ASCII characters')
        with self.assertRaisesRegex(TypeError, 'a string, got a dict'):
            self.make_client(self.url, {})


SyncAccessTests, AsyncAccessTests = for_both(Access, Served)
