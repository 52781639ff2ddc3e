"""The command ``gset serve --demo``."""

import os
import re
import socket
import subprocess
import sys
import unittest

import httpx
import ZODB
from ZODB.FileStorage import FileStorage

from zc.generationalset import GSet
from zc.generationalset.tests.support.boards import Demo, contents
from zc.generationalset.tests.support.layers import Processes
from zc.generationalset.tests.support.serving import ENVIRONMENT

#: The command, with another port as the usual one.
OF_A_PORT = '''
import sys
from zc.generationalset.__main__ import main
from zc.generationalset.commands import serving
serving.PORT = int(sys.argv[1])
sys.exit(main(sys.argv[2:]))
'''


class DemoTests(Demo, unittest.TestCase):

    layer = Processes

    def test_in_memory(self):
        with self.serving('--port', '0') as process:
            self.assertRegex(
                process.lines[0], r'^open http://127\.0\.0\.1:\d+ in two '
                r'windows; Ctrl-C ends it\n$')
            self.assertEqual(
                process.lines[1],
                f'see what they are sent: {process.url}/explore\n')
            shown = contents(self.http)
            self.assertEqual([name for name, _ in shown['columns']],
                             ['To do', 'Doing', 'Done'])
            self.assertEqual(len(shown['messages']), 3)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(os.listdir(self.directory), [])

    def test_pages(self):
        with self.serving('--port', '0'):
            page = self.http.get('/')
            self.assertEqual(page.headers['content-type'],
                             'text/html; charset=utf-8')
            policy = page.headers['content-security-policy']
            self.assertIn("default-src 'none'", policy)
            self.assertNotIn('unsafe', policy)
            wanted = re.findall(
                r'(?:src|href)="((?!data:)[^"]+)"', page.text)
            self.assertGreater(len(wanted), 3)
            seen = set()
            while wanted:
                path = wanted.pop()
                file = self.http.get(f'/{path}')
                self.assertEqual(file.status_code, 200, path)
                self.assertEqual(file.headers['x-content-type-options'],
                                 'nosniff')
                seen.add(path)
                wanted += [
                    os.path.normpath(os.path.join(os.path.dirname(path), name))
                    for name in re.findall(r"from '(\..+?)';", file.text)
                    if path.startswith('static/board/')]
                wanted = [each for each in wanted if each not in seen]
            self.assertIn('static/gset.js', seen)
            self.assertIn('explore', seen)
            # Nothing in these refers to other places.
            for name in seen - {'explore', 'static/gset.js'}:
                self.assertNotRegex(
                    self.http.get(f'/{name}').text.replace(
                        'http://www.w3.org/2000/svg', ''), 'https?:')

    def test_only_the_demo_has_the_board(self):
        command = [word for word in self.command('--port', '0')
                   if word != '--demo']
        self.command = lambda: command
        with self.serving() as process:
            url = process.lines[0].split()[-1]
            self.assertEqual(
                httpx.get(f'{url}/static/board/board.js').status_code, 404)
            self.assertIn('href="explore"', httpx.get(url).text)

    def test_the_sample_is_for_an_empty_set(self):
        with self.serving('Data.fs', '--port', '0'):
            self.http.delete('/items/cards/to-do-1')
            self.http.put('/items/cards/new', json={
                'text': 'New', 'column': 'done', 'rank': 9})
            before = contents(self.http)
        with self.serving('Data.fs', '--port', '0'):
            self.assertEqual(contents(self.http), before)
        # Where there are other sets, the board has its own.
        self.fill('Other.fs', things={'a': GSet('b')})
        with self.serving('Other.fs', '--port', '0'):
            self.assertEqual(len(contents(self.http)['columns']), 3)
        with self.serving('Other.fs', '--set', 'more', '--port', '0'):
            self.assertEqual(len(contents(self.http)['columns']), 3)
        done = self.run_command('Other.fs', '--set', 'things')
        self.assertEqual(done.returncode, 2)
        self.assertEqual(
            done.stderr, 'gset: expected --set to be a board, or an empty '
            'set; got a set without the subsets columns, cards, '
            'messages, here\n')

    def fill(self, name, **sets):
        db = ZODB.DB(FileStorage(os.path.join(self.directory, name)))
        with db.transaction() as connection:
            for each, subsets in sets.items():
                gset = connection.root()[each] = GSet()
                for subset in subsets.values():
                    gset.add(subset)
        db.close()

    def run_command(self, *arguments):
        return subprocess.run(
            self.command(*arguments), cwd=self.directory, env=ENVIRONMENT,
            capture_output=True, text=True, timeout=90, check=False)

    def test_a_port_that_is_taken(self):
        with socket.create_server(('127.0.0.1', 0)) as taken:
            port = taken.getsockname()[1]
            # Another program may have the usual port, and give it back.
            command = [sys.executable, '-c', OF_A_PORT, str(port), 'serve',
                       '--demo']
            self.command = lambda *arguments: [*command, *arguments]
            with self.serving() as process:
                self.assertFalse(process.url.endswith(f':{port}'))
                self.assertEqual(self.http.get('/').status_code, 200)
            done = self.run_command('--port', str(port))
            self.assertEqual(done.returncode, 2)
            self.assertIn(f'can not listen on 127.0.0.1, port {port}',
                          done.stderr)

    def test_tokens(self):
        with self.serving('--port', '0', GSET_TOKEN='secret'):
            self.assertEqual(self.http.get('/').status_code, 200)
            self.assertEqual(self.http.get('/updates').status_code, 401)
        done = self.run_command('--host', '0.0.0.0')
        self.assertIn('--token-file to listen on 0.0.0.0', done.stderr)

    def test_help(self):
        done = self.run_command('--help')
        self.assertIn('gset serve --demo\n', done.stdout)
        self.assertIn('open it in two windows', done.stdout)
