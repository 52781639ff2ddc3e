"""Folders of TOML, and of any files."""

import datetime
import sys
import unittest

from zc.generationalset.merging import canonical
from zc.generationalset.sync import ABSENT, Data, Refused, Type, Unreadable
from zc.generationalset.sync.kinds import Kind, Unfit
from zc.generationalset.sync.stores.folder import FolderStore
from zc.generationalset.sync.testing import StoreTests
from zc.generationalset.tests.support.stored import TYPE, InFolder

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = '''\
# ours
title = "A bug"
number = 7  # a comment
mine = [
    1,
    # two
    2,
]
day = 2026-01-02
text = """
two
lines"""

[owner]
number = 8
'''


class TOMLTests(InFolder, StoreTests, unittest.TestCase):

    type = Type('issue', {
        field: kind.declared for field, kind in TYPE.fields.items()
        if field != 'more'}, ['title'])
    test_deltas = test_repeated_additions = None  # no folder has them

    def make_store(self):
        return FolderStore(
            'files', self.path, {self.type: ('toml', 'issues')})

    def patched(self, text, /, **patch):
        """Return what an update makes of a file."""
        file = self.path / 'issues' / 'x.toml'
        file.write_text(text)
        self.accessor.update('x.toml', patch, None)
        return file.read_text()

    def test_a_file(self):
        self.assertEqual(
            self.patched(FILE, number=9, state='open', text='x\n\x7f"',
                         day=ABSENT),
            FILE.replace('number = 7  # a comment', 'number = 9')
            .replace('day = 2026-01-02\n', '')
            .replace('"""\ntwo\nlines"""', r'"x\n\u007f\""')
            .replace('\n\n[owner]', '\n\nstate = "open"\n[owner]'))
        data = self.accessor.get('x.toml')
        self.assertEqual(data.fields['text'], 'x\n\x7f"')

    def test_values(self):
        zone = datetime.timezone(datetime.timedelta(hours=2))
        time = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=zone)
        found = tomllib.loads(self.patched('', at=time, labels=frozenset('ba'),
                                           done=True, price=None))
        self.assertEqual(found, {
            'at': time, 'labels': ['a', 'b'], 'done': True})

    def test_no_end_of_line(self):
        self.assertEqual(self.patched('title = "x"', number=1),
                         'title = "x"\nnumber = 1\n')

    def test_broken_files(self):
        for content in b'title', b'title = 1\ntitle = 2', b'\xff', \
                b'a = ' + b'[' * 10_000:
            (self.path / 'issues' / 'x.toml').write_bytes(content)
            [found] = self.accessor.find()
            if not isinstance(found, Unreadable):
                self.assertRaises(Unreadable, self.accessor.get, found.id)
            self.assertRaises(Refused, self.accessor.update,
                              'x.toml', {'number': 1}, None)

    def test_other_types(self):
        self.type = Type('issue', {'title': 'str', 'more': 'json'}, ['title'])
        self.accessor = self.make_store().accessors['issue']
        text = 'title = "x"\n'
        for more in {'a': [1, {'b c': 2.5}], 'd': {}}, [], 1.5, 'text':
            found = tomllib.loads(self.patched(text, more=more))
            self.assertEqual(found, {'title': 'x', 'more': more})
        self.assertRaises(Refused, self.patched, text, more=[None])
        self.assertEqual(self.accessor.normal({'more': [None]}),
                         {'more': [None]})
        # Tables of several lines can be read, but not be changed.
        for table in '[more]\na = 1\n', 'more.a = 1\nmore.b = 1\n':
            with self.assertRaisesRegex(Refused, 'expected more as keys'):
                self.patched(table, more=1)
        self.assertRaisesRegex(
            Refused, 'a shorter value in line 1', self.patched,
            'x = [\n' + '1,\n' * 2000 + ']\n', title='y')


class BytesTests(InFolder, StoreTests, unittest.TestCase):

    type = Type('file', {'name': 'str', 'content': 'bytes'}, ['name'])
    test_deltas = test_repeated_additions = None

    def make_store(self):
        return FolderStore('files', self.path, {self.type: ('bytes', 'all')})

    def test_a_file(self):
        file = self.path / 'all' / 'x.png'
        file.write_bytes(b'\x89PNG')
        data = self.accessor.get('x.png')
        self.assertEqual(dict(data.fields), {
            'name': 'x.png', 'content': b'\x89PNG'})
        self.accessor.update('x.png', {'content': b'new'}, data.token)
        self.assertEqual(file.read_bytes(), b'new')
        self.assertRaises(Refused, self.accessor.update, 'x.png',
                          {'name': 'y.png'}, None)

    def test_names(self):
        for name in '../x', '/x', '.x', 'a/b', '', 'a\0b', 'a' * 256, '..':
            self.assertRaises(Refused, self.accessor.add, Data(
                'file', None, {'name': name, 'content': b''}), '1')
        self.assertFalse(list((self.path / 'all').iterdir()))
        self.assertFalse((self.path / 'x').exists())
        for name in 'a.txt', 'A.TXT', 'a.txt':
            with self.subTest(name=name):
                if list((self.path / 'all').iterdir()):
                    self.assertRaises(Refused, self.put, name)
                else:
                    self.assertEqual(self.put(name).id, 'a.txt')

    def put(self, name):
        return self.accessor.add(
            Data('file', None, {'name': name, 'content': b'x'}), '1')

    def test_folders_beside_files(self):
        (self.path / 'all' / 'more').mkdir()
        self.test_add()

    def test_what_could_not_be_read_again(self):
        fields = {'name': 'x', 'content': self.huge}
        self.assertRaisesRegex(
            Refused, 'would have more than', self.accessor.add,
            Data('file', None, fields), '1')
        self.assertFalse(list((self.path / 'all').iterdir()))

    huge = b'x' * (64 * 2 ** 20 + 1)

    def test_mistakes(self):
        for fields, key in [
                ({'name': 'str'}, 'name'), ({'title': 'str'}, 'title'),
                ({'name': 'str', 'content': 'str', 'more': 'str'}, 'name'),
                ({'name': 'str', 'content': 'int'}, 'name'),
                ({'name': 'str', 'content': 'str'}, 'content')]:
            self.assertRaisesRegex(ValueError, '^form: "bytes" is for', (
                FolderStore), 'x', self.path, {
                    Type('file', fields, [key]): ('bytes', '.')})


class KindTests(unittest.TestCase):

    def test_bytes(self):
        kind = Kind('bytes')
        for content in b'', b'\0\xff', b'x' * 1000:
            self.assertEqual(kind.normal(content), content)
            self.assertEqual(kind.from_plain(kind.plain(content)), content)
            self.assertEqual(kind.from_text(kind.text(content)), content)
        for value in 'no text', 1, 'YQ=', '\xe4':
            self.assertRaises(Unfit, kind.normal, kind.from_plain(value))
        self.assertNotEqual(canonical(b'a'), canonical('a'))

    def test_dates(self):
        """Newer releases of Python read more than Python 3.10."""
        zone = datetime.timezone.utc
        local = datetime.timezone(datetime.timedelta(
            hours=-1, minutes=-2, seconds=-3, microseconds=-4))
        time = datetime.datetime(2026, 11, 21, 9, 30)
        day = datetime.date(2026, 11, 21)
        for name, text, value in [
                ('date', '2026-11-21', day),
                ('datetime', '2026-11-21', time.replace(hour=0, minute=0)),
                ('datetime', '2026-11-21T09:30', time),
                ('datetime', '2026-11-21 09:30:00', time),
                ('datetime', '2026-11-21T09:30:00Z',
                 time.replace(tzinfo=zone)),
                ('datetime', '2026-11-21 09:30:00.1+00:00',
                 time.replace(microsecond=100_000, tzinfo=zone)),
                ('datetime', '2026-11-21T09:30:00.000123',
                 time.replace(microsecond=123)),
                ('datetime', '2026-11-21T09:30:00-01:02:03.000004',
                 time.replace(tzinfo=local))]:
            with self.subTest(text=text):
                kind = Kind(name)
                self.assertEqual(kind.from_plain(text), value)
                self.assertEqual(kind.from_plain(kind.plain(value)), value)
        for name, texts in [
                ('date', ['20261121', '2026-W47-6', '2026-11-31', '2026-11-1',
                          '\u0662\u0660\u0662\u0666-11-21']),
                ('datetime', [
                    '20261121', '2026-W47-6', '2026-11-21T093000',
                    '2026-11-21T09', '2026-11-21T24:00', '2026-11-21T09:60',
                    '2026-11-21x09:30', '2026-11-21T09:30:00,1',
                    '2026-11-21T09:30:00.1234567', '2026-11-21T09:30:00+0100',
                    '2026-11-21T09:30:00+01', '2026-11-21T09:30:00+24:00',
                    '2026-11-21T09:30:00+01:60', '2026-11-21T09:30.1',
                    '2026-11-21Z', '2026-11-21T09:30:00\n'])]:
            for text in texts:
                with self.subTest(kind=name, text=text):
                    kind = Kind(name)
                    self.assertRaises(Unfit, kind.normal, kind.from_text(text))


class TextTests(BytesTests):

    type = Type('file', {'name': 'str', 'content': 'str'}, ['name'])

    huge = 'x' * (64 * 2 ** 20 + 1)

    def test_a_file(self):
        file = self.path / 'all' / 'x.txt'
        file.write_bytes(b'a\r\n\xc3\xa4')
        self.assertEqual(self.accessor.get('x.txt').fields['content'],
                         'a\r\n\xe4')
        file.write_bytes(b'\xff')
        self.assertRaises(Unreadable, self.accessor.get, 'x.txt')

    def put(self, name):
        return self.accessor.add(
            Data('file', None, {'name': name, 'content': 'x'}), '1')
