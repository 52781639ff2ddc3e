"""Items and changes as lines, for people and for programs."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from zc.generationalset import wire
from zc.generationalset.commands.terminal import cut, escape
from zc.generationalset.replica import Subset

Path = tuple[Any, ...]

MARKS = {'added': '+ ', 'changed': '~ ', 'removed': '- '}


def show_path(path: Path) -> str:
    """Return a path as commands take it, but readable."""
    return '/'.join(map(_show_id, path))


def _show_id(id: Any) -> str:
    segment = wire.path_segment(id)
    return ''.join(
        char if char.isprintable() and char not in ' %/'
        else quote(char, safe='')
        for char in unquote(segment))


def text_of(value: Any) -> str:
    """Return a value as JSON that is safe on a terminal."""
    return escape(wire.encode_value(value).decode())


def indented(item: Any) -> str:
    plain = json.loads(wire.encode_value(item))
    text = json.dumps(plain, ensure_ascii=False, indent=2)
    return '\n'.join(map(escape, text.split('\n')))


def line(mark: str, path: Path, item: Any, width: int | None) -> str:
    text = mark + show_path(path)
    text += '/' if isinstance(item, Subset) else f'  {text_of(item)}'
    return text if width is None else cut(text, width)


def json_line(
        kind: str | None, path: Path, item: Any,
        position: str | None = None) -> str:
    ids = wire.encode_ids(path).decode()
    text = '{' + (f'"change":"{kind}",' if kind else '') + f'"path":{ids},'
    text = escape(text)
    if isinstance(item, Subset):
        return text + '"set":true}'
    end = '' if position is None else f',"position":{text_of(position)}'
    return f'{text}"item":{text_of(item)}{end}}}'


def is_set(item: Any) -> bool:
    """Tell whether an item of a replica, in memory or file, is a subset."""
    return isinstance(item, Subset) or (
        isinstance(item, Mapping) and not isinstance(item, dict))


def columns() -> int | None:
    """Return the width of the terminal; None if the output isn't one."""
    if not sys.stdout.isatty():
        return None
    return shutil.get_terminal_size().columns
