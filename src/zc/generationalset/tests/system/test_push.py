"""``gset push`` in processes: the page about it, and processes killed."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import httpx

from zc.generationalset.__main__ import main
from zc.generationalset.client import Client
from zc.generationalset.push import VAPID
from zc.generationalset.tests.support.browsers import Browser
from zc.generationalset.tests.support.guides import Guide, free_ports
from zc.generationalset.tests.support.layers import Commands
from zc.generationalset.tests.support.ports import listens
from zc.generationalset.tests.support.processes import Server
from zc.generationalset.tests.support.receivers import Receiver, verified
from zc.generationalset.tests.support.serving import ENVIRONMENT, wait

GSET = [sys.executable, '-m', 'zc.generationalset']


class Pushing(unittest.TestCase):

    layer = Commands

    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.folder = Path(self.stack.enter_context(
            tempfile.TemporaryDirectory()))
        self.addCleanup(os.chdir, os.getcwd())
        self.addCleanup(os.umask, os.umask(0o022))
        os.chdir(self.folder)

    def gset(self, *words, code=0):
        """Run a command; return its output, or its errors if it fails."""
        with contextlib.redirect_stdout(io.StringIO()) as output, \
                contextlib.redirect_stderr(io.StringIO()) as errors:
            self.assertEqual(main(list(words)), code)
        return (errors if code else output).getvalue()

    def start(self, *words, log=subprocess.DEVNULL):
        """Start a program that prints something; return its process."""
        process = self.stack.enter_context(subprocess.Popen(
            words, env=ENVIRONMENT, text=True, stdout=subprocess.PIPE,
            stderr=log))
        self.stack.callback(process.kill)
        return process

    def push(self, *words, log=subprocess.DEVNULL):
        process = self.start(*GSET, 'push', 'run', *words, log=log)
        self.assertRegex(process.stdout.readline(), '^pushing changes of ')
        return process


class GuideTests(Pushing):

    def test_guide(self):
        guide = Guide('push.txt')
        ports = dict(zip(('8080', '8081'), free_ports(2), strict=True))

        def here(text):
            for page, port in ports.items():
                text = text.replace(page, port)
            return text

        (self.folder / 'receiver.py').write_text(
            here(guide.block('receiver.py')))
        steps = [[here(word) for word in words]
                 for words, _ in guide.sessions() if 'pip' not in words]
        serve, add, receive, run, put, show, remove, keys = steps
        self.start(*GSET, *serve[1:], '--port',
                   ports['8080']).stdout.readline()
        id, secret = self.gset(*add[1:]).split()
        receiver = self.start(sys.executable, receive[1], secret)
        wait(lambda: listens(int(ports['8081'])))
        pushing = self.push(*run[3:], '--log-level', 'info',
                            log=subprocess.PIPE)
        self.gset(*put[1:])
        expected = json.loads(guide.block('epoch'))
        messages = [json.loads(receiver.stdout.readline())]
        if messages[0]['generation'] < expected['generation']:
            # This was the position before the write.
            messages.append(json.loads(receiver.stdout.readline()))
        for _ in messages:
            while not pushing.stderr.readline().endswith(f'{id}: 204\n'):
                self.assertIsNone(pushing.poll())
        message = messages[-1]
        self.assertEqual(message, {**expected, 'epoch': message['epoch']})
        self.assertEqual(secret[:6], 'whsec_')
        pushing.terminate()
        self.assertEqual(pushing.wait(90), 0)
        self.assertEqual(
            self.gset(*show[1:]),
            f'{id} ann http://127.0.0.1:{ports["8081"]}/hook 2\n')
        self.assertEqual(os.stat(self.folder / 'Push.fs').st_mode & 0o077, 0)
        self.gset(*remove[1:-1], id)
        self.assertEqual(self.gset(*show[1:]), '')
        public = self.gset(*keys[1:]).strip()
        self.assertEqual(VAPID.load(keys[3]).public, public)

    def test_refusals(self):
        for words, text, code in [
                (('add', 'P.fs', 'https://10.0.0.1/', '--user', 'ann'),
                 'expected a public address, got 10.0.0.1', 2),
                (('remove', 'P.fs', 'x'), 'there is no subscription x', 1),
                (('keys', 'vapid.json', '--contact', 'ann'),
                 'expected a contact', 2),
                (('run', 'P.fs', 'http://h', '--keys', 'P.fs'),
                 'expected a file of "gset push keys"', 2),
                (('run', 'P.fs', 'example.org'), '', 2)]:
            with self.subTest(words=words):
                error = self.gset('push', *words, code=code)
                self.assertRegex(error, f'^gset: {text}.*\n$')


class ServerTests(Pushing):
    """``gset serve --push``."""

    def test_a_server_pushes_to_browsers(self):
        public = self.gset('push', 'keys', 'vapid.json', '--contact',
                           'mailto:ann@example.org').strip()
        with open('log', 'w') as log:
            server = self.start(
                *GSET, 'serve', 'Data.fs', '--push', 'vapid.json', '--port',
                '0', '--log-level', 'info', log=log)
            url = server.stdout.readline().split()[-1]
        with Client(url) as client:
            client.put('a', 1)
        with httpx.Client(base_url=url, timeout=60) as http:
            self.assertEqual(http.get('/push').json(), {'public_key': public})
            # There is no such host: it is tried, and that is logged.
            response = http.put('/push', json=Browser(public).subscription(
                'https://push.invalid/send'))
        self.assertEqual(response.status_code, 201)
        expected = f'subscription {response.json()["id"]}'
        wait(lambda: expected in Path('log').read_text())
        server.terminate()
        # It waits for the resolver, which may have no network.
        self.assertEqual(server.wait(90), 0)

    def test_refusals(self):
        self.gset('push', 'keys', 'vapid.json', '--contact',
                  'https://example.org')
        for words, text in [
                (('missing.json',), 'No such file'),
                (('vapid.json', '--workers', '2'), 'without --workers'),
                (('vapid.json', '--tables', 'a'), 'a ZODB database'),
                (('vapid.json', '--views', 'a.toml'), 'a ZODB database')]:
            with self.subTest(words=words):
                self.assertIn(text, self.gset(
                    'serve', '--port', '0', '--push', *words, code=2))


class KilledTests(Pushing):

    def test_a_server_and_a_pusher_are_killed(self):
        receiver = self.stack.enter_context(Receiver())
        server = Server('Data.fs', '--set', 'things', log=subprocess.DEVNULL)
        self.stack.callback(server.stop, signal.SIGKILL)
        words = 'Push.fs', server.url, '--private'
        _, secret = self.gset('push', 'add', 'Push.fs', f'{receiver.url}/hook',
                              '--user', 'ann', '--private').split()
        with Client(server.url) as client:
            client.put('a', 1)
            receiver.statuses['/hook'] = None
            pushing = self.push(*words)
            wait(lambda: receiver.posts)
            pushing.kill()  # the receiver has it, but that isn't stored
            pushing.wait()
            tried = len(receiver.posts)  # more than once, if that took long
            receiver.statuses['/hook'] = 204
            pushing = self.push(*words)
            wait(lambda: len(receiver.posts) > tried)
            (_, first, body), (_, second, again) = (
                receiver.posts[0], receiver.posts[-1])
            self.assertEqual(first['webhook-id'], second['webhook-id'])
            self.assertEqual(verified(secret, second, again), json.loads(body))
            pushing.kill()
            pushing.wait()
            client.put('b', 2)  # nobody pushes this
            server.stop(signal.SIGKILL)
            server.start()
            self.push(*words)
            client.sync()
            self.assertEqual(client.replica.items, {'a': 1, 'b': 2})
            # What was posted before may come again: that, too, was killed.
            wait(lambda: receiver.at('/hook')[-1]
                 == client.position.generation)
