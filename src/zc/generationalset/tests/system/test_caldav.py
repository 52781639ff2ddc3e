"""The example of a store of one's own: a calendar."""

import contextlib
import io
import shutil
import sys
import unittest
from datetime import date
from pathlib import Path

from zc.generationalset.__main__ import main
from zc.generationalset.sync import Gone, Type, Unreadable
from zc.generationalset.sync.configuration import Configuration
from zc.generationalset.sync.testing import StoreTests
from zc.generationalset.tests.support.places import EXAMPLES
from zc.generationalset.tests.support.properties import THOROUGH
from zc.generationalset.tests.support.radicale import Radicale
from zc.generationalset.tests.support.stored import InFolder

CONFIGURATION = '''\
hub = "Hub.fs"
[types.todo]
key = ["title"]
[types.todo.fields]
title = "str"
text = "str"
state = "enum:open,done"
due = "date"
[stores.calendar]
kind = "caldav_store:make"
url = "{}"
user = "ann"
password = "any"
[stores.notes]
kind = "folder"
path = "notes"
[stores.notes.todo]
form = "markdown"
'''
#: As a phone may have written it.
TODO = '''\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//A phone//EN
BEGIN:VTODO
UID:phone
DTSTAMP:20260102T030405Z
SUMMARY;LANGUAGE="en:x":Milk\\, and a very long text that is folded by the ph
 one
STATUS:IN-PROCESS
PRIORITY:1
DUE;VALUE=DATE:20260203
BEGIN:VALARM
ACTION:DISPLAY
DESCRIPTION:Now
TRIGGER:-PT10M
END:VALARM
END:VTODO
END:VCALENDAR
'''.replace('\n', '\r\n')


class InCalendar(InFolder):

    layer = Radicale

    def setUp(self):
        super_path = sys.path.copy()
        self.addCleanup(sys.path.__setitem__, slice(None), super_path)
        self.addCleanup(sys.modules.pop, 'caldav_store', None)
        super().setUp()

    def make_store(self):
        (self.path / 'notes').mkdir(exist_ok=True)
        shutil.copy(EXAMPLES / 'caldav_store.py', self.path)
        file = self.path / 'sync.toml'
        file.write_text(CONFIGURATION.format(Radicale.url))
        calendar, _ = Configuration(file).stores()
        self.client = calendar.client
        return calendar


class CalendarTests(InCalendar, StoreTests, unittest.TestCase):

    type = Type('todo', {
        'title': 'str', 'text': 'str', 'state': 'enum:open,done',
        'due': 'date'}, ['title'])

    def put(self, name, content):
        self.client.put(name, content=content, headers={
            'Content-Type': 'text/calendar'}).raise_for_status()
        self.addCleanup(self.client.delete, name)

    def test_what_others_have_written(self):
        self.put('phone.ics', TODO)
        data = self.accessor.get('phone.ics')
        self.assertEqual(data.fields, {
            'title': 'Milk, and a very long text that is folded by the phone',
            'state': 'open', 'due': date(2026, 2, 3)})
        self.accessor.update('phone.ics', {'text': 'a;\nb'}, data.token)
        text = self.client.get('phone.ics').text.replace('\r\n', '\n')
        for line in ('PRIORITY:1', 'DESCRIPTION:Now', 'UID:phone',
                     'DESCRIPTION:a\\;\\nb', 'STATUS:IN-PROCESS'):
            self.assertIn(f'\n{line}\n', text)

    def test_events(self):
        self.put('event.ics', TODO.replace('VTODO', 'VEVENT').replace(
            'DUE', 'DTSTART').replace('STATUS:IN-PROCESS\r\n', ''))
        self.assertRaises(Unreadable, self.accessor.get, 'event.ics')

    def test_names(self):
        self.put('a b%2B.ics', TODO)
        [found] = self.accessor.find()
        self.assertEqual(found.id, 'a b+.ics')
        self.assertEqual(self.accessor.get(found.id).id, found.id)
        self.assertRaises(Gone, self.accessor.get, 'other.ics')

    def test_cursors_that_are_no_longer_known(self):
        changes = self.accessor.find('http://radicale.org/ns/sync/unknown')
        self.assertTrue(changes.snapshot)


class CommandTests(InCalendar, unittest.TestCase):

    def gset(self, *arguments):
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            code = main(['sync', '--config', str(self.path / 'sync.toml'),
                         *arguments])
        return code, out.getvalue()

    def test_with_a_folder(self):
        calendar = self.make_store()
        self.addCleanup(calendar.close)
        todos = calendar.accessors['todo']
        Path(self.path, 'notes', 'x.md').write_text(
            '---\ntitle: Milk\nstate: open\n---\n')
        code, out = self.gset('run')
        self.assertEqual(code, 0, out)
        [listed] = todos.find()
        self.addCleanup(todos.remove, listed.id, None)
        data = todos.get(listed.id)
        todos.update(data.id, {'state': 'done'}, data.token)
        self.assertEqual(self.gset('run'), (
            0, 'notes ~ todo Milk state: open → done (from calendar)\n'
            '1 step\n'))
        self.assertEqual(self.gset('run'), (0, '0 steps\n'))

    if THOROUGH:
        # These are the tests above, in the command.
        def test_check(self):
            self.make_store().close()
            code, out = self.gset('check', 'calendar')
            self.assertEqual(code, 0, out)
