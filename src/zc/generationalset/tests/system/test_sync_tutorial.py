"""The tutorial with three kinds of stores, as a reader would follow it."""

import contextlib
import doctest
import io
import os
import subprocess
import unittest
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlencode

import psycopg
import ZODB
from psycopg.conninfo import conninfo_to_dict

from zc.generationalset import GSet
from zc.generationalset.__main__ import main
from zc.generationalset.server import application
from zc.generationalset.tests.support.guides import Guide
from zc.generationalset.tests.support.postgresql import DATABASES
from zc.generationalset.tests.support.serving import served

FILES = 'notes/slow.md', 'issues.sql', 'sync.toml'
#: What the test has done already.
SKIPPED = 'pip install', 'gset serve', 'createdb'


class TutorialTests(unittest.TestCase):

    layer = DATABASES

    def setUp(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.folder = Path(stack.enter_context(TemporaryDirectory()))
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)
        db = stack.enter_context(contextlib.closing(ZODB.DB(None)))
        with db.transaction() as connection:
            connection.root.tracker = GSet()
        url = stack.enter_context(served(application(
            db, lambda root: root['tracker'], write=True)))
        self.dsn = DATABASES.lend(self)
        self.places = {
            'http://127.0.0.1:8080': url,
            'postgresql:///shop': 'postgresql:///?' + urlencode(
                conninfo_to_dict(self.dsn))}

    def test_tutorial(self):
        guide = Guide('sync-tutorial.txt')
        for name in FILES:
            file = self.folder / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(self.here(guide.block(name)) + '\n')
        checker = doctest.OutputChecker()
        for words, expected in guide.sessions():
            if not ' '.join(words).startswith(SKIPPED):
                found = self.page(self.execute(list(map(self.here, words))))
                with self.subTest(words=words):
                    self.assertTrue(checker.check_output(
                        expected.rstrip(), found.rstrip(), doctest.ELLIPSIS,
                    ), found)

    def here(self, text):
        """Return a text of the page with the places of this test."""
        for there, here in self.places.items():
            text = text.replace(there, here)
        return text

    def page(self, text):
        for there, here in self.places.items():
            text = text.replace(here, there)
        return text

    def execute(self, words):
        """Execute a command; return its output."""
        program, *arguments = words
        if program == 'gset':
            with contextlib.redirect_stdout(io.StringIO()) as output:
                self.assertIn(main(arguments), (0, 1), words)
            return output.getvalue()
        if program == 'psql':
            return self.tell(*arguments[1:])
        return subprocess.run(
            words, check=True, capture_output=True, text=True).stdout

    def tell(self, option, text):
        """Do what psql does."""
        with psycopg.connect(self.dsn) as connection:
            found = connection.execute(
                Path(text).read_text() if option == '-f' else text)
            rows = found.fetchall() if found.description else ()
            return ''.join('|'.join('' if cell is None else str(cell)
                                    for cell in row) + '\n' for row in rows)
