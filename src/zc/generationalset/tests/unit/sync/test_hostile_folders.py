"""Folders with what no store should touch, wait for, or believe."""

import errno
import os
import socket
import unittest
from pathlib import Path
from unittest import mock

import ZODB

from zc.generationalset.sync import (
    Data,
    Gone,
    Hub,
    Synchronizer,
    Unavailable,
    Unreadable,
    scratch,
)
from zc.generationalset.sync.stores import files
from zc.generationalset.sync.stores.folder import FolderStore
from zc.generationalset.sync.stores.memory import MemoryStore
from zc.generationalset.tests.support.stored import TYPE, InFolder

GOOD = '{"title": "good"}'


class HostileTests(InFolder, unittest.TestCase):

    def setUp(self):
        super().setUp()
        self.store = FolderStore(
            'files', self.path / 'root', {TYPE: ('json', 'issues')})
        self.folder = self.path / 'root' / 'issues'
        self.folder.mkdir(parents=True)
        self.store.begin()
        self.issues = self.store.accessors['issue']
        (self.folder / 'good.json').write_text(GOOD)
        self.outside = self.path / 'outside'
        self.outside.mkdir()
        (self.outside / 'secret.json').write_text('{"title": "secret"}')

    def run_with_memory(self):
        """Run; return the report, and the titles in the other store."""
        memory = MemoryStore('memory', ['issue'])
        db = ZODB.DB(None)
        self.addCleanup(db.close)
        report = Synchronizer(Hub(db), [self.store, memory], [TYPE]).run()
        return report, [each.fields['title'] for each in
                        memory.accessors['issue'].find()]

    def is_left_alone(self, name, reason):
        """An item is in quarantine, and the others go on."""
        with self.assertRaisesRegex(Unreadable, reason):
            self.issues.get(name)
        for call in (lambda: self.issues.update(name, {'text': 'x'}, None),
                     lambda: self.issues.remove(name, None)):
            self.assertRaises(Unreadable, call)
        report, titles = self.run_with_memory()
        self.assertEqual(report.held, [f'files/issue/"{name}"'])
        self.assertEqual(report.unavailable, {})
        self.assertEqual(titles, ['good'])
        self.assertTrue(os.path.lexists(self.folder / name))

    def test_links_out_of_the_folder(self):
        (self.folder / 'x.json').symlink_to(self.outside / 'secret.json')
        self.is_left_alone('x.json', 'symbolic link')
        self.assertEqual((self.outside / 'secret.json').read_text(),
                         '{"title": "secret"}')

    def test_links_in_circles(self):
        (self.folder / 'x.json').symlink_to(self.folder / 'x.json')
        self.is_left_alone('x.json', 'symbolic link')

    def test_links_to_nothing(self):
        (self.folder / 'x.json').symlink_to(self.outside / 'new.json')
        self.is_left_alone('x.json', 'symbolic link')
        # Nothing new is written through it, either.
        self.issues.add(Data('issue', None, {'title': 'x'}), '1')
        self.assertFalse((self.outside / 'new.json').exists())

    def test_a_link_that_comes_at_the_last_moment(self):
        file = self.folder / 'good.json'
        status = os.lstat(file)
        file.unlink()
        file.symlink_to(self.outside / 'secret.json')
        with mock.patch('os.lstat', return_value=status):
            self.assertRaises(files.NotRead, files.read, file)

    def test_folders_that_are_links(self):
        self.folder.rename(self.path / 'away')
        self.folder.symlink_to(self.outside)
        for call in (
                lambda: list(self.issues.find()), self.issues.count,
                lambda: self.issues.get('secret.json'),
                lambda: self.issues.remove('secret.json', None),
                lambda: self.issues.add(
                    Data('issue', None, {'title': 'x'}), '1')):
            self.assertRaises(Unavailable, call)
        self.store.begin()
        self.assertEqual(os.listdir(self.outside), ['secret.json'])

    def test_the_outer_folder_may_be_a_link(self):
        (self.path / 'link').symlink_to(self.path / 'root')
        for folder in 'issues', '.':
            store = FolderStore('x', self.path / 'link', {
                TYPE: ('json', folder)})
            store.begin()
            list(store.accessors['issue'].find())

    @unittest.skipUnless(hasattr(os, 'mkfifo'), 'there are no FIFOs here')
    def test_fifos(self):
        os.mkfifo(self.folder / 'x.json')
        self.is_left_alone('x.json', 'is no file')

    @unittest.skipUnless(hasattr(socket, 'AF_UNIX'), 'no sockets here')
    def test_sockets(self):
        listening = socket.socket(socket.AF_UNIX)
        self.addCleanup(listening.close)
        listening.bind(str(self.folder / 'x.json'))
        self.is_left_alone('x.json', 'is no file')

    def test_folders(self):
        (self.folder / 'x.json').mkdir()
        report, titles = self.run_with_memory()
        self.assertEqual((report.code, titles), (0, ['good']))
        self.assertEqual(self.issues.count(), 1)
        self.assertRaises(Unreadable, self.issues.get, 'x.json')

    def test_a_folder_in_the_place_of_a_file(self):
        memory = MemoryStore('memory', ['issue'])
        db = ZODB.DB(None)
        self.addCleanup(db.close)
        synchronizer = Synchronizer(Hub(db), [self.store, memory], [TYPE])
        synchronizer.run()
        (self.folder / 'good.json').unlink()
        (self.folder / 'good.json').mkdir()
        self.assertEqual(synchronizer.run().held, ['files/issue/"good.json"'])
        self.assertEqual(memory.accessors['issue'].count(), 1)

    def test_100_megabytes(self):
        with (self.folder / 'x.json').open('wb') as file:
            file.truncate(100 * 2 ** 20)
        with mock.patch('os.open') as opened:
            self.assertRaises(Unreadable, self.issues.get, 'x.json')
        opened.assert_not_called()
        self.is_left_alone('x.json', 'more than 67108864 bytes')

    def test_files_that_may_not_be_read(self):
        (self.folder / 'x.json').write_text('{}')
        really = os.open

        def opened(path, *arguments, **options):
            if Path(path).name == 'x.json':
                raise PermissionError(errno.EACCES, 'Permission denied')
            return really(path, *arguments, **options)

        with mock.patch('os.open', opened):
            self.is_left_alone('x.json', 'Permission denied')

    def test_names_that_are_too_long(self):
        for name in 'x' * 251 + '.json', '\xe4' * 200 + '.json':
            self.assertRaises((Unreadable, Gone), self.issues.get, name)

    def test_long_names(self):
        (self.folder / ('x' * 250 + '.json')).write_text('{"title": "long"}')
        _, titles = self.run_with_memory()
        self.assertEqual(sorted(titles), ['good', 'long'])

    def test_names_of_new_files(self):
        for title, name in [
                ('CON', 'item-CON.json'), ('nul', 'item-nul.json'),
                ('com1.x', 'item-com1.x.json'), ('console', 'console.json'),
                ('a/../../b', 'a-..-..-b.json'), ('\0', 'item.json'),
                ('\U00020000' * 300, '\U00020000' * 50 + '.json'),
                ('x' * 49 + '. y', 'x' * 49 + '.json')]:
            data = self.issues.add(Data('issue', None, {'title': title}), '1')
            self.assertEqual(data.id, name)

    def test_names_that_differ_in_case(self):
        for title, name in [('Good', 'Good-2.json'), ('GOOD', 'GOOD-3.json')]:
            data = self.issues.add(Data('issue', None, {'title': title}), '1')
            self.assertEqual(data.id, name)
        self.issues.remove('good.json', None)
        self.assertEqual(self.issues.add(
            Data('issue', None, {'title': 'gooD'}), '1').id, 'gooD.json')

    def test_names_that_differ_in_case_of_many(self):
        with mock.patch.object(scratch, 'MOST', 2):
            self.test_names_that_differ_in_case()

    def changing(self, *contents):
        """Change the file after each reading of it."""
        file, left = self.folder / 'good.json', list(contents)
        really = files._read

        def read(path, longest):
            result = really(path, longest)
            if left:
                before = result[1]
                file.write_text(left.pop(0))
                result = result[0], before, os.stat(file)
            return result

        return mock.patch.object(files, '_read', read)

    def test_files_that_change_while_they_are_read(self):
        new = '{"title": "new"}'
        with self.changing('{"title": "', new):
            data = self.issues.get('good.json')
        self.assertEqual(data.fields, {'title': 'new'})
        self.issues.update('good.json', {'text': 'x'}, data.token)
        with self.changing(*[new + ' ' * number for number in range(1, 9)]), \
                self.assertRaisesRegex(Unreadable, 'changes while it is re'):
            self.issues.get('good.json')

    def test_a_full_disk(self):
        memory = MemoryStore('memory', ['issue'])
        memory.accessors['issue'].add(
            Data('issue', None, {'title': 'new'}), '1')
        third = MemoryStore('third', ['issue'])
        db = ZODB.DB(None)
        self.addCleanup(db.close)
        synchronizer = Synchronizer(
            Hub(db), [self.store, memory, third], [TYPE])
        full = OSError(errno.ENOSPC, 'No space left on device')
        with mock.patch('os.fsync', side_effect=full):
            report = synchronizer.run()
        self.assertRegex(report.unavailable['files'], 'No space left')
        self.assertEqual(os.listdir(self.folder), ['good.json'])
        self.assertEqual(third.accessors['issue'].count(), 2)
        self.assertEqual(synchronizer.run().code, 0)
        self.assertEqual(sorted(os.listdir(self.folder)),
                         ['good.json', 'new.json'])

    def test_removed_files_stay_removed(self):
        synced = []
        with mock.patch('os.fsync', synced.append):
            self.issues.remove('good.json', None)
        self.assertEqual(len(synced), 1)

    def test_a_marker_that_is_no_file(self):
        marker = self.path / 'root' / '.gset-store'
        identity = self.store.identity()
        self.assertTrue(identity)
        marker.rename(self.path / 'marker')
        marker.symlink_to(self.path / 'marker')
        self.assertRaises(Unavailable, self.store.identity)
