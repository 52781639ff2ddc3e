"""Paths, and the end, under other ASGI servers."""

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import unittest

import httpx
from starlette.applications import Starlette
from starlette.routing import Mount

from zc.generationalset.tests.support import asgi_example
from zc.generationalset.tests.support.ports import free_port
from zc.generationalset.tests.support.serving import ENVIRONMENT, Servers, wait

PATHS = [('/items/set/id', 'in the set'), ('/items/id', 'at the top'),
         ('/%69tems/set/id', 'in the set'), ('/items/s%65t/id', 'in the set'),
         ('/items/set%2Fid', None), ('/items%2Fset/id', None),
         ('/items%2Fid', None), ('/items%2fnone/set/id', None)]


class PrefixTests(unittest.IsolatedAsyncioTestCase):
    """With prefixes, which servers put into paths or don't."""

    async def check(self, app, root_path, prefix):
        transport = httpx.ASGITransport(app, root_path=root_path)
        async with httpx.AsyncClient(
                transport=transport, base_url='http://test') as client:
            for path, item in PATHS:
                response = await client.get(prefix + path)
                with self.subTest(root_path, prefix=prefix, path=path):
                    self.assertEqual(response.status_code,
                                     404 if item is None else 200)
                    if item is not None:
                        self.assertEqual(response.json(), item)

    async def test_prefixes(self):
        app = asgi_example.app
        mounted = Starlette(routes=[
            Mount('/in/side', app), Mount('/items', app)])
        for each, root_path, prefix in [
                (app, '', ''), (app, '/sync', ''), (app, '/sync', '/sync'),
                (app, '/two/parts', ''), (app, '/two/parts', '/two/parts'),
                (app, '/sync/', '/sync/'), (mounted, '', '/in/side'),
                (mounted, '', '/in%2Fside'), (mounted, '', '/items'),
                (mounted, '/out', '/out/in/side')]:
            await self.check(each, root_path, prefix)
        await app.state.gset.close()

    async def test_slash_in_a_prefix(self):
        mounted = Starlette(routes=[Mount('/in/side', asgi_example.app)])
        async with httpx.AsyncClient(
                transport=httpx.ASGITransport(mounted),
                base_url='http://test') as client:
            response = await client.get('/in/side%2Fitems/id')
        self.assertEqual(response.status_code, 404)


#: The arguments of each server, with {port}.
SERVERS = {
    'uvicorn': '--port {port} --root-path /sync --log-level error',
    'hypercorn': '--bind 127.0.0.1:{port} --root-path /sync',
    'daphne': '--port {port} --root-path /sync',
    'granian': '--interface asgi --port {port} --url-path-prefix /sync',
}


class ServersTests(unittest.TestCase):
    """Starts each installed server once, all at the same time."""

    layer = Servers

    @contextlib.contextmanager
    def running(self, name):
        """Run a server; yield its process and its URL."""
        port = free_port()
        process = subprocess.Popen(
            [sys.executable, '-m', name,
             *SERVERS[name].format(port=port).split(),
             f'{asgi_example.__name__}:app'],
            env=ENVIRONMENT, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            yield process, f'http://127.0.0.1:{port}'
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(90)

    def test_paths(self):
        with contextlib.ExitStack() as stack:
            urls = {
                name: stack.enter_context(self.running(name))
                for name in SERVERS if importlib.util.find_spec(name)}
            for name, (_, url) in urls.items():
                with self.subTest(name), httpx.Client(base_url=url) as client:
                    wait(lambda: is_up(client))
                    for path, item in PATHS:
                        response = client.get(path)
                        self.assertEqual(
                            response.status_code, 404 if item is None else 200,
                            path)
                        if item is not None:
                            self.assertEqual(response.json(), item)
            self.end(*urls['uvicorn'])

    def end(self, process, url):
        """A server ends, while somebody listens to a stream."""
        with httpx.stream('GET', f'{url}/events', timeout=90) as stream:
            chunks = stream.iter_raw()
            next(chunks)
            process.send_signal(signal.SIGTERM)
            for _ in chunks:  # to its end, which there is
                pass
        process.wait(90)


def is_up(client):
    try:
        return client.get('/healthz').status_code == 200
    except httpx.TransportError:
        return False
