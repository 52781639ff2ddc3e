"""The to-dos of a calendar, as a store: an example of a store of one's own.

In ``sync.toml``, with this file beside it::

    [types.todo]
    key = ["title"]
    [types.todo.fields]
    title = "str"
    text = "str"
    state = "enum:open,done"
    due = "date"

    [stores.calendar]
    kind = "caldav_store:make"
    url = "https://calendar.example/ann/tasks/"
    user = "ann"
    password = {env = "CALENDAR_PASSWORD"}

An id is the name of a resource, which the synchronizer chooses.  A token is
its ETag, and a cursor is the token of a WebDAV synchronization (RFC 6578).  An
exception of httpx counts as Unavailable, so nothing here catches them.
"""

import re
from contextlib import suppress
from datetime import date
from urllib.parse import quote, unquote
from xml.etree import ElementTree

import httpx

from zc.generationalset.sync import (
    ABSENT,
    Accessor,
    Capabilities,
    Changes,
    Data,
    Gone,
    Incomplete,
    Listed,
    Refused,
    Stale,
    Store,
    Unreadable,
)

CHANGES = '''<?xml version="1.0" encoding="utf-8"?>
<sync-collection xmlns="DAV:"><sync-token>{}</sync-token>
<sync-level>1</sync-level><prop><getetag/></prop></sync-collection>'''
NEW = '''BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//zc.generationalset//caldav_store//EN
BEGIN:VTODO
UID:{}
DTSTAMP:19700101T000000Z
END:VTODO
END:VCALENDAR'''
PROPERTIES = {
    'title': 'SUMMARY', 'text': 'DESCRIPTION', 'state': 'STATUS', 'due': 'DUE'}
STATES = {'open': 'NEEDS-ACTION', 'done': 'COMPLETED'}
ESCAPES = {'\\': '\\\\', ';': '\\;', ',': '\\,', '\n': '\\n'}


def make(options):
    """Return the store that a file of configuration describes."""
    url, user = options.take('url', str), options.take('user', str)
    client = httpx.Client(
        base_url=url, auth=(user, options.take('password', str)), timeout=30)
    return Calendar(options.name, client, options.types)


class Calendar(Store):

    def __init__(self, name, client, types):
        super().__init__(name, {type: Todos(type, client) for type in types})
        self.client = client

    def identity(self):
        return str(self.client.base_url)

    def close(self):
        self.client.close()


class Todos(Accessor):

    capabilities = Capabilities(conditional=True, deltas=True, repeatable=True)

    def __init__(self, type, client):
        self.type = type
        self.client = client

    def ask(self, method, id='', content=None, **headers):
        """Return what the server answers.

        Raises Gone, Stale and Refused.
        """
        response = self.client.request(
            method, quote(id, safe=''), content=content, headers={
                name.replace('_', '-'): value
                for name, value in headers.items() if value})
        if id and response.status_code in (404, 410):
            raise Gone(id)
        if response.status_code == 412:
            raise Stale(f'{id} has changed')
        if method == 'PUT' and response.status_code in (400, 403, 409, 415):
            raise Refused(response.text)
        return response

    def find(self, cursor=None):
        response = self.ask('REPORT', content=CHANGES.format(cursor or ''),
                            Content_Type='application/xml')
        if cursor and response.status_code in (403, 409):
            return self.find()  # it knows this cursor no longer
        response.raise_for_status()
        tree = ElementTree.fromstring(response.content)  # noqa: S314
        found = [self.found(each) for each in tree.iter('{DAV:}response')]
        if not cursor:  # what was removed before is listed, too
            found = [each for each in found if not isinstance(each, Gone)]
        token = tree.findtext('{DAV:}sync-token')
        if not token:
            raise Incomplete('expected a token')
        return Changes(found, not cursor, lambda: token)

    def found(self, element):
        path = element.findtext('{DAV:}href')
        id = unquote(path.rpartition('/')[2])
        status = element.findtext('{DAV:}status') or ''
        if ' 404 ' in f'{status} ':
            return Gone(id)
        etag = element.findtext('.//{DAV:}getetag')
        if not (id and etag):
            raise Incomplete(f'expected an ETag of {path}, got {status}')
        return Listed(id, etag)

    def count(self):
        return sum(1 for _ in self.find())

    def get(self, id):
        return self.read(id)[0]

    def read(self, id):
        """Return an item, and its lines.  Raises Gone and Unreadable."""
        response = self.ask('GET', id).raise_for_status()
        lines = unfolded(response.text)
        if 'BEGIN:VTODO' not in lines:
            raise Unreadable(id, 'expected a to-do')
        return Data(self.type, id, dict(fields_of(lines)),
                    response.headers['ETag']), lines

    def add(self, data, key):
        id = f'{key}.ics'
        with suppress(Stale):  # it was added before
            self.put(id, NEW.format(key).split('\n'), data.fields,
                     If_None_Match='*')
        return self.get(id)

    def update(self, id, patch, token):
        data, lines = self.read(id)
        if token not in (None, data.token):
            raise Stale(f'{id} has changed')
        self.put(id, lines, patch, If_Match=data.token)
        return self.get(id)

    def put(self, id, lines, patch, **condition):
        names = {PROPERTIES[field] for field in patch}
        kept = [line for line, name, _ in properties(lines)
                if name not in names]
        kept[kept.index('END:VTODO'):0] = [
            line_of(field, value) for field, value in patch.items()
            if value is not ABSENT and value is not None]
        content = '\r\n'.join([*kept, '']).encode()
        self.ask('PUT', id, content, Content_Type='text/calendar',
                 **condition).raise_for_status()

    def remove(self, id, token):
        self.ask('DELETE', id, If_Match=token).raise_for_status()


# iCalendar (RFC 5545)

def unfolded(text):
    return re.split(r'\r?\n', re.sub(r'\r?\n[ \t]', '', text).rstrip())


def properties(lines):
    """Yield each line, with name and value if it is one of the to-do."""
    inside = []
    for line in lines:
        found = re.match(r'([\w-]+)(?:;(?:[^:"]|"[^"]*")*)?:(.*)', line)
        name, value = found.groups() if found else ('', '')
        if name == 'BEGIN':
            inside.append(value)
        is_own = inside == ['VCALENDAR', 'VTODO']
        yield (line, name.upper(), value) if is_own else (line, None, None)
        if name == 'END' and inside:
            inside.pop()


def fields_of(lines):
    values = {name: value for _, name, value in properties(lines) if name}
    for field, name in PROPERTIES.items():
        if name in values:
            yield field, value_of(field, values[name])


def value_of(field, text):
    if field == 'due' and (found := re.match(r'(\d{4})(\d\d)(\d\d)$', text)):
        return date(*map(int, found.groups()))
    if field == 'state':
        return 'done' if text in ('COMPLETED', 'CANCELLED') else 'open'
    return re.sub(r'\\(.)', lambda found: (
        '\n' if found[1] in 'nN' else found[1]), text)


def line_of(field, value):
    name = PROPERTIES[field]
    if field == 'due':
        return f'{name};VALUE=DATE:{value:%Y%m%d}'
    if field == 'state':
        return f'{name}:{STATES[value]}'
    return name + ':' + ''.join(ESCAPES.get(each, each) for each in value)
