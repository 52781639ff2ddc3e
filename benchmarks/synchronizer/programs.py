"""Programs that keep two folders equal, with a file for each item."""

import json
import shutil
import sys

from benchmarks.lib.environments import CHECKOUT, python_of
from benchmarks.synchronizer.items import FIELDS, KEY, item
from benchmarks.synchronizer.resources import process

ENVIRONMENT = 'synchronizers'
NAMES = 'one', 'two'


class Program:
    """A program, with two folders that it keeps equal."""

    name = ''
    command: tuple = ()
    suffix = '.json'
    variables: dict = {}
    #: How it names a copy.
    copied = '{:07}'

    def __init__(self, directory):
        self.directory = directory
        for name in NAMES:
            (directory / name).mkdir()
        self._was_run = False
        self.prepare()

    @classmethod
    def is_there(cls):
        return shutil.which(cls.command[0]) is not None

    def prepare(self):
        pass

    def path(self, name, number):
        form = self.copied if name == 'two' else Program.copied
        return self.directory / name / (form.format(number) + self.suffix)

    def write(self, name, number, **fields):
        self.path(name, number).write_text(
            self.text(number, {**item(number), **fields}))

    def text(self, number, fields):
        return json.dumps(fields, indent=2)

    def texts(self, name):
        """Return the contents of all files of items in a folder."""
        return [path.read_text() for path in
                (self.directory / name).glob(f'*{self.suffix}*')]

    def run(self):
        """Run the program; return its figures."""
        command = self.command if self._was_run else self.first
        self._was_run = True
        return process([*map(str, command)], self.directory, **self.variables)

    @property
    def first(self):
        return self.command


class This(Program):
    """``gset sync``."""

    name = 'this release'
    copied = 'Issue-{}'
    command = sys.executable, '-m', 'zc.generationalset', 'sync', 'run'
    variables = {'PYTHONPATH': str(CHECKOUT / 'src'),
                 'PYTHONDONTWRITEBYTECODE': ''}

    def prepare(self):
        lines = ['hub = "Hub.fs"', '[types.issue]', f'key = {KEY}',
                 'fields = {' + ', '.join(
                     f'{field} = "str"' for field in FIELDS) + '}']
        for name in NAMES:
            lines += [f'[stores.{name}]', 'kind = "folder"',
                      f'path = "{name}"', f'[stores.{name}.issue]',
                      'form = "json"']
        (self.directory / 'sync.toml').write_text('\n'.join(lines) + '\n')


class Unison(Program):

    name = 'Unison'
    command = ('unison', '-batch', '-silent', '-root', 'one', '-root', 'two')

    def prepare(self):
        self.variables = {'UNISON': str(self.directory / 'archives')}


class Rclone(Program):

    name = 'rclone bisync'
    command = ('rclone', 'bisync', 'one', 'two', '--workdir', 'work')

    @property
    def first(self):
        return *self.command, '--resync'


class Vdirsyncer(Program):

    name = 'vdirsyncer'
    suffix = '.ics'
    copied = '{}'
    command = (python_of(ENVIRONMENT), '-m', 'vdirsyncer', '-c', 'config',
               'sync')

    def prepare(self):
        lines = ['[general]', 'status_path = "status"', '[pair p]',
                 'a = "one"', 'b = "two"', 'collections = null']
        for name in NAMES:
            lines += [f'[storage {name}]', 'type = "filesystem"',
                      f'path = "{name}"', 'fileext = ".ics"']
        (self.directory / 'config').write_text('\n'.join(lines) + '\n')
        process([*map(str, self.command[:-1]), 'discover'], self.directory)

    def text(self, number, fields):
        return '\r\n'.join([
            'BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:x', 'BEGIN:VTODO',
            f'UID:{number}', f'SUMMARY:{fields["title"]}',
            f'STATUS:{fields["state"]}', f'CONTACT:{fields["owner"]}',
            f'DESCRIPTION:{fields["text"]}', 'END:VTODO', 'END:VCALENDAR',
            ''])


PROGRAMS = This, Unison, Rclone, Vdirsyncer
