"""Lines of ``gset watch`` on terminals: times, colours, changed fields."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

from zc.generationalset.commands.listing import (
    MARKS,
    columns,
    is_set,
    line,
    show_path,
    text_of,
)
from zc.generationalset.commands.terminal import cut
from zc.generationalset.replica import Change, Subset
from zc.generationalset.replica.echo import is_echo

_COLOURS = {'added': '32', 'changed': '33', 'removed': '31'}  # green to red
_DIM = '2'
#: The most characters of a value, so that several fields fit into a line.
_SHOWN = 30
#: Strings that can't be mistaken for other values.
_is_word = re.compile(r'(?!(?:true|false|null|nothing)$)[^\W\d_][\w.-]*'
                      r'(?: [\w.-]+)*').fullmatch


class Screen:
    """Makes lines of changes, and remembers the items to tell what changed.

    O(n) memory for n items.

    items
        Those of the replica, before the first change.
    """

    def __init__(self, items: Mapping[Any, Any]) -> None:
        self._items = _copy(items)
        self._is_coloured = not os.environ.get(
            'NO_COLOR') and os.environ.get('TERM') != 'dumb'

    def line(self, change: Change) -> str:
        """Return the line of the next change."""
        old = self._take(change)
        now = time.strftime('%H:%M:%S')
        head = f'{now} {MARKS[change.kind]}'
        if change.kind == 'changed' and not isinstance(change.item, Subset):
            fields = ', '.join(_differences(old, change.item))
            text = (f'{head}{show_path(change.path)}  '
                    f'{fields or text_of(change.item)}')
        else:
            text = line(head, change.path, change.item, None)
        text = cut(text, columns() or 80)
        if not self._is_coloured:
            return text
        end = len(head) + len(show_path(change.path))
        return (_coloured(text[:len(now)], _DIM) + _coloured(
            text[len(now):end], _COLOURS[change.kind]) + text[end:])

    def _take(self, change: Change) -> Any:
        """Remember what a change has brought; return what was there."""
        *above, id = change.path
        items = self._items
        for each in above:
            items = items.setdefault(each, Subset())
        if change.kind == 'removed':
            return items.pop(id, None)
        old = items.get(id)
        items[id] = (Subset() if isinstance(change.item, Subset)
                     else change.item)
        return old


def _copy(items: Mapping[Any, Any]) -> Subset:
    return Subset({id: _copy(item) if is_set(item) else item
                   for id, item in items.items()})


def _coloured(text: str, colour: str) -> str:
    return f'\x1b[{colour}m{text}\x1b[0m'


def _differences(old: Any, new: Any) -> Iterator[str]:
    """Yield texts that say what differs between two items."""
    if not (_has_fields(old) and _has_fields(new)):
        yield f'{_shown(old)} -> {_shown(new)}'
        return
    for name in dict.fromkeys([*new, *old]):
        if name not in old or name not in new or not (
                old[name] is new[name] or is_echo(old[name], new[name])):
            sides = [_shown(item[name]) if name in item else 'nothing'
                     for item in (old, new)]
            yield f'{_shown(name)}: {" -> ".join(sides)}'


def _has_fields(item: Any) -> bool:
    return type(item) is dict and all(isinstance(name, str) for name in item)


def _shown(value: Any) -> str:
    if isinstance(value, Subset):
        return 'a set'
    if isinstance(value, str) and _is_word(value):
        return cut(value, _SHOWN)
    return cut(text_of(value), _SHOWN)
