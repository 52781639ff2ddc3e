"""The explorer, scripts and styles are served as they are, and safely."""

import ast
import re
import socket
import unittest
from contextlib import closing
from urllib.parse import urlsplit

import httpx
from starlette.applications import Starlette
from starlette.routing import Mount

from zc.generationalset.server import application, pages
from zc.generationalset.tests.support.layers import Processes
from zc.generationalset.tests.support.places import CHECKOUT, PACKAGE, STATIC
from zc.generationalset.tests.support.serving import Served, served

SETUP = CHECKOUT / 'setup.py'
POLICY = {
    'default-src': "'none'", 'script-src': "'self'", 'style-src': "'self'",
    'img-src': "'self' data:", 'connect-src': "'self'",
    'manifest-src': "'self'", 'base-uri': "'none'",
    'form-action': "'none'", 'frame-ancestors': "'none'"}


def imported(script):
    """Return a script and all that it imports, as paths below static."""
    found, todo = set(), [STATIC / script]
    while todo:
        path = todo.pop().resolve()
        if path not in found:
            found.add(path)
            todo += [path.parent / name for name in re.findall(
                r"from\s*'(\.[^']*)'", path.read_text())]
    return {path.relative_to(STATIC.resolve()).as_posix() for path in found}


class PagesTests(Served):

    def check_headers(self, response):
        headers = response.headers
        self.assertEqual(headers['x-content-type-options'], 'nosniff')
        self.assertEqual(headers['referrer-policy'], 'no-referrer')
        self.assertEqual(headers['cache-control'], 'no-cache')
        self.assertEqual(
            headers['cross-origin-resource-policy'], 'same-origin')
        self.assertEqual(POLICY, dict(
            part.strip().split(' ', 1)
            for part in headers['content-security-policy'].split(';')))

    def test_types_and_headers(self):
        for path, type, name in [
                ('/explore', 'text/html', 'explore.html'),
                ('/static/explore.js', 'text/javascript', 'explore.js'),
                ('/static/explore.css', 'text/css', 'explore.css')]:
            with self.subTest(path):
                response = self.http.get(path)
                self.assertEqual(response.status_code, 200)
                self.assertEqual(response.headers['content-type'],
                                 f'{type}; charset=utf-8')
                self.assertEqual(
                    response.content, (STATIC / name).read_bytes())
                self.check_headers(response)

    def test_all_scripts_and_styles_but_nothing_else(self):
        for path in STATIC.iterdir():
            if path.is_file():
                response = self.http.get(f'/static/{path.name}')
                if path.suffix in ('.js', '.css'):
                    self.assertEqual(response.status_code, 200, path)
                else:
                    self.refused(404, response, 'no such file')

    def test_references(self):
        """Everything that a page and its scripts name is served."""
        found, todo = {}, [httpx.URL(f'{self.url}/explore')]
        while todo:
            url = todo.pop()
            response = httpx.get(url)
            self.assertEqual(response.status_code, 200, url)
            found[url.path] = response
            named = re.findall(
                r"""(?:href|src)="(static/[^"]*)"|from '([^']*)'""",
                response.text)
            todo.extend({url.join(''.join(names)) for names in named}
                        - {httpx.URL(f'{self.url}{path}') for path in found})
        for name in ('explore.css', 'explore.js', 'explore/rows.js', 'gset.js',
                     'gset/client.js'):
            self.assertIn(f'/static/{name}', found)

    def test_all_modules_are_loaded_at_once(self):
        """A page names all modules that its scripts import, for speed."""
        for page, script in [('explore.html', 'explore.js'),
                             ('board/index.html', 'board/board.js'),
                             ('sync/index.html', 'sync/sync.js')]:
            with self.subTest(page):
                named = re.findall(
                    '<link rel="modulepreload" href="static/([^"]*)">',
                    (STATIC / page).read_text())
                self.assertEqual(named, sorted(imported(script) - {script}))

    def test_not_modified(self):
        for path in '/explore', '/static/explore.js':
            first = self.http.get(path)
            etag = first.headers['etag']
            for known in etag, f'W/{etag}', f'"other", {etag}':
                response = self.http.get(
                    path, headers={'if-none-match': known})
                self.assertEqual(response.status_code, 304)
                self.assertEqual(response.content, b'')
                self.assertEqual(response.headers['etag'], etag)
                self.assertNotIn('content-type', response.headers)
                self.check_headers(response)
            response = self.http.get(
                path, headers={'if-none-match': '"other"'})
            self.assertEqual(response.content, first.content)

    def get(self, path, encoding='identity', **headers):
        return self.http.get(
            path, headers={'accept-encoding': encoding, **headers})

    def test_compression(self):
        for path in '/explore', '/static/explore.js', '/static/explore.css':
            with self.subTest(path):
                plain, packed = self.get(path), self.get(path, 'br, gzip')
                self.assertNotIn('content-encoding', plain.headers)
                self.assertEqual(packed.headers['content-encoding'], 'gzip')
                self.assertEqual(packed.content, plain.content)
                self.assertLess(int(packed.headers['content-length']),
                                len(plain.content) / 2)
                for response in plain, packed:
                    self.check_headers(response)
                    self.assertIn(
                        'accept-encoding', response.headers['vary'])

    def test_what_is_small_is_not_compressed(self):
        for path in '/', '/static/index.css', '/static/gset/errors.js':
            response = self.get(path, 'gzip')
            self.assertLess(len(response.content), 1000)
            self.assertNotIn('content-encoding', response.headers)
            self.assertIn('accept-encoding', response.headers['vary'])

    def test_each_encoding_has_its_etag(self):
        path = '/static/explore.js'
        plain, packed = (self.get(path, encoding).headers['etag']
                         for encoding in ('identity', 'gzip'))
        self.assertNotEqual(plain, packed)
        for encoding, known, status in [
                ('identity', plain, 304), ('identity', packed, 200),
                ('gzip', packed, 304), ('gzip', plain, 200)]:
            response = self.get(path, encoding, **{'if-none-match': known})
            self.assertEqual(response.status_code, status)
            self.assertEqual(response.headers['etag'],
                             packed if encoding == 'gzip' else plain)
            if status == 304:
                self.assertNotIn('content-encoding', response.headers)

    def test_ranges_are_ignored(self):
        """A range of a compressed file is no range of the file."""
        for encoding in 'identity', 'gzip':
            response = self.get('/explore', encoding, range='bytes=0-9')
            self.assertEqual(response.status_code, 200)
            self.assertEqual(
                response.content, (STATIC / 'explore.html').read_bytes())

    def test_etags_differ(self):
        etags = [self.http.get(path).headers['etag'] for path in (
            '/explore', '/static/explore.js', '/static/explore.css')]
        self.assertEqual(len(set(etags)), 3)

    def test_head(self):
        for path in '/explore', '/static/explore.js':
            for encoding in 'identity', 'gzip':
                got = self.get(path, encoding)
                response = self.http.head(
                    path, headers={'accept-encoding': encoding})
                self.assertEqual(response.status_code, 200)
                self.assertEqual(response.content, b'')
                for name in ('content-length', 'content-type', 'etag',
                             'content-encoding'):
                    self.assertEqual(response.headers.get(name),
                                     got.headers.get(name))

    def test_other_methods(self):
        for path in '/explore', '/static/explore.js':
            for method in 'POST', 'PUT', 'DELETE':
                self.refused(405, self.http.request(method, path))

    def test_a_slash_too_many(self):
        response = self.http.get('/explore/')
        self.assertEqual(response.status_code, 308)
        self.assertEqual(response.headers['location'], '../explore')
        self.assertEqual(response.next_request.url, f'{self.url}/explore')

    def get_raw(self, path):
        """Get a path as it is; httpx would resolve the dots.

        Returns the status and the body.
        """
        parts = urlsplit(self.url)
        with closing(socket.create_connection(
                (parts.hostname, parts.port), 30)) as connection:
            connection.sendall(
                f'GET {path} HTTP/1.1\r\nHost: localhost\r\n'
                'Connection: close\r\n\r\n'.encode('latin-1'))
            with connection.makefile('rb') as file:
                head, _, body = file.read().partition(b'\r\n\r\n')
        return int(head.split()[1]), body

    def test_nothing_else_can_be_reached(self):
        self.assertEqual(self.get_raw('/static/explore.js')[0], 200)
        for name in [
                '', '.', '..', '../__init__.py', '..%2f__init__.py',
                '%2e%2e/%2e%2e/setup.py', '%2e%2e%2f__init__.py',
                '..%5c__init__.py', '..\\__init__.py', '../static/explore.js',
                './explore.js', 'explore.js/.', '/explore.js',
                '//etc/passwd', '%2fetc%2fpasswd', '/etc/passwd',
                'explore.js%00', '%00', 'explore.js%0a', 'explore.js%20',
                'explore%2ejs%2f..', 'Explore.js', 'EXPLORE.JS',
                'explore.js::$DATA', '%c0%ae%c0%ae/setup.py', '%ff',
                'x' * 5000, 'package.json', 'README.md', 'gset.d.ts',
                'explore.html']:
            with self.subTest(name[:40]):
                status, body = self.get_raw(f'/static/{name}')
                self.assertEqual(status, 404)
                self.assertIn(b'"status":404', body)

    def test_an_application_may_have_pages_of_its_own(self):
        app = application(
            self.db, lambda root: root['things'],
            routes=[pages.page('/', 'explore.html')])
        with served(app) as url:
            response = httpx.get(url)
            self.assertEqual(
                response.content, httpx.get(f'{url}/explore').content)
            self.check_headers(response)


class MountedTests(Served):

    options = {'tokens': {'secret': 'ann'}}

    def test_with_tokens(self):
        """Pages have no data, so they need no token; the data needs one."""
        for path in '/explore', '/static/explore.js':
            self.assertEqual(self.http.get(path).status_code, 200)
        for path in '/updates', '/events', '/items/':
            self.refused(401, self.http.get(path))

    def test_below_a_prefix(self):
        app = Starlette(routes=[Mount('/some/where', self.app)])
        app.state.gset = self.app.state.gset
        with served(app) as url:
            page = httpx.get(f'{url}/some/where/explore')
            self.assertEqual(page.status_code, 200)
            names = re.findall('(?:href|src)="(static/[^"]*)"', page.text)
            self.assertIn('static/explore.js', names)
            for name in names:
                response = httpx.get(page.url.join(name))
                self.assertEqual(response.status_code, 200, name)
            response = httpx.get(f'{url}/some/where/explore/')
            self.assertEqual(
                response.next_request.url, f'{url}/some/where/explore')
            self.assertEqual(httpx.get(f'{url}/explore').status_code, 404)

    def test_pages_of_other_origins_may_import_scripts(self):
        app = application(
            self.db, lambda root: root['things'], origins=('http://a.org',))
        with served(app) as url:
            for origin, allowed in [('http://a.org', 'http://a.org'),
                                    ('http://b.org', None)]:
                response = httpx.get(
                    f'{url}/static/explore.js', headers={'origin': origin})
                self.assertEqual(allowed, response.headers.get(
                    'access-control-allow-origin'))
                self.assertIn('origin', response.headers['vary'].lower())


class WheelTests(unittest.TestCase):

    layer = Processes

    def test_all_files_are_in_the_wheel(self):
        [patterns] = [
            ast.literal_eval(node.value)['zc.generationalset']
            for node in ast.walk(ast.parse(SETUP.read_text()))
            if isinstance(node, ast.keyword) and node.arg == 'package_data']
        carried = {
            path for pattern in patterns for path in PACKAGE.glob(pattern)}
        found = {path for path in STATIC.rglob('*') if path.is_file()}
        self.assertIn(STATIC / 'explore.html', found)
        self.assertEqual(found - carried, set())
