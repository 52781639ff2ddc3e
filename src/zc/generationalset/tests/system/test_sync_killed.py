"""A run of ``gset sync`` is killed, again and again."""

import json
import random
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path
from tempfile import TemporaryDirectory

from zc.generationalset.tests.support.layers import Processes
from zc.generationalset.tests.support.properties import THOROUGH
from zc.generationalset.tests.support.serving import ENVIRONMENT

CONFIGURATION = '''\
hub = "Hub.fs"
[types.issue]
key = ["title"]
fields = {title = "str", state = "str"}
[stores.notes]
kind = "folder"
path = "notes"
[stores.notes.issue]
form = "markdown"
[stores.lines]
kind = "file"
path = "issues.jsonl"
type = "issue"
'''
ITEMS = 30
#: How often a run is killed while it adds, and while it changes.
KILLS = (4, 4) if THOROUGH else (1, 0)


class KilledTests(unittest.TestCase):

    layer = Processes

    def begin(self):
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.notes = self.folder / 'notes'
        self.lines = self.folder / 'issues.jsonl'
        self.notes.mkdir()
        (self.folder / 'sync.toml').write_text(CONFIGURATION)

    def start(self):
        return subprocess.Popen(
            [sys.executable, '-m', 'zc.generationalset', 'sync', 'run'],
            cwd=self.folder, env=ENVIRONMENT, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)

    def finish(self):
        process = self.start()
        out, _ = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 0, out)

    def kill_when(self, is_due):
        """Run until something is so, or the run has ended."""
        process = self.start()
        while process.poll() is None and not is_due():
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=90)

    def titles(self):
        """Return the titles and states in the folder and in the file."""
        def of_note(file):
            _, title, state, _ = file.read_text().splitlines()
            return title.removeprefix('title: '), state.removeprefix('state: ')

        rows = map(json.loads, self.lines.read_text().splitlines())
        return (sorted(map(of_note, self.notes.glob('*.md'))),
                sorted((row['title'], row['state']) for row in rows))

    @unittest.skipUnless(hasattr(signal, 'SIGKILL'), 'no SIGKILL here')
    def test_killed(self):
        seed = random.randrange(10 ** 6) if THOROUGH else 1
        chance = random.Random(seed)
        for number in range(25 if THOROUGH else 1):
            with self.subTest(seed=seed, number=number):
                self.begin()
                self.play(chance)

    def play(self, chance):
        """Add items, then change and remove some, and be killed."""
        titles = [f'item {number}' for number in range(ITEMS)]
        self.lines.write_text(''.join(
            json.dumps({'id': number, 'title': title, 'state': 'open'}) + '\n'
            for number, title in enumerate(titles)))
        for count in sorted(chance.sample(range(1, ITEMS), KILLS[0])):
            self.kill_when(lambda count=count: len(list(
                self.notes.glob('*.md'))) >= count)
        self.finish()
        before = self.titles()
        self.assertEqual(*before)
        self.assertEqual(len(before[0]), ITEMS)

        removed, changed = chance.sample(titles, 5), chance.sample(titles, 20)
        for file in self.notes.glob('*.md'):
            title = file.stem.replace('item-', 'item ', 1)
            if title in removed:
                file.unlink()
            elif title in changed:
                file.write_text(file.read_text().replace('open', 'done'))
        for count in sorted(chance.sample(range(1, 15), KILLS[1])):
            self.kill_when(lambda count=count: self.lines.read_text().count(
                '"done"') >= count)
        self.finish()
        after = self.titles()
        self.assertEqual(*after)
        self.assertEqual(after[0], sorted(
            (title, 'done' if title in changed else state)
            for title, state in before[0] if title not in removed))
