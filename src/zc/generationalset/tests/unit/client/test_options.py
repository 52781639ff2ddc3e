"""Options of clients that are those of httpx."""

import os
import unittest
from unittest import mock

from zc.generationalset.client import AsyncClient, Client, Unavailable
from zc.generationalset.client.remote import Remote
from zc.generationalset.loopback import without_proxy
from zc.generationalset.tests.support.clients import (
    ClientTests,
    for_both,
    hurry,
)
from zc.generationalset.tests.support.serving import Served

#: A port at which nothing listens.
NOTHING = 'http://127.0.0.1:9'


class ProxyContract(ClientTests):

    def test_no_proxy_to_this_machine(self):
        """The environment names one; it has another loopback."""
        with mock.patch.dict(
                os.environ, http_proxy=NOTHING, all_proxy=NOTHING):
            client = self.make_client(self.url)
        client.put('a', 1)
        self.assertEqual(client.get('a'), 1)

    def test_a_proxy_that_is_named(self):
        client = self.make_client(self.url, proxy=NOTHING)
        hurry(client)
        with self.assertRaises(Unavailable):
            client.get('a')


SyncProxyTests, AsyncProxyTests = for_both(ProxyContract, Served)


class OptionsTests(unittest.TestCase):

    def test_options_of_httpx(self):
        with Client('http://localhost', 'token', headers={'X-Y': 'z'},
                    trust_env=False) as client:
            headers = client._network.http.headers
            self.assertEqual(headers['x-y'], 'z')

    def test_unknown_options(self):
        for make in Client, AsyncClient, Remote:
            for name, text in [
                    ('tokken', "option such as 'token', got 'tokken'"),
                    ('time_out', "option such as 'timeout', got 'time_out'"),
                    ('veryfy', "option such as 'verify', got 'veryfy'"),
                    ('follow_redirects', "option, got 'follow_redirects'")]:
                with self.subTest(make=make, name=name), \
                        self.assertRaisesRegex(
                            TypeError,
                            f'^{make.__name__}: expected an {text}$'):
                    make('http://localhost', **{name: None})

    def test_proxies_to_other_machines(self):
        for url in ('https://example.org', 'http://192.0.2.1', 'http://[2::1]',
                    'http://localhost.example.org', 'http://0.0.0.0',
                    'http://127.0.0.1%25.example.org'):
            self.assertEqual(without_proxy(url), {}, url)
        for url in ('https://localhost/sync', 'http://LocalHost:1',
                    'http://127.0.0.1:80', 'http://127.1.2.3', 'http://[::1]',
                    'http://[::1%25lo]'):
            self.assertIn('all://', without_proxy(url), url)
