"""The command ``gset sync``."""

import contextlib
import io
import json
import os
import re
import unittest
from unittest import mock

import ZODB

from zc.generationalset.__main__ import main
from zc.generationalset.commands.terminal import CLEAR
from zc.generationalset.sync import Hub
from zc.generationalset.sync.stores import files
from zc.generationalset.tests.support.syncing import NOTE, InFolder

try:
    import pty
except ImportError:
    pty = None

DATE = r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+00:00'


class SyncTests(InFolder, unittest.TestCase):

    maxDiff = None

    def sync(self, *arguments):
        """Return exit code and output."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            code = main(['sync', '--config',
                         str(self.folder / 'sync.toml'), *arguments])
        return code, out.getvalue()

    def rows(self):
        return [json.loads(line) for line in
                self.table.read_text().splitlines()]

    def test_plan_and_run(self):
        step = 'table + issue A bug (from notes)\n1 step\n'
        before = sorted(os.listdir(self.folder))
        self.assertEqual(self.sync('plan'), (0, step))
        self.assertEqual(sorted(os.listdir(self.folder)), before)
        self.assertEqual(self.sync('run'), (0, step))
        self.assertEqual(self.sync('run'), (0, '0 steps\n'))
        [row] = self.rows()
        self.assertEqual(row['body'], 'It fails.\n')
        code, out = self.sync('status')
        self.assertEqual(code, 0)
        self.assertRegex(out, (
            f'^store: notes\nstore: table\nrun 1, {DATE}: 1 step\n'
            r'  table \+ issue A bug \(from notes\)\n'
            '0 conflicts, 0 held\n$'))

    def test_runs(self):
        for number in range(20):
            (self.folder / 'notes' / f'{number}.md').write_text(
                f'---\ntitle: issue {number}\n---\n')
        self.sync('run')
        self.note.write_text(NOTE.replace('fails', 'burns'))
        self.table.write_text(self.table.read_text().replace('fails', 'leaks'))
        self.sync('run')
        self.sync('run')  # is as the one before
        [conflict] = json.loads(self.sync('status', '--json')[1])['conflicts']
        self.sync('resolve', conflict['id'], '--store', 'notes')
        self.sync('run')
        _, out = self.sync('status')
        lines = out.splitlines()
        heads = [line for line in lines if line.startswith('run ')]
        for head, expected in zip(heads, [
                'run 1, DATE: 21 steps', 'run 2, DATE: 0 steps, 1 conflict',
                'run 3, DATE: 1 step'], strict=True):
            self.assertRegex(head, f'^{expected.replace("DATE", DATE)}$')
        self.assertEqual(lines[lines.index(heads[1]) - 1],
                         '  ... and 16 others')
        _, out = self.sync('status', '--json')
        runs = json.loads(out)['runs']
        self.assertEqual(
            [(run['id'], run['count'], len(run['steps']), run['code'])
             for run in runs], [(1, 21, 21, 0), (2, 0, 0, 1), (3, 1, 1, 0)])
        for run in runs:
            self.assertRegex(run['date'], f'^{DATE}$')

    def test_runs_of_earlier_releases(self):
        """They didn't note what they have left."""
        self.sync('run')
        with contextlib.closing(ZODB.DB(str(self.folder / 'Hub.fs'))) as db:
            [(id, run)] = Hub(db).listed('runs')
            del run['left'], run['code']
            session = Hub(db, is_exclusive=True).session(lambda: 0, False)
            with contextlib.closing(session):
                session.put('runs', id, run)
                session.commit()
        self.assertEqual(self.sync('run'), (0, '0 steps\n'))
        code, out = self.sync('status')
        self.assertEqual(code, 0)
        self.assertRegex(out, f'run 1, {DATE}: 1 step\n')
        self.assertRegex(out, f'run 2, {DATE}: 0 steps\n')
        self.assertEqual(self.sync('status', '--json')[0], 0)

    def test_the_last_runs(self):
        for number in range(12):
            self.note.write_text(NOTE.replace('fails', f'fails {number}'))
            self.sync('run')
        _, out = self.sync('status')
        self.assertEqual(
            [int(each) for each in re.findall('^run ([0-9]+)', out, re.M)],
            list(range(3, 13)))
        self.assertEqual(
            len(json.loads(self.sync('status', '--json')[1])['runs']), 12)

    def test_stores_are_in_the_order_of_names(self):
        """The one whose record has changed last would be the last one."""
        self.sync('run')
        with mock.patch.object(files, 'RESOLUTION', -10 ** 10):
            self.sync('run')
            os.utime(self.note)
            self.sync('run')
        self.assertEqual(self.sync('status')[1].splitlines()[:2], [
            'store: notes', 'store: table'])

    def test_a_saved_plan(self):
        plan = str(self.folder / 'plan.json')
        self.sync('run')
        self.note.write_text(NOTE.replace('open', 'done'))
        self.sync('plan', '-o', plan)
        self.note.write_text(NOTE.replace('fails', 'works'))
        code, out = self.sync('run', plan)
        self.assertEqual((code, out.splitlines()[0]), (
            1, 'problem: no longer what was planned: table ~ issue A bug '
            'state: open → done (from notes)'))
        self.assertEqual(self.rows()[0]['body'], 'It fails.\n')
        (self.folder / 'plan.json').write_text('[]')
        self.assertEqual(self.sync('run', plan)[0], 2)

    def test_conflicts(self):
        self.sync('run')
        self.note.write_text(NOTE.replace('fails', 'burns'))
        self.table.write_text(self.table.read_text().replace('fails', 'leaks'))
        line = ('conflict: issue A bug body: notes: "It burns.\\n", table: '
                '"It leaks.\\n"; gset sync resolve issue/1/body --store '
                'STORE\n')
        self.assertEqual(self.sync('run'),
                         (1, line + '0 steps, 1 conflict\n'))
        code, out = self.sync('status', '--json')
        self.assertEqual(code, 1)
        [found] = json.loads(out)['conflicts']
        self.assertEqual(found['sides'], {
            'notes': 'It burns.\n', 'table': 'It leaks.\n'})
        self.assertEqual(self.sync(
            'resolve', 'issue/1/body', '--store', 'other')[0], 2)
        self.assertEqual(self.sync(
            'resolve', 'issue/1/body', '--value', '{')[0], 2)
        self.assertEqual(self.sync(
            'resolve', 'issue/1/body', '--store', 'notes'), (0, ''))
        code, out = self.sync('resolve', 'issue/1/body', '--store', 'table')
        self.assertEqual(code, 2)
        self.assertIn('decided already: "It burns.', out)
        self.assertIn('"gset sync undo" takes it back', out)
        self.assertEqual(self.sync('undo', 'issue/1/body'), (0, ''))
        self.assertEqual(self.sync('undo', 'issue/1/body')[0], 2)
        self.assertEqual(self.sync(
            'resolve', 'issue/1/body', '--store', 'table'), (0, ''))
        code, out = self.sync('run', '--json')
        self.assertEqual(code, 0)
        self.assertEqual(len(json.loads(out)['steps']), 1)
        self.assertIn('leaks', self.note.read_text())
        self.assertEqual(
            self.sync('resolve', 'issue/1/body', '--clear')[0], 2)

    def test_held(self):
        for number in range(20):
            (self.folder / 'notes' / f'{number}.md').write_text(
                f'---\ntitle: issue {number}\n---\n')
        self.sync('run')
        for file in (self.folder / 'notes').glob('*.md'):
            file.unlink()
        code, out = self.sync('run')
        self.assertEqual(code, 1)
        held, _ = out.splitlines()
        self.assertRegex(held, '^held: notes/issue: 21 of 21 items removed; '
                         'gset sync release notes/issue [0-9a-f]+$')
        self.assertEqual(len(self.rows()), 21)
        self.assertEqual(self.sync('release', *held.split()[-2:])[0], 0)
        self.assertEqual(self.sync('run')[0], 0)
        self.assertEqual(self.rows(), [])

    def test_quarantine(self):
        self.table.write_text('{"id": 1, "title": "a BUG"}\n')
        code, out = self.sync('run')
        self.assertEqual(code, 1)
        self.assertIn('gset sync match', out)
        self.assertEqual(self.sync('match', 'table/issue/1', '--key', '1')[0],
                         0)
        self.assertEqual(self.sync('run')[0], 0)
        self.assertEqual(self.rows()[0]['title'], 'A bug')
        self.assertEqual(self.sync('match', 'table/issue/1', '--new')[0], 2)

    def test_unavailable(self):
        self.sync('run')
        self.table.unlink()
        code, out = self.sync('run')
        self.assertEqual(code, 2)
        self.assertRegex(out, '^unavailable: table: .* is missing\n')
        self.assertTrue(self.note.exists())

    def test_check(self):
        for store in 'notes', 'table':
            code, out = self.sync('check', store)
            self.assertEqual(code, 0, out)
        self.assertEqual([each.name for each in
                          (self.folder / 'notes').glob('*.md')], ['bug.md'])
        self.assertEqual(self.sync('check', 'other')[0], 2)

    @unittest.skipUnless(pty, 'no terminals here')
    def test_progress_on_a_terminal(self):
        """It is shown there alone, and goes."""
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        out = io.StringIO()
        with open(theirs, 'w') as terminal, \
                contextlib.redirect_stdout(out), \
                contextlib.redirect_stderr(terminal):
            code = main(['sync', '--config', str(self.folder / 'sync.toml'),
                         'run', '--json'])
            expected = f'{CLEAR}1 step done{CLEAR}'.encode()
            shown = b''
            while len(shown) < len(expected):  # it comes in pieces
                shown += os.read(ours, 10_000)
        self.assertEqual(code, 0)
        self.assertEqual(json.loads(out.getvalue())['count'], 1)
        self.assertEqual(shown, expected)

    def test_mistakes(self):
        self.assertEqual(self.sync('run', '--prefer', 'other')[0], 2)
        (self.folder / 'sync.toml').write_text('hub = 1')
        code, out = self.sync('plan')
        self.assertEqual(code, 2)
        self.assertRegex(out, r'^gset: .*sync.toml:1: hub: expected a value')
