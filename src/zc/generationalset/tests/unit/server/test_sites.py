"""Pages of other sites, and names of other hosts."""

import unittest

import httpx
from starlette.routing import Route

from zc.generationalset.server import application
from zc.generationalset.server.sites import check_origins
from zc.generationalset.tests.support.logs import Mute
from zc.generationalset.tests.support.serving import Served

APP = 'https://app.example'


async def defect(request):
    raise ZeroDivisionError


async def defect_later(request):
    async def pieces(scope, receive, send):
        await send({'type': 'http.response.start', 'status': 200})
        raise ZeroDivisionError
    return pieces


async def sell(request):
    return await request.app.state.gset.write(request, lambda things: None)


#: Routes of an application.
ROUTES = [Route('/defect', defect, methods=['GET', 'POST']),
          Route('/later', defect_later),
          Route('/sell', sell, methods=['POST'])]


class ErrorTests(Served):
    """Pages that may use the server can read its errors."""

    options = {'origins': [APP], 'routes': ROUTES}

    def test_defects(self):
        with Mute('zc.generationalset.server') as mute:
            for _ in range(2):
                response = self.http.get('/defect', headers={'origin': APP})
                self.refused(500, response, 'a defect')
                self.assertEqual(
                    response.headers['access-control-allow-origin'], APP)
                self.assertNotIn('connection', response.headers)
        self.assertEqual([type(record.exc_info[1]) for record in mute.records],
                         [ZeroDivisionError] * 2)
        [connection] = self.http._transport._pool.connections
        self.assertIn('Request Count: 2', repr(connection))

    def test_what_has_begun_does_not_look_complete(self):
        with Mute('uvicorn.error') as mute, \
                self.assertRaises(httpx.RemoteProtocolError):
            self.http.get('/later')
        self.assertEqual(len(mute.records), 1)

    def test_headers(self):
        """Browsers hide from other pages what exists, and what doesn't."""
        self.put('a', 1)
        with Mute('zc.generationalset.server'):
            for method, path in [
                    ('GET', '/items/a'), ('GET', '/items/b'),
                    ('GET', '/updates'), ('HEAD', '/updates'),
                    ('GET', '/metrics'), ('GET', '/healthz'),
                    ('GET', '/openapi.json'), ('GET', '/explore'),
                    ('GET', '/static/gset.js'), ('GET', '/nothing'),
                    ('PATCH', '/updates'), ('OPTIONS', '/updates'),
                    ('GET', '/defect'), ('PUT', '/items/a')]:
                headers = self.http.request(method, path).headers
                with self.subTest(method, path=path):
                    self.assertEqual(
                        headers['x-content-type-options'], 'nosniff')
                    self.assertEqual(
                        headers['cross-origin-resource-policy'],
                        'same-origin')
                    self.assertIn('frame-ancestors',
                                  headers['content-security-policy'])
        with self.http.stream('GET', '/events') as stream:
            self.assertEqual(
                stream.headers['cross-origin-resource-policy'], 'same-origin')

    def test_what_pages_may_ask_and_see(self):
        response = self.http.options('/items/', headers={
            'origin': APP, 'access-control-request-method': 'OPTIONS'})
        self.assertEqual(response.status_code, 200)
        response = self.http.options('/items/', headers={'origin': APP})
        self.assertIn('Allow', response.headers[
            'access-control-expose-headers'].split(', '))

    def test_frameworks_do_not_show(self):
        for path in '/updates/', '/explore/x', '/batch/':
            response = self.http.get(path)
            self.refused(404, response)
            self.assertNotIn('location', response.headers)
        response = self.http.patch('/updates')
        self.refused(405, response, 'expected GET, HEAD, OPTIONS, got PATCH')
        self.assertEqual(response.headers['allow'], 'GET, HEAD, OPTIONS')


class OtherSitesTests(Served):

    options = {'origins': [APP], 'routes': ROUTES}

    def post(self, **headers):
        return self.http.post('/sell', headers={
            name.replace('_', '-'): value for name, value in headers.items()
        }).status_code

    def test_foreign(self):
        for headers in [
                {'origin': 'https://evil.example'}, {'origin': 'null'},
                {'origin': 'http://localhost:1'}, {'origin': 'http://['},
                {'origin': f'{APP}:8443'},
                {'sec_fetch_site': 'cross-site'},
                {'sec_fetch_site': 'same-site'},
                {'sec_fetch_site': 'same-site', 'origin': self.url},
                {'origin': 'https://evil.example',
                 'authorization': 'Basic YTpi'}]:
            self.assertEqual(self.post(**headers), 403, headers)
        self.refused(403, self.http.put('/items/a', json=1, headers={
            'origin': 'https://evil.example'}), 'another origin')

    def test_others(self):
        for headers in [
                {}, {'origin': APP}, {'origin': self.url},
                {'origin': APP, 'sec_fetch_site': 'cross-site'},
                {'sec_fetch_site': 'same-origin'}, {'sec_fetch_site': 'none'},
                {'origin': 'https://evil.example',
                 'authorization': 'Bearer secret'},
                # Proxies may leave out the port.
                {'origin': 'https://localhost:8443', 'host': 'localhost'}]:
            self.assertEqual(self.post(**headers), 200, headers)

    def test_reading(self):
        response = self.get(origin='https://evil.example')
        self.assertEqual(response.status_code, 200)
        self.assertNotIn('access-control-allow-origin', response.headers)


class OriginsTests(unittest.TestCase):

    def test_right(self):
        check_origins([
            'https://app.example', 'http://localhost:8080', 'http://[::1]:80'
            '80', 'chrome-extension://abc', 'http://127.0.0.1'], False)
        check_origins(['*', 'null'], True)

    def test_wrong(self):
        for origin in ('https://app.example/', 'http://a.example/x', 'foo',
                       '', 'https://App.example', 'https://app.example:443',
                       'http://app.example:80', 'https://', '//app.example',
                       'https://a@app.example', 'https://app.example:x',
                       'https://b\xfccher.example', 'https://a.example?'):
            with self.subTest(origin), self.assertRaisesRegex(
                    ValueError, 'an origin such as'):
                check_origins([origin], True)
        with self.assertRaisesRegex(ValueError, "such as 'https://a.b', with"):
            check_origins(['https://a.b/'], False)

    def test_all_pages_without_tokens(self):
        for origin in '*', 'null':
            with self.assertRaisesRegex(ValueError, 'expected tokens'):
                application(None, lambda root: None, origins=[origin])


class HostsTests(unittest.IsolatedAsyncioTestCase):
    """The host names of a server that authenticates nobody."""

    async def status(self, host, **options):
        transport = httpx.ASGITransport(application(
            None, lambda root: None, **options))
        async with httpx.AsyncClient(transport=transport) as client:
            response = await client.get(
                'http://127.0.0.1:8080/openapi.json', headers={'host': host})
        return response.status_code

    async def test_default(self):
        for host, status in [('rebound.example', 400), ('localhost', 200),
                             ('127.0.0.1:1', 200), ('10.1.2.3', 200)]:
            self.assertEqual(await self.status(host), status, host)

    async def test_named(self):
        for host, status in [('Sets.example', 200), ('localhost', 400)]:
            self.assertEqual(
                await self.status(host, hosts=['sets.example']), status, host)

    async def test_users(self):
        for options in [{'tokens': {'a': 'ann'}},
                        {'authenticate': lambda request: 'ann'},
                        {'name': lambda request: 'things'}]:
            self.assertEqual(await self.status('sets.example', **options), 200)
