"""Files of TOML."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping
from typing import Any

from zc.generationalset.merging import ABSENT
from zc.generationalset.sync.errors import Refused
from zc.generationalset.sync.stores.forms import Form
from zc.generationalset.toml import TOMLError, parse

#: The most lines of a value in a file that is changed.
LINES = 1000


class TOMLForm(Form):
    """TOML, with a key for each field.  TOML has no null.

    All else stays as it is, also comments.  A value that is a table of several
    lines can be read, but isn't changed.
    """

    suffix = '.toml'

    def read(self, content: bytes, name: str) -> dict[str, Any]:
        found = parse(content.decode())
        return {field: kind.from_plain(found[field])
                for field, kind in self._type.fields.items() if field in found}

    def patched(self, content: bytes, patch: Mapping[str, Any]) -> bytes:
        text = content.decode().replace('\r\n', '\n')
        expected = parse(text)
        lines = {
            field: '' if value is ABSENT or value is None
            else f'{_key(field)} = {_value(self._plain(field, value))}\n'
            for field, value in patch.items()}
        head, tables = _parts(text)
        pairs = []
        for field, pair in head:
            pairs.append(lines.pop(field, pair) if field else pair)
        new = ''.join([*pairs, *lines.values(), tables])
        for field, value in patch.items():
            expected.pop(field, None)
            if value is not ABSENT and value is not None:
                expected[field] = self._plain(field, value)
        try:
            if parse(new) == expected:
                return new.encode()
        except TOMLError:
            pass
        raise Refused(f'expected {", ".join(patch)} as keys of their own, not '
                      'as tables')

    def _plain(self, field: str, value: Any) -> Any:
        """Return what stands for a value; TOML has dates of its own."""
        if isinstance(value, datetime.date):
            return value
        return self._type.fields[field].plain(value)


def _parts(text: str) -> tuple[list[tuple[str | None, str]], str]:
    """Return the lines of each key, with its name, and what comes after the
    first header of a table.

    Lines without a key have None for its name.
    """
    head: list[tuple[str | None, str]] = []
    lines = re.findall(r'[^\n]*\n|[^\n]+', text)
    number = 0
    while number < len(lines) and not re.match(r'\s*\[', lines[number]):
        end = number + 1
        while (found := _parsed(''.join(lines[number:end]))) is None:
            # Its value has more lines.
            end += 1
            if end > min(len(lines), number + LINES):
                raise Refused(f'expected a shorter value in line {number + 1}')
        head.append((next(iter(found), None),
                     _ended(''.join(lines[number:end]))))
        number = end
    return head, ''.join(lines[number:])


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return parse(text)
    except TOMLError:
        return None


def _ended(pair: str) -> str:
    return pair if pair.endswith('\n') else f'{pair}\n'


def _key(field: str) -> str:
    return field if re.fullmatch(r'[A-Za-z0-9_-]+', field) else _text(field)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace('\x7f', '\\u007f')


def _value(value: Any) -> str:
    """Return a value as TOML.  Raises Refused for None."""
    if isinstance(value, bool):
        return 'true' if value else 'false'
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, list):
        return f'[{", ".join(map(_value, value))}]'
    if isinstance(value, Mapping):
        inside = ', '.join(f'{_key(name)} = {_value(each)}'
                           for name, each in value.items())
        return f'{{{inside}}}'
    raise Refused(f'expected a value that TOML can have, got {value!r}')
