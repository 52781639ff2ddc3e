"""Programs that keep folders equal, with a file for each item."""

import json
import os
import shutil
import subprocess
import sys

from benchmarks.lib.environments import CHECKOUT, python_of
from benchmarks.synchronizer.items import FIELDS, KEY, item
from benchmarks.synchronizer.resources import process

ENVIRONMENT = 'synchronizers'
NAMES = 'one', 'two'


class Program:
    """A program, with folders that it keeps equal.

    ``memory`` is the folder in which it remembers what it has seen.
    """

    name = ''
    command: tuple = ()
    suffix = '.json'
    variables: dict = {}
    memory = ''
    #: Whether it takes two folders, so that a third one takes a second run.
    is_for_two = True
    #: How it names a copy.
    copied = '{:07}'

    def __init__(self, directory, names=NAMES):
        self.directory = directory
        self.names = names
        self.pairs = [(names[0], name) for name in names[1:]]
        for name in names:
            (directory / name).mkdir()
        self._was_run = False
        self.prepare()

    @classmethod
    def is_there(cls):
        return shutil.which(cls.command[0]) is not None

    def prepare(self):
        pass

    def path(self, name, number):
        form = Program.copied if name == 'one' else self.copied
        return self.directory / name / (form.format(number) + self.suffix)

    def write(self, name, number, **fields):
        self.path(name, number).write_text(
            self.text(number, {**item(number), **fields}))

    def text(self, number, fields):
        return json.dumps(fields, indent=2)

    def texts(self, name):
        """Return the contents of all files of items in a folder."""
        return [path.read_text() for path in
                (self.directory / name).glob(f'[!.]*{self.suffix}*')]

    def run(self):
        """Run the program; return the figures of the run that went worst."""
        commands = self.commands()
        self._was_run = True
        return max([process(command, self.directory, **self.variables)
                    for command in commands], key=lambda each: each['code'])

    def start(self):
        """Start a run for two folders, in a process."""
        [command] = self.commands()
        return subprocess.Popen(
            command, cwd=self.directory, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, **self.variables})

    def commands(self):
        command = self.command if self._was_run else self.first
        return [[*map(str, command), *pair]
                for pair in (self.pairs if self.is_for_two else [()])]

    @property
    def first(self):
        return self.command

    def forget(self):
        """Lose what the program remembers."""
        shutil.rmtree(self.directory / self.memory)
        self._was_run = False
        self.prepare()


class This(Program):
    """``gset sync``."""

    name = 'this release'
    copied = 'Issue-{}'
    command = sys.executable, '-m', 'zc.generationalset', 'sync', 'run'
    variables = {'PYTHONPATH': str(CHECKOUT / 'src'),
                 'PYTHONDONTWRITEBYTECODE': ''}
    memory = 'hub'
    is_for_two = False

    def prepare(self):
        (self.directory / 'hub').mkdir(exist_ok=True)
        self.configure()

    def configure(self, hub='hub/Hub.fs', more=''):
        lines = [f'hub = "{hub}"', '[types.issue]', f'key = {KEY}', more,
                 'fields = {' + ', '.join(
                     f'{field} = "str"' for field in FIELDS) + '}']
        for name in self.names:
            lines += [f'[stores.{name}]', 'kind = "folder"',
                      f'path = "{name}"', f'[stores.{name}.issue]',
                      'form = "json"']
        (self.directory / 'sync.toml').write_text('\n'.join(lines) + '\n')

    def let_deletions_win(self):
        self.configure(more='delete_wins = true')


class Unison(Program):

    name = 'Unison'
    command: tuple = ('unison', '-batch', '-silent')
    memory = 'archives'

    def prepare(self):
        (self.directory / 'archives').mkdir(exist_ok=True)
        self.variables = {'UNISON': str(self.directory / 'archives')}

    def let_deletions_win(self):
        self.command = *self.command, '-prefer', self.names[0]


class Rclone(Program):

    name = 'rclone bisync'
    command: tuple = ('rclone', 'bisync', '--workdir', 'work')
    memory = 'work'

    @property
    def first(self):
        return *self.command, '--resync'


class Vdirsyncer(Program):

    name = 'vdirsyncer'
    suffix = '.ics'
    copied = '{}'
    command = (python_of(ENVIRONMENT), '-m', 'vdirsyncer', '-c', 'config',
               'sync')
    memory = 'status'
    is_for_two = False

    def prepare(self):
        lines = ['[general]', 'status_path = "status"']
        for one, other in self.pairs:
            lines += [f'[pair {one}_{other}]', f'a = "{one}"',
                      f'b = "{other}"', 'collections = null']
        for name in self.names:
            lines += [f'[storage {name}]', *self.storage(name)]
        (self.directory / 'config').write_text('\n'.join(lines) + '\n')
        process([*map(str, self.command[:-1]), 'discover'], self.directory)

    def storage(self, name):
        """Return the lines that describe a storage."""
        return ['type = "filesystem"', f'path = "{name}"', 'fileext = ".ics"']

    def text(self, number, fields):
        return '\r\n'.join([
            'BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:x', 'BEGIN:VTODO',
            f'UID:{number}', f'SUMMARY:{fields["title"]}',
            f'STATUS:{fields["state"]}', f'CONTACT:{fields["owner"]}',
            f'DESCRIPTION:{fields["text"]}', 'END:VTODO', 'END:VCALENDAR',
            ''])


PROGRAMS = This, Unison, Rclone, Vdirsyncer
