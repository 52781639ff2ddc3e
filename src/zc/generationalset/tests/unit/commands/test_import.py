"""The command ``gset import``."""

import contextlib
import io
import json
import tempfile
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import ZODB
from hypothesis import given
from hypothesis import strategies as st
from ZODB.DemoStorage import DemoStorage

from zc.generationalset import GSet, wire
from zc.generationalset.__main__ import main
from zc.generationalset.client import Client
from zc.generationalset.commands import importing
from zc.generationalset.commands.listing import json_line
from zc.generationalset.replica import Subset
from zc.generationalset.server import application
from zc.generationalset.tests.support import strategies
from zc.generationalset.tests.support.properties import tries
from zc.generationalset.tests.support.serving import served
from zc.generationalset.tests.unit.commands.test_command import Commands

HARD = [
    None, True, 1, -0.0, 2 ** 60, float('nan'), float('inf'), Decimal('1.50'),
    b'\x00\xff', (), (1, ('a',)), frozenset([1, 2]), {1: 'x', (2,): []},
    {'$int': '1'}, {'': {'$object': {}}}, '\x1b[2J\u2028\U0001f600', 'ä']
IDS = ['', '.', 'a/b', '%', '~', 42, -1, 2 ** 60, 1.5, (1, 'x'), b'\xff',
       Decimal('2.5'), '\x1b\n']


def gset(*arguments, input=''):
    """Run a command in this process; return exit code, output and errors."""
    out, error = io.StringIO(), io.StringIO()
    stdin = SimpleNamespace(buffer=io.BytesIO(input.encode()))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error), \
            mock.patch('sys.stdin', stdin):
        code = main(list(arguments))
    return code, out.getvalue(), error.getvalue()


class ImportTests(Commands):

    def imports(self, *arguments, code=0, out='', error='', input=''):
        result = gset('import', self.url, *arguments, input=input)
        self.assertEqual(result[:2], (code, out), result)
        self.assertRegex(result[2], f'^gset: {error}\n$' if error else '^$')

    def lines(self, *entries):
        return ''.join(json.dumps(entry) + '\n' for entry in entries)

    def other(self):
        """Serve an empty set; return its URL."""
        db = ZODB.DB(DemoStorage())
        self.stack.callback(db.close)
        with db.transaction() as connection:
            connection.root.things = GSet()
        return self.stack.enter_context(served(application(
            db, find=lambda root: root['things'], write=True)))

    def test_another_server_gets_equal_contents(self):
        self.client.make_set('ids')
        self.client.batch([
            *(change for n, id in enumerate(IDS) for change in [
                ('set', ('ids', str(n))), ('set', ('ids', str(n), id)),
                ('put', ('ids', str(n), id, id), id)]),
            *(('put', f'value {n}', each) for n, each in enumerate(HARD)),
            ('set', 'empty'), ('set', ('empty', 'er'))])
        _, out, _ = gset('get', self.url, '--json')
        url = self.other()
        code, summary, error = gset('import', url, input=out)
        count = len(out.splitlines())
        self.assertEqual((code, summary, error), (
            0, f'{count} added, 0 replaced, 0 equal\n', ''))
        self.assertEqual(sorted(gset('get', url, '--json')[1].splitlines()),
                         sorted(out.splitlines()))
        with Client(url) as client:
            client.sync()
            self.assertEqual(strategies.described(dict(sorted(
                client.replica.items.items()))), strategies.described(
                    dict(sorted(self.items().items()))))
            position = client.position
            code, summary, error = gset('import', url, input=out)
            self.assertEqual((code, summary, error), (
                0, f'0 added, 0 replaced, {count} equal\n', ''))
            client.sync()
            self.assertEqual(client.position, position)

    def test_sets_above_are_made(self):
        _, out, _ = gset('get', self.url, 'people/', '--json')
        self.client.remove_set('people')
        self.imports(input=out, out='3 added, 0 replaced, 0 equal\n')
        self.assertEqual(self.items()['people'],
                         {'ann': {'name': 'Ann'}, 'b/c': 'ä\x1b[2J'})

    def test_an_item(self):
        """The output for one item has a position."""
        _, out, _ = gset('get', self.url, 'people/ann', '--json')
        self.client.put(('people', 'ann'), 2)
        self.imports('--replace', input=out,
                     out='0 added, 1 replaced, 1 equal\n')
        self.assertEqual(self.items()['people']['ann'], {'name': 'Ann'})

    def test_what_differs(self):
        text = self.lines({'path': ['people', 'ann'], 'item': 2},
                          {'path': ['new'], 'item': '\x1b'})
        shown = '~ people/ann  2\n'
        error = 'the server has other items at 1 of these paths; --replace .*'
        self.imports(input=text, code=1, out=shown, error=error)
        self.assertEqual(self.items()['people']['ann'], {'name': 'Ann'})
        self.assertNotIn('new', self.items())
        shown += '+ new  "\\u001b"\n'
        self.imports('--dry-run', input=text, code=1, out=shown, error=error)
        self.imports('--dry-run', '--replace', input=text, out=shown + (
            '1 added, 1 replaced, 1 equal; nothing was written\n'))
        self.assertNotIn('new', self.items())
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, 'a.jsonl')
            path.write_text(text)
            self.imports(str(path), '--replace',
                         out='1 added, 1 replaced, 1 equal\n')
        self.assertEqual(self.items()['people']['ann'], 2)
        self.assertEqual(self.items()['new'], '\x1b')

    def test_sets_and_items_are_not_exchanged(self):
        for entry, error in [
                ({'path': ['people'], 'item': 1},
                 'people: expected an item, but the server has a set'),
                ({'path': ['people', 'ann', 'x'], 'item': 1},
                 'people/ann: expected a set, but the server has an item')]:
            self.imports('--replace', input=self.lines(entry), code=1,
                         error=error)

    def test_bad_input(self):
        for text, error in [
                ('{', 'expected JSON .*'), ('[]', 'expected an object .*'),
                ('{"path": []}', 'expected an object .*'),
                ('{"path": "a", "item": 1}', 'expected an object .*'),
                ('{"path": ["a"]}', 'expected either .*, got nothing'),
                ('{"path": ["a"], "item": 1, "set": true}', '.*item, set'),
                ('{"path": ["a"], "item": 1, "change": "added"}',
                 '.*item, change'),
                ('{"path": ["a"], "item": {"$int": 1}}', 'expected .*'),
                ('{"path": [{}], "item": 1}', 'expected .*'),
                ('{"path": ["good"], "item": 2}', 'good is there twice'),
                ('{"path": ["good"], "set": true}', 'good is an item, .*'),
                ('{"path": ["good", 1], "item": 2}', 'good is an item, .*'),
                ('{"path": ["s"], "item": 2}', 's is an item, and a set')]:
            before = self.lines(
                {'path': ['good'], 'item': 1}, {'path': ['s'], 'set': True},
                {'path': ['good'], 'item': 1})
            self.imports(code=2, error=f'the input, line 5: {error}',
                         input=f'{before}\n{text}\n')
        self.imports('/nowhere', code=2, error='can not read /nowhere: .*')
        self.assertEqual(list(self.items()), ['people'])

    def exit_code(self, *arguments, **entries):
        """Import some items; return the exit code."""
        return gset('import', self.url, *arguments, input=self.lines(*(
            {'path': name.split('_'), 'item': item}
            for name, item in entries.items())))[0]

    def test_others_write_meanwhile(self):
        """Without --replace, what they write isn't overwritten."""
        batches = importing._batches

        def meanwhile(writes):
            writes = list(writes)
            if ('put', ('mine',), 1) in writes:
                self.client.put('mine', 'other')
            return batches(writes)
        for arguments, code, item in [((), 1, 'other'), (
                ('--replace',), 0, 1)]:
            with mock.patch.object(importing, '_batches', meanwhile):
                self.assertEqual(
                    self.exit_code(*arguments, mine=1, set_x=2), code)
            self.assertEqual(self.items()['mine'], item)
            self.client.remove('mine')

    def test_others_write_while_sets_are_made(self):
        batches = importing._batches

        def meanwhile(writes):
            writes = list(writes)
            if ('set', ('set',)) in writes:
                self.client.put('mine', 'other')
            return batches(writes)
        with mock.patch.object(importing, '_batches', meanwhile):
            self.assertEqual(self.exit_code(mine=1, set_x=2), 1)
        self.assertEqual(self.items()['mine'], 'other')

    def test_again_after_an_interruption(self):
        """Batches that were written stay; the next run writes the rest."""
        entries = {f'item{number}': number for number in range(25)}
        put = Client.batch
        calls = []

        def interrupted(client, batch, **options):
            calls.append(len(batch))
            if len(calls) == 2:
                raise KeyboardInterrupt
            return put(client, batch, **options)
        with mock.patch.object(importing, 'CHANGES', 10), \
                mock.patch.object(Client, 'batch', interrupted):
            self.assertEqual(self.exit_code(**entries), 130)
            self.assertEqual(len(self.items()), 11)
            self.assertEqual(self.exit_code(**entries), 0)
        self.assertEqual(calls, [10, 10, 10, 5])
        self.assertEqual(len(self.items()), 26)

    def test_batches(self):
        large = 'x' * (importing.BYTES - 2)
        sizes = [len(batch) for batch in importing._batches(
            [('put', 'a', large), ('put', 'b', 1), ('put', 'c', 2),
             ('put', 'd', large + large), *[('set', 'e')] * 1001])]
        self.assertEqual(sizes, [1, 2, 1, 1000, 1])

    @tries(60)
    @given(st.lists(strategies.ids, min_size=1, max_size=3).map(tuple),
           strategies.values)
    def test_lines_of_get_are_read(self, path, value):
        text = json_line(None, path, value).encode()
        read, item = importing._entry(text)
        self.assertEqual(read, path)
        self.assertEqual(strategies.described(item), strategies.described(
            wire.decode_value(wire.encode_value(value))))
        contents = importing.Contents()
        contents.add(read, item)
        items = {path[-1]: wire.decode_value(wire.encode_value(value))}
        for id in reversed(path[:-1]):
            items = {id: Subset(items)}
        self.assertEqual(list(contents.changes(items)), [])
