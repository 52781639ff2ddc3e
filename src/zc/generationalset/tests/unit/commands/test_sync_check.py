"""``gset sync check`` tries stores of all kinds."""

import contextlib
import io
import unittest

from zc.generationalset.__main__ import main
from zc.generationalset.tests.support.rest_server import (
    PAGE,
    RestServer,
    RestServers,
)
from zc.generationalset.tests.support.stored import InFolder

TYPES = '''\
hub = "Hub.fs"
[types.issue]
key = ["title"]
fields = {title = "str", state = "enum:open,done"}
[types.file]
key = ["name"]
fields = {name = "str", content = "bytes"}
'''


class Checking(InFolder):

    def check(self, store):
        """Try the store called ``store``; return exit code and output."""
        (self.path / 'sync.toml').write_text(f'{TYPES}[stores.store]\n{store}')
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            code = main(['sync', '--config', str(self.path / 'sync.toml'),
                         'check', 'store'])
        return code, out.getvalue()

    def passes(self, store):
        code, out = self.check(store)
        self.assertEqual(code, 0, out)


class CheckTests(Checking, unittest.TestCase):

    def test_folders(self):
        (self.path / 'notes').mkdir()
        self.passes('kind = "folder"\npath = "notes"\n'
                    '[stores.store.issue]\nform = "toml"\nfolder = "issues"\n'
                    '[stores.store.file]\nform = "bytes"\nfolder = "files"\n')
        for name in 'issues', 'files':
            self.assertEqual([*(self.path / 'notes' / name).iterdir()], [])

    def test_files(self):
        (self.path / 'x.csv').write_text('id,mine\n1,x\n')
        before = (self.path / 'x.csv').read_text()
        self.passes('kind = "file"\npath = "x.csv"\ntype = "issue"\n')
        self.assertEqual((self.path / 'x.csv').read_text().splitlines()[1:], [
            '1,x,,'])
        self.assertEqual(before.splitlines()[1:], ['1,x'])


class RestCheckTests(Checking, unittest.TestCase):

    layer = RestServers

    def store(self, more=''):
        return f'''\
kind = "rest"
url = "{RestServers.url}/api"
[stores.store.issue]
path = "issues"
items = "data.issues"
paging = "page"
etags = true
idempotency = "Idempotency-Key"
{more}'''

    def serve(self, **options):
        self.server = RestServers.service = RestServer('page', **options)
        self.server.put(title='x', state='open')

    def test_a_service(self):
        self.serve(etags=True, idempotency=True)
        self.passes(self.store())
        self.assertEqual([each['title'] for each in
                          self.server.items.values()], ['x'])

    def test_a_version(self):
        self.serve(etags=True, idempotency=True, tells='all')
        self.passes(self.store('version = "ETag"'))

    def test_a_version_that_lies(self):
        for tells in 'nothing', 'page':
            self.serve(etags=True, idempotency=True, tells=tells)
            for number in range(PAGE):
                self.server.put(title=f'y{number}', state='open')
            code, out = self.check(self.store('version = "ETag"'))
            self.assertEqual(code, 1)
            self.assertRegex(out, 'FAIL: test_version ')
            self.assertIn('the version is still', out)

    def test_what_a_service_does_not_do(self):
        for options, name in [
                ({'etags': True}, 'test_repeated_additions'),
                ({'idempotency': True}, 'test_tokens'),
                ({'etags': True, 'idempotency': True, 'rewrite':
                    lambda document: {**document, 'state': 'open'}},
                 'test_update')]:
            self.serve(**options)
            code, out = self.check(self.store())
            self.assertEqual(code, 1)
            self.assertRegex(out, f'{name} .*(FAIL|ERROR)')

    def test_no_service(self):
        self.serve()
        code, out = self.check(self.store().replace('/api', '/other'))
        self.assertEqual(code, 1)
        self.assertIn('404', out)
