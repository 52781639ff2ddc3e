"""The rows of a file, and how they are written: JSON, JSON lines, or CSV."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from zc.generationalset.merging import canonical
from zc.generationalset.sync.errors import Gone, Incomplete, Unavailable
from zc.generationalset.sync.stores import files

FORMS = '.json', '.jsonl', '.csv'

Row = dict[str, Any]


class Rows:
    """The rows of a file, as they were when this was made.

    path
        The file; its suffix says how rows are written.
    id
        The column, or member, that has the id.

    Raises Unavailable and Incomplete.
    """

    def __init__(self, path: Path, id: str) -> None:
        self._path = path
        self._id = id
        self._header: list[str] = []
        self._content = self._read()
        try:
            rows = self._parsed(self._content.decode('utf-8-sig'))
        except (ValueError, RecursionError) as error:
            raise Incomplete(f'{path}: {error}') from error
        self._by_id = {canonical(row[id]): row for row in rows}
        self._is_changed = False
        if len(self._by_id) < len(rows):
            raise Incomplete(f'{path}: two items have the same {id}')

    def _read(self) -> bytes:
        try:
            return files.read(self._path)
        except FileNotFoundError as error:
            raise Unavailable(f'{self._path} is missing') from error
        except files.NotRead as error:
            raise Unavailable(str(error)) from error

    def _parsed(self, text: str) -> list[Row]:
        if self._path.suffix == '.csv':
            rows = self._parsed_csv(text)
        elif self._path.suffix == '.json':
            rows = json.loads(text)
        else:
            # A line may have other letters that end lines, such as U+2028.
            rows = [json.loads(line) for line in text.split('\n')
                    if line.strip()]
        if not isinstance(rows, list) or not all(
                isinstance(row, dict) for row in rows):
            raise ValueError('expected a list of objects')
        for row in rows:
            if type(row.get(self._id)) not in (str, int) or row[
                    self._id] == '':
                raise ValueError(f'expected {self._id} in each item')
        return rows

    def _parsed_csv(self, text: str) -> list[Row]:
        reader = csv.DictReader(io.StringIO(text, newline=''), strict=True)
        rows: list[Any] = list(reader)
        self._header = list(reader.fieldnames or ())
        for row in rows:
            if None in row or None in row.values():
                raise ValueError('expected as many cells in each line as in '
                                 'the first')
        return rows

    # Rows

    def __len__(self) -> int:
        return len(self._by_id)

    def all(self) -> list[Row]:
        return list(self._by_id.values())

    def get(self, id: Any) -> Row:
        """Return a row.  Raises Gone."""
        try:
            return self._by_id[canonical(id)]
        except KeyError:
            raise Gone(id) from None

    def put(self, row: Row) -> None:
        """Put a row in the place of the one with its id, or to the end."""
        self._by_id[canonical(row[self._id])] = row
        self._is_changed = True

    def drop(self, id: Any) -> None:
        """Remove a row."""
        del self._by_id[canonical(id)]
        self._is_changed = True

    # Writing

    def save(self) -> None:
        """Write the file, if something has changed.

        Raises Unavailable if somebody else has changed it meanwhile.
        """
        if not self._is_changed:
            return
        if self._read() != self._content:
            raise Unavailable(f'{self._path} has changed meanwhile')
        content = self._text(self.all()).encode()
        if len(content) > files.LONGEST:
            raise Unavailable(f'{self._path} would have more than '
                              f'{files.LONGEST} bytes')
        files.replace(self._path, content)
        self._content, self._is_changed = content, False

    def _text(self, rows: list[Row]) -> str:
        if self._path.suffix == '.csv':
            return self._csv(rows)
        if self._path.suffix == '.json':
            return json.dumps(rows, ensure_ascii=False, indent=2) + '\n'
        return ''.join(json.dumps(row, ensure_ascii=False) + '\n'
                       for row in rows)

    def _csv(self, rows: list[Row]) -> str:
        names = list(dict.fromkeys(
            [self._id, *self._header, *(name for row in rows
                                        for name in row)]))
        text = io.StringIO(newline='')
        writer = csv.DictWriter(text, names, restval='', lineterminator='\n')
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue()
