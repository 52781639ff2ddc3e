"""The real command, in processes of its own."""

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from zc.generationalset import GSet
from zc.generationalset.client import Client
from zc.generationalset.tests.support.commands import Interrupted
from zc.generationalset.tests.support.faulty import Proxy, status
from zc.generationalset.tests.support.layers import Processes
from zc.generationalset.tests.support.serving import Served, wait

COMMAND = [sys.executable, '-m', 'zc.generationalset']
NOBODY = 'http://127.0.0.1:9'


def environment(**variables):
    """Return an environment in which the package can be imported."""
    return {**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path),
            'PYTHONUTF8': '1', **variables}


def gset(*arguments, input='', **variables):
    """Run a command; return exit code, output and errors."""
    done = subprocess.run(
        [*COMMAND, *arguments], input=input, capture_output=True, timeout=90,
        encoding='utf-8', env=environment(**variables))
    return done.returncode, done.stdout, done.stderr


class Commands(Interrupted, Served):

    def setUp(self):
        super().setUp()
        with self.changing() as things:
            things.add(GSet('people'))
        self.client = self.stack.enter_context(Client(self.url, self.token))
        self.client.put(('people', 'ann'), {'name': 'Ann'})
        self.client.put(('people', 'b/c'), 'ä\x1b[2J')

    token = None

    def items(self):
        self.client.sync()
        return self.client.replica.items

    def does(self, *arguments, code=0, out='', error='', **options):
        name, *rest = arguments
        result = gset(name, self.url, *rest, **options)
        self.assertEqual(result[:2], (code, out), result)
        if error:
            self.assertRegex(result[2], f'^gset: {error}\n$')
        else:
            self.assertEqual(result[2], '')

    def start(self, *arguments, **options):
        """Start a command that runs until it is stopped."""
        process = subprocess.Popen(
            [*COMMAND, *arguments], env=environment(),
            **{'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE,
               'encoding': 'utf-8', **options})
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        process.kill()
        process.wait()
        for file in process.stdout, process.stderr:
            if file is not None:
                file.close()


class GetTests(Commands):

    def test_everything(self):
        self.client.make_set('rooms')
        self.does('get', out='people/\n'
                  'people/ann  {"name":"Ann"}\n'
                  'people/b%2Fc  "ä\\u001b[2J"\n'
                  'rooms/\n')
        _, out, _ = gset('get', self.url, '--json')
        self.assertEqual(list(map(json.loads, out.splitlines())), [
            {'path': ['people'], 'set': True},
            {'path': ['people', 'ann'], 'item': {'name': 'Ann'}},
            {'path': ['people', 'b/c'], 'item': 'ä\x1b[2J'},
            {'path': ['rooms'], 'set': True}])

    def test_set(self):
        self.does('get', 'people/', out='people/ann  {"name":"Ann"}\n'
                  'people/b%2Fc  "ä\\u001b[2J"\n')

    def test_item(self):
        self.does('get', 'people/ann', out='{\n  "name": "Ann"\n}\n')
        self.client.sync()
        self.does('get', '/people/b%2Fc', '--json', out=(
            '{"path":["people","b/c"],"item":"ä\\u001b[2J","position":"'
            f'{self.client.position}"}}\n'))

    def test_missing(self):
        self.does('get', 'eve', code=1, error='.* 404 there is no "eve"')
        for path in 'rooms/', 'people/eve/', 'people/ann/':
            self.does('get', path, code=1,
                      error=f'{path}: there is no such set')
        self.does('get', 'people', code=1, error='.* 404 .*')

    def test_output_that_is_closed(self):
        self.client.batch(
            [('put', f'item {number}', 'x' * 1000) for number in range(300)])
        process = self.start('get', self.url)
        process.stdout.readline()
        process.stdout.close()
        self.assertEqual(process.wait(90), 141)
        self.assertEqual(process.stderr.read(), '')


class PutAndRmTests(Commands):

    def test_put(self):
        self.does('put', 'people/ann', '{"a": 1}')
        self.assertEqual(self.items()['people']['ann'], {'a': 1})
        self.does('put', 'people/ann', '-', input='{"a": 2}')
        self.assertEqual(self.items()['people']['ann'], {'a': 2})
        self.does('put', 'people/Zoë%2F', input='3\n')
        self.assertEqual(self.items()['people']['Zoë/'], 3)

    def test_patch(self):
        self.does('patch', 'people/ann', '{"age": 43}')
        self.does('patch', 'people/ann', '-', input='{"name": null}')
        self.assertEqual(self.items()['people']['ann'], {'age': 43})
        self.does('patch', 'people/', '{}', code=2, error='people/: .*')

    def test_unchanged_since(self):
        self.client.sync()
        since = '--unchanged-since', str(self.client.position)
        self.client.put(('people', 'b/c'), 1)
        self.does('put', 'people/ann', '2', *since)
        changed = '.* 412 people/ann: expected what was there at .*'
        self.does('put', 'people/ann', '3', *since, code=1, error=changed)
        for words in ['patch', 'people/ann', '{}'], ['rm', 'people/ann']:
            self.does(*words, *since, code=1, error=changed)
        self.does('rm', 'people/', *since, code=1, error='.* 412 people: .*')
        self.does('put', 'people/', '3', *since, code=2, error='.* an item .*')
        self.does('rm', 'people/ann', '--unchanged-since', '5', code=2,
                  error='expected a position, .*, got 5')

    def test_add(self):
        for path, text in ('people/', 'people/'), ('/', ''):
            code, out, error = gset('put', self.url, path, '1')
            self.assertEqual((code, error), (0, ''))
            self.assertTrue(out.startswith(text))
            self.assertEqual(self.client.get(
                tuple(out.strip().split('/'))), 1)

    def test_sets(self):
        self.does('put', 'rooms/', out='rooms/\n')
        self.does('put', '', '1', code=2, error='expected a path; .*')
        self.does('put', 'rooms/~1', '1')
        self.assertEqual(self.items()['rooms'], {1: 1})
        self.does('rm', 'rooms', code=1, error='.* 409 "rooms" is a set.*')
        self.does('rm', 'rooms/')
        self.assertNotIn('rooms', self.items())

    def test_rm(self):
        self.does('rm', 'people/ann')
        self.assertNotIn('ann', self.items()['people'])
        self.does('rm', 'people/ann', code=1, error='.* 404 .*"ann".*')

    def test_bad_items(self):
        for item in '{', '', '{"$int": 1}', '1 2', '\udcff':
            self.does('put', 'a', item, code=2, error='the item: .*')
        self.does('put', 'a', code=2, error='the item: .*', input='[')

    def test_bad_paths(self):
        self.does('put', '%', '1', code=2, error='%: expected a segment .*')
        for arguments in ('rm', ''), ('rm', '/'), ('put', '/'):
            self.does(*arguments, code=2, error='expected a path, .*')


class WatchTests(Commands):

    def test_watch(self):
        process = self.start('watch', self.url)

        def shows(*lines):
            for line in lines:
                self.assertEqual(process.stdout.readline(), f'{line}\n')
        shows('+ people/', '+ people/ann  {"name":"Ann"}',
              '+ people/b%2Fc  "ä\\u001b[2J"')
        self.client.put(('people', 'ann'), 1)
        shows('~ people/ann  1')
        self.client.remove_set('people')
        shows('- people/')
        self.client.put('a\x1b\n', 1)
        shows('+ a%1B%0A  1')
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(90), 130)
        self.assertEqual(process.stderr.read(), '')

    def test_json(self):
        process = self.start('watch', self.url, '--json')
        seen = [json.loads(process.stdout.readline()) for _ in range(3)]
        self.assertEqual(seen[:2], [
            {'change': 'added', 'path': ['people'], 'set': True},
            {'change': 'added', 'path': ['people', 'ann'],
             'item': {'name': 'Ann'}}])
        self.client.remove(('people', 'ann'))
        self.assertEqual(
            json.loads(process.stdout.readline()),
            {'change': 'removed', 'path': ['people', 'ann'],
             'item': {'name': 'Ann'}})

    def test_reader_that_leaves(self):
        process = self.start('watch', self.url)
        process.stdout.readline()
        process.stdout.close()
        self.client.put('a', 1)
        self.assertEqual(process.wait(90), 141)
        self.assertEqual(process.stderr.read(), '')

    def test_replica(self):
        path = Path(self.stack.enter_context(
            tempfile.TemporaryDirectory())) / 'copy.sqlite'
        arguments = 'watch', self.url, '--replica', str(path)
        for number, line in enumerate(['people/', '0  true', '1  true']):
            process = self.start(*arguments)
            self.assertEqual(process.stdout.readline(), f'+ {line}\n')
            process.kill()
            process.wait()
            self.client.put(f'{number}', True)
        path.write_text('This is no database, and it is long enough. ' * 9)
        code, out, error = gset(*arguments)
        self.assertEqual((code, out), (2, ''))
        self.assertRegex(error, r'^gset: .*copy.sqlite: expected a replica .*')
        code, _, error = gset(*arguments[:3], str(path / 'x'))
        self.assertEqual(code, 2)
        self.assertRegex(error, '^gset: .*/x: unable to open .*\n$')
        self.assertEqual(error.count('copy.sqlite'), 1)

    def test_server_that_comes_later(self):
        with Proxy(self.url, lambda request: status(503)) as proxy:
            process = self.start('watch', proxy.url)
            self.assertRegex(process.stderr.readline(), '^gset: GET .* 503 ')
            proxy.fault = lambda request: None
            self.assertEqual(process.stdout.readline(), '+ people/\n')

    def test_server_that_comes_back(self):
        with Proxy(self.url) as proxy:
            process = self.start('watch', proxy.url)
            for _ in range(3):
                process.stdout.readline()
            wait(lambda: any(request.path == '/events'
                             for request in proxy.requests))
            proxy.fault = lambda request: status(503)
            proxy.cut()
            self.assertRegex(
                process.stderr.readline(),
                r'^gset: GET http.*; asking again in \d+\.\d seconds\n$')
            self.client.put('a', 1)
            proxy.fault = lambda request: None
            self.assertEqual(process.stdout.readline(), '+ a  1\n')

    def test_terminal(self):
        """Lines are as long as the terminal is wide."""
        here, there = pty.openpty()
        with contextlib.closing(os.fdopen(here, 'rb', 0)) as screen:
            self.client.put('a', 'x' * 100)
            environ = environment(COLUMNS='20')
            process = subprocess.Popen(
                [*COMMAND, 'get', self.url], stdout=there, env=environ)
            os.close(there)
            shown = b''
            with contextlib.suppress(OSError):  # how a terminal ends
                while piece := screen.read(1000):
                    shown += piece
            self.assertEqual(process.wait(90), 0)
        self.assertEqual(shown.decode().splitlines(), [
            'people/', 'people/ann  {"name"…', 'people/b%2Fc  "ä\\u0…',
            'a  "xxxxxxxxxxxxxxx…'])


class TokenTests(Commands):

    token = 'open-sesame'
    options = {'tokens': {token: 'ann'}}

    def test_token(self):
        with tempfile.NamedTemporaryFile('w') as file:
            file.write(f'{self.token}\n')
            file.flush()
            self.does('get', 'people/ann', '--token-file', file.name,
                      GSET_TOKEN='other', out='{\n  "name": "Ann"\n}\n')
            file.write('more')
            file.flush()
            self.does('get', '--token-file', file.name, code=2,
                      error='.*: expected a token, and nothing else')
        self.does('rm', 'people/ann', GSET_TOKEN=self.token)

    def test_refused(self):
        self.does('get', code=1, error='.* 401 .*GSET_TOKEN.*')
        self.does('get', code=1, error='.* 401 .*', GSET_TOKEN='open-barley')
        self.does('watch', code=1, error='.* 401 .*', GSET_TOKEN='')
        self.does('get', '--token-file', '/nowhere', code=2,
                  error='can not read the token: .*/nowhere.*')
        self.does('get', code=2, GSET_TOKEN='open ses',
                  error='expected a token of visible ASCII characters')


class UsageTests(Interrupted):

    layer = Processes

    def fails(self, *arguments, pattern):
        code, out, error = gset(*arguments)
        self.assertEqual((code, out), (2, ''))
        self.assertRegex(error, pattern)

    def test_cannot_be_reached(self):
        for name, *rest in ['get'], ['put', 'a', '1']:
            self.fails(name, NOBODY, *rest,
                       pattern='^gset: [A-Z]+ http://127.0.0.1:9/.*\n$')

    def test_urls(self):
        self.fails('get', 'example.org',
                   pattern='^gset: expected a URL such as https://.*\n$')
        self.fails('get', 'http://ann:sesame@host',
                   pattern='^gset: expected a URL without user .*\n$')

    def test_no_server_of_this_kind(self):
        """No text from a server controls the terminal."""
        with Proxy(NOBODY, lambda request: lambda *_: [
                b'HTTP/1.1 404 x\r\nContent-Length: 21\r\n'
                b'Content-Type: application/problem+json\r\n\r\n'
                b'{"title":"\\u001b[2J"} ']) as proxy:
            code, _, error = gset('get', proxy.url)
        self.assertEqual(code, 1)
        self.assertTrue(error.endswith(': 404 \\x1b[2J\n'), error)
        with Proxy(NOBODY, lambda request: status(200)) as proxy:
            self.fails('get', proxy.url, pattern='expected .*/json.*text/html')

    def test_usage(self):
        for arguments in [], ['what'], ['get'], ['put', NOBODY], \
                ['get', NOBODY, '--token', 'sesame']:
            self.fails(*arguments, pattern='usage: ')

    def test_help(self):
        """The help has examples, in lines that fit."""
        for name in None, 'get', 'watch', 'import', 'put', 'rm', 'check':
            code, out, error = gset(*filter(None, [name, '--help']))
            self.assertEqual((code, error), (0, ''))
            self.assertIn('examples:\n  gset ', out)
            for line in out.splitlines():
                self.assertLessEqual(len(line), 80, line)

    def test_version(self):
        code, out, error = gset('--version')
        self.assertEqual((code, error), (0, ''))
        self.assertRegex(out, r'^zc\.generationalset \d+\.\d+\S*\n$')

    def test_name(self):
        """The help has the name by which the command was called."""
        self.assertIn('usage: python -m zc.generationalset ',
                      gset('--help')[1])
        with tempfile.TemporaryDirectory() as path:
            script = Path(path, 'gset')
            script.write_text(
                'from zc.generationalset.__main__ import main\nmain()')
            done = subprocess.run(
                [sys.executable, script, '--help'], capture_output=True,
                env=environment())
        self.assertIn(b'usage: gset ', done.stdout)

    def test_interrupt(self):
        """Ctrl-C is silent, wherever it is."""
        with Proxy(NOBODY, lambda request: proxy.hang) as proxy:
            process = subprocess.Popen(
                [*COMMAND, 'get', proxy.url], env=environment(),
                stderr=subprocess.PIPE)
            with process.stderr:
                wait(lambda: proxy.requests)
                process.send_signal(signal.SIGINT)
                self.assertEqual(process.wait(90), 130)
                self.assertEqual(process.stderr.read(), b'')
