"""Follows a page for a framework, in an environment of its own."""

import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from zc.generationalset.tests.support import programs
from zc.generationalset.tests.support.browsing import Browsing
from zc.generationalset.tests.support.guides import Guide, answers, free_ports
from zc.generationalset.tests.support.places import CHECKOUT
from zc.generationalset.tests.support.serving import ENVIRONMENT, wait
from zc.generationalset.tests.support.storages import stop

#: The ports that the pages name.
PORTS = '8000', '8080', '5000'
#: What the pages were tried with.
VERSIONS = {'a2wsgi': 'a2wsgi==1.10.10', 'django': 'django==5.2.19',
            'fastapi': 'fastapi==0.165.0', 'flask': 'flask==3.1.3',
            'pyramid': 'pyramid==2.1', 'pyramid_tm': 'pyramid_tm==2.6',
            'pyramid_zodbconn': 'pyramid_zodbconn==0.8.1'}


class Following(Browsing):
    """Follows a page, in a folder of its own."""

    level = 2

    def setUp(self):
        super().setUp()
        self.guide = Guide(f'{self.name}.txt')
        try:
            self.home = programs.installed(self.name, self.install)
        except programs.Missing as missing:
            self.skipTest(str(missing))
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.directory = Path(self.stack.enter_context(
            tempfile.TemporaryDirectory()))
        self.ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        self.url = self.here('http://127.0.0.1:8000/')

    def install(self, home):
        words = self.guide.commands()[0]
        programs.call([sys.executable, '-m', 'venv', home])
        programs.call([home / 'bin' / 'python', '-m', *(
            VERSIONS.get(word, word) for word in words)])

    def here(self, text):
        for port, free in self.ports.items():
            text = text.replace(f':{port}', f':{free}')
        return text

    def write(self, *names, before=''):
        for name in names:
            path = self.directory / name
            path.parent.mkdir(exist_ok=True, parents=True)
            path.write_text(before + self.here(self.guide.block(name)))

    def command(self, *words):
        """Return the words and the options of a command of the page."""
        program, *rest = map(self.here, words)
        path = os.pathsep.join([str(CHECKOUT / 'src'), str(self.directory)])
        return [self.home / 'bin' / 'python', *(
            [] if program == 'python' else [self.home / 'bin' / program]),
            *rest], {'cwd': self.directory, 'env': {
                **ENVIRONMENT, 'PYTHONPATH': path}}

    def run_command(self, *words, **variables):
        command, options = self.command(*words)
        options['env'].update(variables)
        done = subprocess.run(command, capture_output=True, text=True,
                              **options)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def start(self, *words, port='8000', path='', **variables):
        command, options = self.command(*words)
        options['env'].update(variables)
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            **options)
        self.stack.callback(stop, process)
        wait(lambda: answers(f'http://127.0.0.1:{self.ports[port]}/{path}'))
        return process

    def serve(self):
        """Run uvicorn as the page does, first."""
        words = next(words for words in self.guide.commands()
                     if words[0] == 'uvicorn')
        return self.start(*words, '--port', self.ports['8000'],
                          path='sync/healthz')
