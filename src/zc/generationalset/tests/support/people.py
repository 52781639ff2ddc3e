"""People who edit a folder of notes, a table and a served set, by hand."""

import sqlite3
from contextlib import closing

from zc.generationalset.documents import Document

TABLE = ('CREATE TABLE issues (id TEXT PRIMARY KEY, title TEXT UNIQUE, '
         "state TEXT, body TEXT, owner TEXT DEFAULT 'nobody')")


class Notes:
    """A folder of Markdown."""

    def __init__(self, folder):
        self._folder = folder

    def items(self):
        """Return all items, as they are; one that is there twice, too."""
        return [self._read(file) for file in self._folder.glob('*.md')]

    def _read(self, file):
        _, head, body = file.read_text().split('---\n', 2)
        return {**dict(line.split(': ') for line in head.splitlines()),
                'body': body}

    def _file(self, title):
        return next(file for file in self._folder.glob('*.md')
                    if self._read(file)['title'] == title)

    def _write(self, file, fields):
        body = fields.pop('body')
        lines = ''.join(f'{name}: {text}\n' for name, text in fields.items())
        file.write_text(f'---\n{lines}---\n{body}')

    def add(self, fields):
        self._write(self._folder / f'by hand {fields["title"]}.md',
                    {'mine': 'x', **fields})

    def edit(self, title, field, value):
        file = self._file(title)
        self._write(file, {**self._read(file), field: value})

    def remove(self, title):
        self._file(title).unlink()


class Rows:
    """A table of SQLite."""

    def __init__(self, file):
        self._file = file

    def tell(self, statement, *values):
        with closing(sqlite3.connect(self._file, timeout=90)) as connection, \
                connection:
            connection.row_factory = sqlite3.Row
            return connection.execute(statement, values).fetchall()

    def items(self):
        return [dict(row) for row in self.tell('SELECT * FROM issues')]

    def add(self, fields):
        self.tell('INSERT INTO issues VALUES (?, ?, ?, ?, ?)',
                  f'by hand {fields["title"]}', *fields.values(), 'me')

    def edit(self, title, field, value):
        self.tell(f'UPDATE issues SET {field} = ? WHERE title = ?',
                  value, title)

    def remove(self, title):
        self.tell('DELETE FROM issues WHERE title = ?', title)


class Things:
    """A set that is served.

    changing
        Begins a transaction, with the set.
    """

    def __init__(self, changing):
        self._changing = changing

    def items(self):
        with self._changing() as things:
            return [dict(each.value) for each in things]

    def _id(self, things, title):
        return next(each.id for each in things
                    if each.value['title'] == title)

    def add(self, fields):
        with self._changing() as things:
            things.add(Document(f'by hand {fields["title"]}',
                                {**fields, 'x': 1}))

    def edit(self, title, field, value):
        with self._changing() as things:
            id = self._id(things, title)
            things.changed(Document(id, {**things[id].value, field: value}))

    def remove(self, title):
        with self._changing() as things:
            del things[self._id(things, title)]
