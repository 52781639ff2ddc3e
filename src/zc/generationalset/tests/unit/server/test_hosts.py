"""Host names that a server answers to; ``test_serve`` has the command's."""

import unittest

import httpx
from starlette.responses import PlainTextResponse

from zc.generationalset.server.hosts import Hosts

APPLICATION = Hosts(PlainTextResponse('here'), ['localhost', '[::1]'])


class HostsTests(unittest.IsolatedAsyncioTestCase):

    async def ask(self, host):
        transport = httpx.ASGITransport(APPLICATION)
        async with httpx.AsyncClient(transport=transport) as client:
            return await client.get('http://test', headers={'host': host})

    async def test_names(self):
        for host in 'localhost', 'LocalHost:1', '[::1]', '[::1]:80':
            self.assertEqual((await self.ask(host)).text, 'here', host)
        for host in 'example.org', '', '[::1', '[::2]', 'localhost.org':
            self.assertEqual((await self.ask(host)).status_code, 400, host)
        self.assertEqual(
            (await self.ask('Example.org:80')).json()['detail'],
            "expected a request to localhost, [::1], got one to "
            "'Example.org:80'")

    async def test_what_is_no_request(self):
        """The application begins and ends."""
        seen = []

        async def application(scope, receive, send):
            seen.append(scope['type'])
        await Hosts(application, [])({'type': 'lifespan'}, None, None)
        self.assertEqual(seen, ['lifespan'])
