"""docs/permissions.txt, followed word by word."""

import contextlib
import io
import os
import subprocess
import sys
import tempfile
import unittest
from doctest import ELLIPSIS, OutputChecker
from pathlib import Path
from unittest import mock

import httpx
import ZODB
from ZODB.DemoStorage import DemoStorage

from zc.generationalset import GSet
from zc.generationalset.__main__ import main
from zc.generationalset.server import application
from zc.generationalset.tests.support.guides import Guide, answers, free_ports
from zc.generationalset.tests.support.layers import Commands
from zc.generationalset.tests.support.serving import ENVIRONMENT, served, wait
from zc.generationalset.tests.support.storages import stop

GSET = [sys.executable, '-m', 'zc.generationalset']


def curl(words):
    """Return what curl prints; not every machine has it."""
    _, _, method, _, header, url = words
    name, _, value = header.partition(': ')
    return httpx.request(method, url, headers={name: value}).text


def run(words):
    """Run a command of a page; return what it prints.

    ``gset`` runs in this process, because others take long to start.
    """
    variables = {}
    while '=' in words[0]:
        name, _, value = words.pop(0).partition('=')
        variables[name] = value
    if words[0] == 'curl':
        return curl(words)
    if words[0] != 'gset':
        python = {'python': sys.executable}
        return subprocess.run(
            [python.get(words[0], words[0]), *words[1:]], text=True,
            check=True, stdout=subprocess.PIPE).stdout
    output = io.StringIO()
    with mock.patch.dict(os.environ, variables), \
            contextlib.redirect_stdout(output), \
            contextlib.redirect_stderr(output):
        main(words[1:])
    return output.getvalue()


class PageTests(unittest.TestCase):

    layer = Commands

    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(folder)
        self.guide = Guide('permissions.txt')
        self.ports = dict(zip(('8080', '8000'), free_ports(2), strict=True))
        for name in 'tokens', 'office.py', 'attack.py':
            Path(name).write_text(self.here(self.guide.block(name)))

    def here(self, text):
        for port, free in self.ports.items():
            text = text.replace(f':{port}', f':{free}')
        return text

    def start(self, command, port):
        process = subprocess.Popen(
            [*command, '--port', self.ports[port]], env={
                **ENVIRONMENT, 'PYTHONPATH': os.pathsep.join(
                    [ENVIRONMENT['PYTHONPATH'], os.getcwd()])},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.stack.callback(stop, process)
        wait(lambda: answers(f'http://127.0.0.1:{self.ports[port]}/healthz'))

    def check(self, words, expected):
        def is_right():
            self.output = run(list(words))
            return OutputChecker().check_output(
                expected.strip(), self.output.strip(), ELLIPSIS)

        try:
            wait(is_right)  # a token that is removed is wrong soon
        except wait.TimeOutWaitingFor:
            self.assertEqual(self.output, expected, words)

    def test_page(self):
        install, secret, *sessions = self.guide.sessions()
        self.assertEqual(install[0][0], 'pip')
        compile(secret[0][2], 'permissions.txt', 'exec')
        for words, output in sessions:
            if words[:2] == ['gset', 'serve']:
                self.start([*GSET, *words[1:]], '8080')
            elif words[0] == 'uvicorn':
                self.start([sys.executable, '-m', *words], '8000')
            else:
                self.check([self.here(word) for word in words],
                           self.here(output))

    def test_sessions(self):
        db = ZODB.DB(DemoStorage())
        self.stack.callback(db.close)
        with db.transaction() as connection:
            connection.root.acme = GSet()
        names = {
            'application': application, 'db': db,
            'find': lambda root, tenant: root[tenant],
            'tenant_of':
                lambda request: {'ann': 'acme'}[request.scope['user']],
            'SESSIONS': {'of-ann': 'ann', 'of-eve': 'eve'}}
        exec(self.guide.block('authenticate'), names)
        url = self.stack.enter_context(served(names['app']))
        for session, status in [
                ('of-ann', 200), ('of-eve', 404), ('', 401), ('x', 401)]:
            response = httpx.get(f'{url}/updates', cookies={
                'session': session})
            self.assertEqual(response.status_code, status, session)
        foreign = httpx.put(
            f'{url}/items/a', json=1, cookies={'session': 'of-ann'},
            headers={'Origin': 'https://example.org'})
        self.assertEqual(foreign.status_code, 403)
