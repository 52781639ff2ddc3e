"""Replicas in SQLite files."""

import contextlib
import sqlite3
import unittest

from zope.testing import setupstack

from zc.generationalset.replica import SQLiteReplica

NAME = 'replica.sqlite'


class Base(unittest.TestCase):

    def setUp(self):
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)
        self.opened = contextlib.ExitStack()
        self.addCleanup(self.opened.close)

    def open(self, name=NAME):
        return self.opened.enter_context(SQLiteReplica(name))


def check_file(name):
    """Check a file, and that no entries of removed subsets are left."""
    with contextlib.closing(sqlite3.connect(name)) as database:
        problems = database.execute('PRAGMA integrity_check').fetchall()
        assert problems == [('ok',)], problems
        sets = {0} | {number for number, in database.execute(
            'SELECT subset FROM entry WHERE subset IS NOT NULL')}
        parents = {number for number, in database.execute(
            'SELECT parent FROM entry')}
        assert parents <= sets, parents - sets
        assert database.execute(
            'SELECT count(*) FROM entry WHERE (item IS NULL) = '
            '(subset IS NULL)').fetchone() == (0,)
