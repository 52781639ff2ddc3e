"""Every store in the box does what stores must do."""

import json
import os
import stat
import unittest
from unittest import mock

from zc.generationalset.sync import (
    Data,
    Gone,
    Incomplete,
    Refused,
    Type,
    Unavailable,
    Unreadable,
)
from zc.generationalset.sync.stores import files
from zc.generationalset.sync.stores.file import FileStore
from zc.generationalset.sync.stores.folder import MARKER, FolderStore
from zc.generationalset.sync.stores.memory import MemoryStore
from zc.generationalset.sync.testing import StoreTests, sample
from zc.generationalset.tests.support.fake_stores import (
    FakeStore,
    Fate,
    Traits,
)
from zc.generationalset.tests.support.stored import TYPE, InFolder
from zc.generationalset.tests.support.synchronizing import Synchronizing


class MemoryStoreTests(StoreTests, unittest.TestCase):

    type = TYPE

    def make_store(self):
        return MemoryStore('memory', ['issue'])


class FakeStoreTests(StoreTests, unittest.TestCase):

    type = TYPE
    # It promises nothing of this.
    test_deltas = test_repeated_additions = test_tokens = None

    def make_store(self):
        return FakeStore('fake', ['issue'], Fate(), Traits(
            cut=4, drops=('more',), tells=True))


class JSONFolderTests(InFolder, StoreTests, unittest.TestCase):

    type = TYPE
    form = 'json'
    test_deltas = test_repeated_additions = None  # no folder has them

    def make_store(self):
        return FolderStore(
            'files', self.path, {self.type: (self.form, 'issues')})

    def test_undeclared_members_stay(self):
        data = self.add()
        file = self.path / 'issues' / data.id
        file.write_text(json.dumps({
            'mine': {'a': 1}, **json.loads(file.read_text())}))
        self.accessor.update(data.id, {'number': 7}, None)
        found = json.loads(file.read_text())
        self.assertEqual((found['mine'], found['number']), ({'a': 1}, 7))

    def test_names_that_escape(self):
        for id in '../x.json', '/etc/passwd', 'a/b.json', '..', '', '.x', \
                'a\0b', 'C:x', 'a\\b':
            for call in (self.accessor.get,
                         lambda name: self.accessor.update(name, {}, None),
                         lambda name: self.accessor.remove(name, None)):
                self.assertRaises((Unreadable, Gone), call, id)
        self.assertRaises(Refused, FolderStore, 'x', self.path, {
            TYPE: ('json', '../other')})

    def test_links(self):
        (self.path / 'secret').write_text('{"title": "secret"}')
        os.symlink(self.path / 'secret', self.path / 'issues' / 'x.json')
        _, [found] = self.find()
        self.assertIsInstance(found, Unreadable)
        self.assertRaises(Unreadable, self.accessor.update,
                          'x.json', {'title': 'new'}, None)
        self.assertEqual((self.path / 'secret').read_text(),
                         '{"title": "secret"}')

    def test_broken_files(self):
        data = self.add()
        folder = self.path / 'issues'
        for content in b'', b'{', b'[]', b'\xff', b'[' * 100_000:
            (folder / 'x.json').write_bytes(content)
            found = {each.id: each for each in self.find()[1]}
            self.assertEqual(set(found), {data.id, 'x.json'})
            if content:
                self.assertIsInstance(found['x.json'], Unreadable, content)

    def test_others_that_can_not_be_read(self):
        (self.path / 'issues' / f'x{self.suffix}').write_bytes(b'\xff')
        self.test_add()
        self.test_remove()

    def test_files_of_others(self):
        self.add()
        (self.path / 'issues' / '.x.json').write_text('{}')
        (self.path / 'issues' / 'x.json~').write_text('{}')
        self.assertEqual(self.accessor.count(), 1)

    def test_names(self):
        ids = [self.accessor.add(self.type_data(title), title).id
               for title in ('../../etc', '.', 'A b/c', 'a-b-c', '\xe4' * 300)]
        self.added += ids
        self.assertEqual(ids[:2], [f'etc{self.suffix}', f'item{self.suffix}'])
        self.assertEqual(ids[2:4], [
            f'A-b-c{self.suffix}', f'a-b-c-2{self.suffix}'])

    suffix = '.json'

    def type_data(self, title):
        return Data('issue', None, {'title': title})

    def test_permissions_stay(self):
        data = self.add()
        file = self.path / 'issues' / data.id
        file.chmod(0o640)
        self.accessor.update(data.id, {'number': 7}, None)
        self.assertEqual(file.stat().st_mode & 0o777, 0o640)

    def test_no_temporary_files_are_left(self):
        self.accessor.update(self.add().id, {'number': 7}, None)
        self.assertEqual(sorted(os.listdir(self.path)), [MARKER, 'issues'])
        self.assertEqual(len(os.listdir(self.path / 'issues')), 1)

    def test_permissions_of_a_new_file(self):
        before = os.umask(0o027)
        self.addCleanup(os.umask, before)
        file = self.path / 'issues' / self.add().id
        self.assertEqual(file.stat().st_mode & 0o777, 0o640)
        self.assertEqual(os.umask(0o027), 0o027)

    def test_a_full_disk(self):
        data = self.add()
        with mock.patch('os.fsync', side_effect=OSError('full')):
            self.assertRaises(OSError, self.accessor.update,
                              data.id, {'number': 7}, None)
            self.assertRaises(OSError, self.add)
        self.assertEqual(os.listdir(self.path / 'issues'), [data.id])

    @unittest.skipUnless(hasattr(os, 'O_DIRECTORY'),
                         'directories can not be synced here')
    def test_names_are_on_the_disk_too(self):
        data = self.add()
        synced = []

        def note(file):
            synced.append(stat.S_ISDIR(os.fstat(file).st_mode))

        with mock.patch('os.fsync', note):
            self.add()
            self.accessor.update(data.id, {'number': 7}, None)
        self.assertEqual(synced, [False, True] * 2)

    def test_another_runner_begins_at_the_same_time(self):
        """It makes the folder and the marker after both were missing."""
        issues, marker = self.path / 'issues', self.path / MARKER
        issues.rmdir()
        marker.unlink()
        mkdir, create = os.mkdir, files.create

        def other_mkdir(path, *mode):
            mkdir(issues)
            mkdir(path, *mode)

        def other_create(path, content):
            create(marker, b'theirs')
            create(path, content)

        with mock.patch('os.mkdir', other_mkdir), \
                mock.patch.object(files, 'create', other_create):
            self.store.begin()
        self.assertTrue(issues.is_dir())
        self.assertEqual(self.store.identity(), 'theirs')

    def test_a_folder_without_marker(self):
        (self.path / MARKER).unlink()
        self.assertRaises(Unavailable, self.store.identity)

    def test_a_folder_that_is_not_there(self):
        data = self.add()
        (self.path / 'issues').rename(self.path / 'away')
        for call in self.accessor.count, lambda: list(self.accessor.find()), \
                lambda: self.accessor.get(data.id):
            self.assertRaises(Unavailable, call)
        (self.path / 'away').rename(self.path / 'issues')


class MarkdownFolderTests(JSONFolderTests):

    type = Type('issue', {**{
        field: kind.declared for field, kind in TYPE.fields.items()},
        'body': 'str'}, ['title'])
    form = 'markdown'
    suffix = '.md'

    def test_a_file(self):
        file = self.path / 'issues' / 'x.md'
        file.write_text(
            '---\ntitle: A bug: "big"\nmine: yes\nnumber: 7\nday: 2026-01-02\n'
            'labels: ["a"]\nprice: 1.50\n---\nIt does\n\n---\nnot work.\n')
        data = self.accessor.get('x.md')
        self.assertEqual(data.fields['title'], 'A bug: "big"')
        self.assertEqual(data.fields['body'], 'It does\n\n---\nnot work.\n')
        self.assertEqual(str(data.fields['price']), '1.50')
        self.accessor.update(
            'x.md', {'number': 8, 'state': 'open'}, data.token)
        self.assertEqual(
            file.read_text(),
            '---\ntitle: A bug: "big"\nmine: yes\nnumber: 8\nday: 2026-01-02\n'
            'labels: ["a"]\nprice: 1.50\nstate: open\n---\n'
            'It does\n\n---\nnot work.\n')

    def test_undeclared_members_stay(self):
        pass  # see test_a_file

    def test_links(self):
        pass

    def test_names_that_escape(self):
        pass

    def test_files_of_others(self):
        pass

    def test_broken_files(self):
        for content in b'---\nno end', b'---\na:\n  - b\n---\n', b'\xff', \
                b'---\ntitle: a\ntitle: b\n---\n':
            (self.path / 'issues' / 'x.md').write_bytes(content)
            _, [found] = self.find()
            self.assertIsInstance(found, Unreadable, content)


class JSONFileTests(InFolder, StoreTests, unittest.TestCase):

    type = TYPE
    name = 'items.json'
    empty = '[]'
    broken = b'[{"id": 1}, {"id":'
    test_deltas = None  # no file has them

    def make_store(self):
        file = self.path / self.name
        if not file.exists():
            file.write_text(self.empty)
        return FileStore('file', file, self.type)

    def test_a_broken_file(self):
        self.add()
        file = self.path / self.name
        content = file.read_bytes()
        for broken in self.broken, b'\xff', content * 2:
            file.write_bytes(broken)
            self.assertRaises(Incomplete, self.find)
        file.write_bytes(content)
        file.rename(file.with_suffix('.away'))
        self.assertRaises(Unavailable, self.find)
        file.with_suffix('.away').rename(file)

    def test_the_version(self):
        self.add()
        with mock.patch.object(files, 'RESOLUTION', 10 ** 15):
            self.assertIsNone(self.accessor.version(None))
        with mock.patch.object(files, 'RESOLUTION', -10 ** 10):
            before = self.accessor.version(None)
            self.assertEqual(self.accessor.version(before), before)
            self.add()
            self.assertNotEqual(self.accessor.version(before), before)
            [other] = FileStore(
                'file', self.path / self.name, TYPE, 'key').accessors.values()
            self.assertNotEqual(
                other.version(None), self.accessor.version(None))
            (self.path / self.name).rename(self.path / 'away')
            self.assertIsNone(self.accessor.version(before))
        (self.path / 'away').rename(self.path / self.name)

    def test_mistakes(self):
        for name, id in ('x.txt', 'id'), ('x.json', 'title'):
            self.assertRaises(ValueError, FileStore, 'x', name, TYPE, id)


class JSONLinesTests(JSONFileTests):

    name = 'items.jsonl'
    empty = ''
    broken = b'{"id": 1}\n{"title": "x"}\n'


class CSVTests(JSONFileTests):

    name = 'items.csv'
    empty = 'id,owner\nx,me\n'
    broken = b'id,title\n1,x\n2\n'

    def test_other_columns_stay(self):
        file = self.path / self.name
        file.write_text('id,mine,title\n1,"x, y",A\n2,z,B\n')
        self.accessor.update('2', {'number': 3}, None)
        self.assertEqual(
            file.read_text(),
            'id,mine,title,number\n1,"x, y",A,\n2,z,B,3\n')


class TogetherTests(InFolder, Synchronizing, unittest.TestCase):
    """All stores in the box, kept equal."""

    types = TYPE,

    def make(self, *traits):
        super().make()
        self.stores = [
            FolderStore('json', self.path / 'j', {TYPE: ('json', '.')}),
            FolderStore('md', self.path / 'm', {TYPE: ('markdown', 'x')}),
            FileStore('csv', self.path / 'x.csv', TYPE),
            FileStore('lines', self.path / 'x.jsonl', TYPE),
            MemoryStore('memory', ['issue'])]
        for name in 'jm':
            (self.path / name).mkdir(exist_ok=True)
        for name in 'x.csv', 'x.jsonl':
            (self.path / name).write_text('')
        self.restart(self.types)

    def test_all(self):
        memory = self.stores[4].accessors['issue']
        items = [memory.add(Data('issue', None, sample(TYPE, number)), str(
            number)) for number in range(4)]
        self.settle()
        for store in self.stores:
            self.assertEqual(store.accessors['issue'].count(), 4)
        memory.update(items[0].id, sample(TYPE, 1), None)
        memory.remove(items[1].id, None)
        self.settle()
        file = next(each for each in (self.path / 'j').glob('*.json')
                    if '"plain"' in each.read_text())
        file.write_text(file.read_text().replace('"plain"', '"from a file"'))
        file.rename(file.with_name('renamed.json'))
        self.settle()
        self.assertIn('from a file', (self.path / 'x.csv').read_text())
        self.assertEqual(memory.count(), 3)

    def test_an_empty_folder_in_its_place(self):
        memory = self.stores[4].accessors['issue']
        memory.add(Data('issue', None, {'title': 'x'}), '1')
        self.settle()
        (self.path / 'j').rename(self.path / 'away')
        self.assertIn('is missing', self.sync.run().unavailable['json'])
        (self.path / 'j').mkdir()
        self.assertIn('is missing', self.sync.run().unavailable['json'])
        self.assertEqual(memory.count(), 1)
