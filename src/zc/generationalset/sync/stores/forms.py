"""How an item stands in a file of its own."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from zc.generationalset.merging import ABSENT
from zc.generationalset.sync.errors import Refused
from zc.generationalset.sync.type import Type

#: Letters of the name of a new file.
LETTERS = 50
#: Names that mean devices in Windows, whatever comes after a dot.
DEVICES = re.compile(r'(con|prn|aux|nul|(com|lpt)\d)(\.|$)', re.IGNORECASE)


class Form(ABC):
    """A form of files.

    suffix
        That of their names.
    fixed
        Fields that are fixed once there is a file.
    """

    suffix: str
    fixed: frozenset[str] = frozenset()

    def __init__(self, type: Type) -> None:
        self._type = type

    def names(self, fields: Mapping[str, Any]) -> Iterator[str]:
        """Yield names for the file of a new item.  Raises Refused."""
        name = _name([fields[field] for field in self._type.key])
        yield name + self.suffix
        for number in count(2):
            yield f'{name}-{number}{self.suffix}'

    @abstractmethod
    def read(self, content: bytes, name: str) -> dict[str, Any]:
        """Return the declared fields of a file.  Raises ValueError."""

    @abstractmethod
    def patched(self, content: bytes, patch: Mapping[str, Any]) -> bytes:
        """Return the content with other values of fields.

        All else stays as it is.  Raises ValueError, and Refused for values
        that the form can't have.
        """


def _name(values: list[Any]) -> str:
    """Return the name of a file for an item with a key."""
    text = re.sub(r'[^\w.-]+', '-', '-'.join(map(str, values)))
    name = text.strip('-._')[:LETTERS].rstrip('-._') or 'item'
    return f'item-{name}' if DEVICES.match(name) else name


class BytesForm(Form):
    """Any file: ``name`` is its name, and ``content`` what it has.

    The type has these two fields; the content is a text, in UTF-8, or bytes.

    Raises ValueError if the type has others.
    """

    suffix = ''
    fixed = frozenset(['name'])

    def __init__(self, type: Type) -> None:
        super().__init__(type)
        kinds = {field: kind.name for field, kind in type.fields.items()}
        if kinds not in ({'name': 'str', 'content': 'bytes'},
                         {'name': 'str', 'content': 'str'}) \
                or type.key != ('name',):
            raise ValueError(
                'form: "bytes" is for a type whose key is name, and whose '
                'fields are name = "str" and content = "bytes" or "str"')
        self._is_text = kinds['content'] == 'str'

    def names(self, fields: Mapping[str, Any]) -> Iterator[str]:
        yield fields['name']

    def read(self, content: bytes, name: str) -> dict[str, Any]:
        return {'name': name,
                'content': content.decode() if self._is_text else content}

    def patched(self, content: bytes, patch: Mapping[str, Any]) -> bytes:
        value = patch.get('content', content)
        if value is ABSENT or value is None:
            return b''
        return value.encode() if isinstance(value, str) else bytes(value)


class JSONForm(Form):
    """A JSON object."""

    suffix = '.json'

    def _object(self, content: bytes) -> dict[str, Any]:
        found = json.loads(content or b'{}')
        if not isinstance(found, dict):
            raise ValueError('expected a JSON object')
        return found

    def read(self, content: bytes, name: str) -> dict[str, Any]:
        return self._type.from_plain(self._object(content))

    def patched(self, content: bytes, patch: Mapping[str, Any]) -> bytes:
        found = self._object(content)
        for field, value in patch.items():
            if value is ABSENT:
                found.pop(field, None)
            else:
                found[field] = self._type.fields[field].plain(value)
        text = json.dumps(found, ensure_ascii=False, indent=2)
        return f'{text}\n'.encode()


class MarkdownForm(Form):
    """Markdown with front matter: a line for each field, and the body.

    .. code-block:: text

        ---
        title: A bug
        labels: ["urgent"]
        ---
        It does not work.

    A value is JSON, or a plain text.  ``body`` is the field that has the text
    below, if the type declares it.  Lines of other fields stay as they are.
    """

    suffix = '.md'

    def read(self, content: bytes, name: str) -> dict[str, Any]:
        lines, body = self._parts(content)
        found = {}
        for line in lines:
            field, _, text = line.partition(':')
            kind = self._type.fields.get(field)
            if kind is not None and field != 'body':
                if field in found:
                    raise ValueError(f'{field} is there twice')
                found[field] = kind.from_plain(
                    _value(text.strip(), kind.name))
        if 'body' in self._type.fields:
            found['body'] = body
        return found

    def _parts(self, content: bytes) -> tuple[list[str], str]:
        """Return the lines of the front matter, and the body."""
        text = content.decode().replace('\r\n', '\n')
        if not text:
            return [], ''
        if not text.startswith('---\n'):
            return [], text
        head, end, body = text[3:].partition('\n---\n')
        if not end:
            raise ValueError('expected --- after the front matter')
        lines = head.split('\n')[1:]
        for line in lines:
            if line[:1] in (' ', '\t', '-'):
                raise ValueError('expected one line for each field, '
                                 f'got {line!r:.60}')
        return lines, body

    def patched(self, content: bytes, patch: Mapping[str, Any]) -> bytes:
        lines, body = self._parts(content)
        for field, value in patch.items():
            if field == 'body':
                body = '' if value is ABSENT else value
                if not isinstance(body, str) or '\r' in body:
                    raise Refused('the body is a text without CR')
                continue
            line = None if value is ABSENT else f'{field}: ' + _text(
                self._type.fields[field].plain(value),
                self._type.fields[field].name)
            lines = _with_line(lines, field, line)
        head = ''.join(f'{line}\n' for line in lines)
        return f'---\n{head}---\n{body}'.encode()


def _with_line(
        lines: list[str], field: str, line: str | None) -> list[str]:
    """Replace the line of a field, in its place."""
    result, new = [], [] if line is None else [line]
    for each in lines:
        if each.partition(':')[0] == field:
            result += new
            new = []
        else:
            result.append(each)
    return result + new


def _value(text: str, kind: str) -> Any:
    """Return the value of a line; a text that isn't JSON stands for itself."""
    if kind in ('str', 'decimal') and text != 'null' \
            and not text.startswith('"'):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _text(value: Any, kind: str) -> str:
    """Return the line's part for a value, plain if that can be read again."""
    if isinstance(value, str) and value.isprintable() \
            and value == value.strip() and value[:1] not in tuple(
                '"\'[]{}&*!|>%@`#,?:-') and ': ' not in value \
            and ' #' not in value and _value(value, kind) == value \
            and not _is_scalar(value):
        return value
    return json.dumps(value, ensure_ascii=False)


def _is_scalar(text: str) -> bool:
    """Tell whether readers of YAML may take a text for something else."""
    words = '', '~', 'null', 'true', 'false', 'yes', 'no', 'on', 'off'
    return text.lower() in words or text.endswith(':') \
        or text[:1].isdigit() or text[:1] in '+.'
