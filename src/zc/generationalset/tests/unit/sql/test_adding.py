"""Rows whose keys the database, or the server, makes."""

import json
import re

from zc.generationalset import wire
from zc.generationalset.sources import (
    NoItem,
    Refused,
    WrongKind,
    WrongValue,
)
from zc.generationalset.tests.unit.sql.test_source import ShopBase

UUID = re.compile('[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}')


class AddingTests(ShopBase):

    schema = """
        PRAGMA journal_mode = WAL;
        CREATE TABLE counted (id INTEGER PRIMARY KEY, note TEXT UNIQUE);
        CREATE TABLE named (id TEXT PRIMARY KEY, note);
        CREATE TABLE made (
            id TEXT PRIMARY KEY DEFAULT (hex(randomblob(4))), note)
            WITHOUT ROWID;
        CREATE TABLE uuids (id UUID PRIMARY KEY, note);
        CREATE TABLE bare (note TEXT);
        CREATE TABLE given (id INT PRIMARY KEY, note);
        CREATE TABLE pairs (a INT, b INT, PRIMARY KEY (a, b));
        CREATE TRIGGER other BEFORE INSERT ON pairs WHEN NEW.a = 9 BEGIN
            SELECT RAISE(IGNORE); END;"""
    add_key = True
    names = 'counted', 'named', 'made', 'uuids', 'bare', 'given', 'pairs'

    def add(self, *path, **values):
        return self.write(lambda editor: editor.add(
            path, wire.encode_value(values)))

    def test_the_database_counts(self):
        self.assertEqual(self.add('counted', note='a'), 1)
        self.assertEqual(self.add('counted', id=None), 2)
        self.assertEqual(self.add('counted', id=7), 7)
        self.assertEqual(self.add('counted'), 8)
        self.assertEqual(self.row('counted', 1), {'id': 1, 'note': 'a'})
        self.followers.sync()

    def test_new_texts(self):
        for table, form in [
                ('named', '.{12}'), ('made', '[0-9A-F]{8}'), ('uuids', UUID),
                ('bare', UUID)]:
            with self.subTest(table=table):
                id = self.add(table, note='a')
                self.assertRegex(id, form)
                self.assertEqual(self.row(table, id)['note'], 'a')
        self.followers.sync()

    def test_what_is_refused(self):
        self.write(lambda editor: editor.put(('counted', 1), b'{}'))
        for error, path, values in [
                (WrongValue, ('given',), {}),
                (WrongValue, ('pairs',), {'a': 1}),
                (WrongValue, ('counted',), {'id': 'x'}),
                (Refused, ('counted',), {'id': 1}),
                (Refused, ('pairs',), {'a': 9, 'b': 9}),
                (WrongKind, (), {}), (NoItem, ('nix',), {}),
                (NoItem, ('counted', 1), {})]:
            with self.subTest(path=path, values=values), \
                    self.assertRaises(error):
                self.add(*path, **values)
        self.assertEqual(self.add('pairs', a=1, b=2), (1, 2))
        with self.assertRaisesRegex(WrongValue, 'expected values in the key'):
            self.write(lambda editor: editor.put(('named', None), b'{}'))
        self.assertEqual(json.loads(self.write(
            lambda editor: editor.document(('pairs', (1, 2))))),
            {'a': 1, 'b': 2})
