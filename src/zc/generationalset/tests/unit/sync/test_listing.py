"""Stores that list tokens; types that get another field."""

import contextlib
import os
import tracemalloc
import unittest
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import ZODB

from zc.generationalset.sync import Gone, Hub, Synchronizer, Type, scratch
from zc.generationalset.sync.items import Items
from zc.generationalset.sync.stores import files
from zc.generationalset.sync.stores.folder import FolderStore
from zc.generationalset.sync.stores.memory import MemoryStore
from zc.generationalset.tests.support.fake_stores import Traits
from zc.generationalset.tests.support.synchronizing import Synchronizing

LISTING = Traits(tokens='good', lists=True)


class ListingTests(Synchronizing, unittest.TestCase):

    traits = LISTING, Traits()

    def gets(self):
        """Run; return the ids that were read one by one."""
        calls = self.issues[0].calls
        calls.clear()
        self.sync.run()
        return [id for name, id, *_ in (
            call for call in calls if len(call) > 1) if name == 'get']

    def test_what_has_a_known_token_is_not_read(self):
        self.filled(3)
        self.assertEqual(self.gets(), [])
        self.edit(0, 'i1', state='done')
        self.assertEqual(self.gets(), [self.issues[0].by_name('title')['i1']])
        self.assertEqual(self.contents(1)['i1'], {'state': 'done'})
        self.assertEqual(self.gets(), [])

    def test_another_token_of_the_same_item_is_noted(self):
        self.filled(3)
        id = self.issues[0].by_name('title')['i1']
        self.issues[0].note(id)
        self.assertEqual(self.gets(), [id])
        self.assertEqual(self.gets(), [])

    def test_a_conflict_is_read_once(self):
        self.filled(3)
        self.edit(0, 'i1', state='done')
        self.edit(1, 'i1', state='???')
        id = self.issues[0].by_name('title')['i1']
        self.assertEqual(self.gets(), [id])
        self.assertEqual(self.gets(), [])
        self.assertEqual(len(self.sync.status()['conflicts']), 1)
        self.edit(0, 'i1', state='???')
        self.assertEqual(self.gets(), [id])
        self.assertEqual(self.sync.status()['conflicts'], [])

    def test_what_is_gone_when_it_is_read_is_removed(self):
        self.filled(3)
        id = self.issues[0].by_name('title')['i1']
        self.edit(0, 'i1', state='done')
        get = self.issues[0].get

        def get_late(each):
            if each == id:
                self.issues[0].items.pop(id, None)
                raise Gone(id)
            return get(each)

        with mock.patch.object(self.issues[0], 'get', get_late):
            self.sync.run()
        self.assertNotIn('i1', self.contents(1))

    def test_a_delta_that_does_not_fit_is_read_again(self):
        self.make(Traits(deltas=True), Traits())
        self.filled(3)
        id = self.issues[0].by_name('title')['i1']
        self.edit(0, 'i1', state=7)
        for _ in range(3):
            self.assertEqual(self.sync.run().held, [f'A/issue/{id}'])
        self.assertEqual(self.contents(1)['i1'], {'state': 'open'})
        self.edit(0, 'i1', state='done')
        self.settle()
        self.assertEqual(self.contents(1)['i1'], {'state': 'done'})

    def test_a_new_field_is_read(self):
        for traits in LISTING, Traits(deltas=True):
            self.make(traits, Traits())
            self.db = ZODB.DB(None)
            less = Type('issue', {'title': 'str'}, ['title'])
            self.restart([less])
            self.add(0, 'a', state='open')
            self.settle()
            self.assertEqual(self.contents(1), {'a': {}})
            self.restart([Type(
                'issue', {'title': 'str', 'state': 'str'}, ['title'])])
            self.settle()
            self.assertEqual(self.contents(1), {'a': {'state': 'open'}})
            self.db.close()


@contextlib.contextmanager
def in_order(reverse):
    """Have folders list their files in an order."""
    really = os.scandir

    class Listing:

        def __init__(self, path):
            with really(path) as entries:
                self.entries = sorted(
                    entries, key=lambda each: each.name, reverse=reverse)

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

        def __iter__(self):
            return iter(self.entries)

    with mock.patch.object(os, 'scandir', Listing):
        yield


class FolderTests(unittest.TestCase):

    type = Type('issue', {'title': 'str'}, ['title'])

    def setUp(self):
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name)
        db = ZODB.DB(None)
        self.addCleanup(db.close)
        self.sync = Synchronizer(Hub(db), [
            FolderStore('folder', self.path, {self.type: ('json', '.')}),
            MemoryStore('memory', ['issue'])], [self.type])
        for name in 'abc':
            (self.path / f'{name}.json').write_text(f'{{"title": "{name}1"}}')

    def read(self):
        """Run; return the files that were read."""
        with mock.patch.object(files, 'read_stamped',
                               side_effect=files.read_stamped) as read:
            report = self.sync.run()
        self.assertEqual(report.code, 0)
        return sorted(call.args[0].name for call in read.mock_calls
                      if call.args[0].suffix)

    def rest(self):
        """Let the files be older than any file system's clock can tell."""
        return mock.patch.object(files, 'RESOLUTION', -10 ** 10)

    def test_files_at_rest_are_read_once(self):
        with self.rest():
            self.assertEqual(self.read(), ['a.json', 'b.json', 'c.json'])
            self.assertEqual(self.read(), [])
            os.utime(self.path / 'a.json')
            (self.path / 'b.json').write_text('{"title": "b2"}')
            self.assertEqual(set(self.read()), {'a.json', 'b.json'})
            self.assertEqual(self.read(), [])

    def lookups(self):
        """Run; return how many items were looked for in the hub."""
        with mock.patch.object(Items, 'linked', autospec=True,
                               side_effect=Items.linked) as linked:
            self.read()
        return sum(call.args[1] == 'folder' for call in linked.mock_calls)

    def test_a_folder_that_has_not_changed_is_not_listed(self):
        with self.rest():
            self.read()
            self.assertEqual(self.lookups(), 0)
            for change in (
                    lambda: os.utime(self.path / 'a.json'),
                    lambda: (self.path / 'b.json').unlink(),
                    lambda: (self.path / 'd.json').write_text(
                        '{"title": "d1"}')):
                change()
                self.assertGreater(self.lookups(), 0)
                self.read()  # after what was written there, if anything
                self.assertEqual(self.lookups(), 0)
            (self.path / 'other.txt').write_text('nothing of ours')
            self.assertEqual(self.lookups(), 0)

    def test_files_of_another_form_have_another_version(self):
        type = Type('file', {'name': 'str', 'content': 'str'}, ['name'])
        with self.rest():
            versions = {
                FolderStore('folder', self.path, {type: (form, '.')})
                .accessors['file'].version(None) for form in ('json', 'bytes')}
        self.assertEqual(len(versions), 2)

    def test_a_version_does_not_depend_on_the_order_of_a_listing(self):
        store = self.sync.stores['folder']
        listed = {}
        with self.rest():
            for reverse in False, True:
                with in_order(reverse):
                    listed[reverse] = (
                        store.accessors['issue'].version(None),
                        store.fingerprint())
            self.assertEqual(listed[False], listed[True])
            self.assertNotIn(None, listed[True])

    def test_many_files_are_listed_in_the_order_of_their_names(self):
        names = [f'{name}{number}.json' for name in ('\udcff', 'É', 'x', 'X')
                 for number in range(7)]
        for name in names:
            (self.path / name).write_text('{}')
        folder = self.sync.stores['folder'].accessors['issue']
        few = [each.id for each in folder.find()]
        self.assertEqual(
            few, sorted(['a.json', 'b.json', 'c.json', *names],
                        key=os.fsencode))
        with mock.patch.object(scratch, 'MOST', 4):
            self.assertEqual([each.id for each in folder.find()], few)

    def test_few_names_are_in_memory(self):
        for number in range(3000):
            (self.path / f'{number}.json').touch()
        store = self.sync.stores['folder']
        folder = store.accessors['issue']
        for read in (
                lambda: folder.version(None), store.fingerprint,
                lambda: sum(1 for _ in folder.find())):
            with self.rest(), mock.patch.object(scratch, 'MOST', 100):
                read()  # imports, and fills caches
                tracemalloc.start()
                try:
                    read()
                    _, peak = tracemalloc.get_traced_memory()
                finally:
                    tracemalloc.stop()
            self.assertLess(peak, 100_000)

    def test_a_folder_with_new_files_has_no_version(self):
        folder = self.sync.stores['folder'].accessors['issue']
        with mock.patch.object(files, 'RESOLUTION', 10 ** 15):
            self.assertIsNone(folder.version(None))
        with self.rest():
            self.assertIsNotNone(folder.version(None))

    def test_files_that_were_just_written_are_read_again(self):
        before = os.stat(self.path / 'a.json')
        self.assertEqual(self.read(), ['a.json', 'b.json', 'c.json'])
        # A clock that doesn't go on.
        (self.path / 'a.json').write_text('{"title": "a2"}')
        with mock.patch.object(files, 'stamp', lambda status: 'same'):
            self.read()
        self.assertEqual(before.st_size,
                         os.stat(self.path / 'a.json').st_size)
        accessor = [*self.sync.stores.values()][1].accessors['issue']
        self.assertEqual(
            sorted(each.fields['title'] for each in accessor.find()),
            ['a2', 'b1', 'c1'])

    def test_a_change_while_a_file_is_read(self):
        stamps = iter('12333')  # so it is read again
        with self.rest(), mock.patch.object(
                files, 'stamp', lambda status: next(stamps)):
            _, stamp = files.read_stamped(self.path / 'a.json')
        self.assertEqual(stamp, '3')
