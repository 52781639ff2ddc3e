"""Runs are killed at random moments, and people edit all stores meanwhile."""

import json
import random
import signal
import time
import unittest
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from zc.generationalset.sql import open_database
from zc.generationalset.tests.support.forking import Forker
from zc.generationalset.tests.support.people import TABLE, Notes, Rows, Things
from zc.generationalset.tests.support.properties import THOROUGH
from zc.generationalset.tests.support.serving import Served

CONFIGURATION = '''\
hub = "Hub.fs"
[types.issue]
key = ["title"]
fields = {{title = "str", state = "str", body = "str"}}
[stores.notes]
kind = "folder"
path = "notes"
[stores.notes.issue]
form = "markdown"
[stores.table]
kind = "sql"
url = "sqlite:///issues.db"
[stores.table.issue]
table = "issues"
[stores.server]
kind = "http"
url = "{url}"
[stores.server.issue]
path = ""
'''
STORES = 'notes', 'table', 'server'
KILLS = 200 if THOROUGH else 4
#: How many edits there are between kills, and after how many kills a run comes
#: to its end.
EDITS, SETTLING = 8, 4


class KillsTests(Served):
    """``model`` has the fields that the issue of each title must have.

    ``edited`` has the fields that were edited since all was settled, as pairs
    of title and field; each is edited once, so nothing is in conflict.
    """

    def setUp(self):
        super().setUp()
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (self.folder / 'notes').mkdir()
        (self.folder / 'sync.toml').write_text(
            CONFIGURATION.format(url=self.url))
        rows = Rows(self.folder / 'issues.db')
        rows.tell(TABLE)
        with closing(open_database(
                f'sqlite:///{self.folder}/issues.db')) as database:
            database.execute(database.plan_tracking(database.tables()))
        self.people = {'notes': Notes(self.folder / 'notes'), 'table': rows,
                       'server': Things(self.changing)}
        self.forker = Forker(self.folder)
        self.addCleanup(self.forker.close)
        self.model, self.edited = {}, set()
        self.kills = self.conflicts = 0
        #: Seconds that a run takes.
        self.duration = 0.2

    # People

    def edit_something(self):
        kind = self.chance.choice(['add', 'add', 'edit', 'edit', 'remove'])
        store = self.chance.choice(STORES)
        getattr(self, kind)(self.people[store])

    def add(self, people):
        number = len(self.model) + self.chance.randrange(10 ** 9)
        fields = {'title': f'issue {number}', 'state': 'open',
                  'body': f'About {number}.\n'}
        self.model[fields['title']] = fields
        people.add(fields)

    def edit(self, people):
        field = self.chance.choice(['state', 'body'])
        titles = sorted({each['title'] for each in people.items()} & {
            title for title in self.model
            if (title, field) not in self.edited})
        if titles:
            title = self.chance.choice(titles)
            value = f'edit {self.chance.randrange(10 ** 9)}' + (
                '\n' if field == 'body' else '')
            self.edited.add((title, field))
            self.model[title][field] = value
            people.edit(title, field, value)

    def remove(self, people):
        """Remove an issue that was settled, and wasn't edited since."""
        titles = sorted(self.settled & set(self.model) - {
            title for title, _ in self.edited})
        if titles:
            title = self.chance.choice(titles)
            del self.model[title]
            people.remove(title)

    # Runs

    def kill(self):
        """Begin a run, and kill it, unless it ends before."""
        process = self.forker.start('sync run --json')
        time.sleep(self.chance.uniform(0, self.duration))
        self.kills += self.forker.kill(process)

    def settle(self):
        """Run to the end; all stores must have what they should."""
        for _ in range(9):
            begun = time.monotonic()
            code, report = self.forker.run('sync run --json')
            self.duration = time.monotonic() - begun
            self.assertLess(code, 2, report)
            if code == 0:
                break
            self.assertEqual(report['failed'], [])
            self.decide()
        self.assertEqual(code, 0, report)
        self.check()
        code, report = self.forker.run('sync run --json')
        self.assertEqual((code, report['steps']), (0, []), report)
        self.edited.clear()
        self.settled = set(self.model)

    def decide(self):
        """Do what the last run has told a person to do."""
        _, status = self.forker.run('sync status --json')
        for each in status['held']:
            self.assertEqual(each['kind'], 'deletions', each)
            self.forker.run(f'sync release {each["id"]} {each["digest"]}')
        for each in status['conflicts']:
            [title] = each['name']
            # A run that was killed can't always know whose a value is.
            self.assertIn((title, each['field']), self.edited, each)
            self.conflicts += 1
            value = json.dumps(self.model[title][each['field']])
            self.forker.run(
                f'sync resolve {each["id"]} --value '
                + value.replace(' ', '\\u0020'))

    def check(self):
        """Nothing is lost, doubled, or brought back."""
        expected = sorted(
            tuple(fields.values()) for fields in self.model.values())
        for store, people in self.people.items():
            items = people.items()
            found = sorted((each['title'], each['state'], each['body'])
                           for each in items)
            self.assertEqual(found, expected, store)

    @unittest.skipUnless(hasattr(signal, 'SIGKILL'), 'no SIGKILL here')
    def test_kills(self):
        seed = random.randrange(10 ** 6) if THOROUGH else 1
        self.chance = random.Random(seed)
        with self.subTest(seed=seed):
            self.settled = set()
            self.play()

    def play(self):
        for _ in range(20):
            self.add(self.people['table'])
        while self.kills < KILLS:
            for _ in range(SETTLING):
                self.kill()
                for _ in range(self.chance.randrange(EDITS)):
                    self.edit_something()
            self.settle()
        owners = {each['title']: each['owner']
                  for each in self.people['table'].items()}
        self.assertLessEqual(set(owners.values()), {'me', 'nobody'})
        self.assertIn('me', owners.values())
