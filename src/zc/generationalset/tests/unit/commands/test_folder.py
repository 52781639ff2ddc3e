"""``gset serve --pages``: a folder beside the server's own routes."""

import http.client
import os
import urllib.parse
from pathlib import Path

import httpx

from zc.generationalset.tests.support.commands import Serving


class FolderTests(Serving):

    def setUp(self):
        super().setUp()
        folder = Path(self.path('site'))
        (folder / 'more' / '.git').mkdir(parents=True)
        (folder / 'empty').mkdir()
        for name in ('index.html', 'app.js', 'more/index.html', 'updates',
                     '.secret', 'more/.git/config', 'a b.txt'):
            (folder / name).write_text(f'this is {name}')
        Path(self.path('outside.txt')).write_text('outside')
        os.symlink(self.path('outside.txt'), folder / 'link.txt')
        os.symlink('app.js', folder / 'other.js')
        self.folder = folder

    def test_files(self):
        with self.serving('--pages', 'site'):
            for path, name, type in [
                    ('/', 'index.html', 'text/html'),
                    ('/app.js', 'app.js', 'text/javascript'),
                    ('/other.js', 'app.js', 'text/javascript'),
                    ('/a%20b.txt', 'a b.txt', 'text/plain'),
                    ('/more/', 'more/index.html', 'text/html')]:
                response = httpx.get(self.url + path)
                self.assertEqual(response.text, f'this is {name}')
                self.assertIn(type, response.headers['content-type'])
                self.assertEqual(
                    response.headers['x-content-type-options'], 'nosniff')
            etag = response.headers['etag']
            self.assertEqual(httpx.get(
                f'{self.url}/more/', headers={'if-none-match': etag}
                ).status_code, 304)
            # The server's own routes come first.
            for path in '/updates', '/openapi.json', '/items/':
                self.assertEqual(
                    httpx.get(self.url + path).headers['content-type'],
                    'application/json')
            self.assertIn('Client', httpx.get(
                f'{self.url}/static/gset.js').text)
            self.assertEqual(
                httpx.put(f'{self.url}/app.js', json=1).status_code, 405)

    def test_nothing_else(self):
        with self.serving('--pages', 'site'):
            host = urllib.parse.urlsplit(self.url).netloc
            for path in (
                    '/../outside.txt', '/more/../../outside.txt',
                    '/%2e%2e/outside.txt', '/..%2foutside.txt',
                    '/more/..%2f..%2foutside.txt', '/..%5coutside.txt',
                    '//outside.txt', '/%2f' + self.path('outside.txt'),
                    '/link.txt', '/.secret', '/more/.git/config', '/%00',
                    '/app.js%00', '/empty/', '/empty',
                    '/no', '/' + 300 * 'x', '/%ff', '/.', '/..'):
                connection = http.client.HTTPConnection(host)
                connection.request('GET', path)  # as it is
                response = connection.getresponse()
                text = response.read().decode()
                connection.close()
                self.assertEqual(response.status, 404, path)
                self.assertIn('"status":404', text)
        self.assertEqual(self.stderr, '')

    def test_without_index(self):
        (self.folder / 'index.html').unlink()
        with self.serving('--pages', 'site'):
            self.assertIn('href="explore"', httpx.get(self.url).text)

    def test_refused(self):
        self.assertIn('--pages to be a folder, got no',
                      self.refused('--pages', 'no'))
        self.assertIn('expected --demo or --pages',
                      self.refused('--pages', 'site', '--demo'))
