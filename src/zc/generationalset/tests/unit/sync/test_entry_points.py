"""Stores of others, which installed distributions offer."""

import importlib
import sys
import unittest
from pathlib import Path
from tempfile import TemporaryDirectory

from zc.generationalset.sync.configuration import Configuration, Mistake

MODULE = '''\
from zc.generationalset.sync import Store

def make(options):
    return Store(f'{options.name} at {options.take("url", str)}', {})

def fails(options):
    raise KeyError('no luck')

def makes_nothing(options):
    pass
'''
POINTS = '''\
[zc.generationalset.stores]
parcels = parcel_store:make
missing = parcel_shop:make
nameless = parcel_store:maker
broken = parcel_ruin:make
failing = parcel_store:fails
nothing = parcel_store:makes_nothing
'''
CONFIGURATION = '''\
hub = "Hub.fs"
[types.issue]
key = ["title"]
fields = {{title = "str"}}
[stores.mine]
url = "here"
kind = "{}"
'''


class EntryPointTests(unittest.TestCase):

    def setUp(self):
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        packages = self.folder / 'site-packages'
        information = packages / 'parcels-1.0.dist-info'
        information.mkdir(parents=True)
        (information / 'METADATA').write_text(
            'Metadata-Version: 2.1\nName: parcels\nVersion: 1.0\n')
        (information / 'entry_points.txt').write_text(POINTS)
        (packages / 'parcel_store.py').write_text(MODULE)
        (packages / 'parcel_ruin.py').write_text('1 / 0\n')
        sys.path.append(str(packages))
        self.addCleanup(sys.path.remove, str(packages))
        self.addCleanup(sys.modules.pop, 'parcel_store', None)
        importlib.invalidate_caches()

    def read(self, kind):
        file = self.folder / 'sync.toml'
        file.write_text(CONFIGURATION.format(kind))
        return Configuration(file)

    def test_a_store(self):
        [store] = self.read('parcels').stores()
        self.assertEqual(store.name, 'mine at here')

    def test_broken_ones(self):
        for kind, message in [
                ('missing', "parcel_shop:make makes no store: No module nam"),
                ('nameless', "parcel_store:maker makes no store: .* 'maker'"),
                ('broken', 'parcel_ruin:make makes no store: division by zer'),
                ('failing', "parcel_store:fails makes no store: 'no luck'"),
                ('nothing', 'makes_nothing to make a Store, got None'),
                ('others', 'expected memory, .*, parcels, or MODULE:NAME'),
                ('a b:c', "or MODULE:NAME; got 'a b:c'")]:
            with self.subTest(kind=kind), self.assertRaisesRegex(
                    Mistake, f'sync.toml:7: stores.mine: kind: .*{message}'):
                self.read(kind)
