"""The conditions of changes: what must hold, or a change isn't made."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec
from starlette.requests import Request

from zc.generationalset import wire
from zc.generationalset.answers import Position
from zc.generationalset.server.fields import field
from zc.generationalset.server.problems import Problem
from zc.generationalset.sources import Editor, NoItem, Path

_TAGS = re.compile(r'\s*(?:W/)?"[^"]*"\s*(?:,\s*(?:W/)?"[^"]*"\s*)*')
_TAG = re.compile(r'(W/)?"([^"]*)"')

#: Returns the JSON text of an item, whatever the item is.
Encode = Callable[[Path, Any], bytes]


class Conditions(NamedTuple):
    """What must hold before a change is made.

    since
        Positions, at one of which the path had what it has.  None for any.
    present, absent
        Whether the path must have something, or nothing.
    """

    since: tuple[Position, ...] | None = None
    present: bool = False
    absent: bool = False


def conditions_of(request: Request) -> Conditions:
    """Return the conditions in If-Match and If-None-Match of a write."""
    headers = request.headers
    has = field(request, 'if-match') if 'if-match' in headers else None
    absent = 'if-none-match' in headers
    if absent and field(request, 'if-none-match').strip() != '*':
        raise Problem(400, 'expected * in If-None-Match of a write')
    if has is None or has.strip() == '*':
        return Conditions(None, has is not None, absent)
    if not _TAGS.fullmatch(has):
        raise Problem(
            400, f'expected * or ETags in If-Match, got {has[:80]!r}')
    return Conditions(tuple(_positions(has)), absent=absent)


def _positions(tags: str) -> Iterator[Position]:
    """Yield the positions in strong ETags; no others ever match."""
    for weak, text in _TAG.findall(tags):
        position = None if weak else wire.decode_position(text)
        if position is not None:
            yield position


def check(
        editor: Editor, path: Path, conditions: Conditions, encode: Encode,
) -> None:
    """Raise a Problem, with what there is now, if conditions don't hold."""
    expected = _expected(editor, path, conditions)
    if expected:
        shown = wire.encode_path(path) or 'the top of the tree'
        raise Problem(412, f'{shown}: expected {expected}',
                      **_found(editor, path, encode))


def _expected(editor: Editor, path: Path, conditions: Conditions) -> str:
    """Return what doesn't hold, or ''."""
    since = conditions.since
    if since is not None and not any(
            editor.unchanged(path, position) for position in since):
        return _unknown(editor, since) or (
            f'what was there at {" or ".join(map(str, since))}; it has '
            'changed, or nobody knows whether it has')
    if conditions.present and not is_there(editor, path):
        return 'something, there is nothing'
    if conditions.absent and is_there(editor, path):
        return 'nothing, there is something'
    return ''


def _unknown(editor: Editor, since: tuple[Position, ...]) -> str:
    """Return why positions can't be those of any client, or ''."""
    if not since:
        return 'a strong ETag of this server'
    if all(position.generation and position.epoch != editor.epoch
           for position in since):
        return f'a position of the epoch {editor.epoch!r}, got another one'
    return ''


def is_there(editor: Editor, path: Path) -> bool:
    """Tell whether a path has an item or a set."""
    return bool(_found(editor, path, lambda path, item: b''))


def _found(editor: Editor, path: Path, encode: Encode) -> dict[str, Any]:
    """Return what a path has, as members of a problem; {} for nothing."""
    try:
        if path:
            return {'item': msgspec.Raw(encode(path, editor.item(path)))}
    except NoItem:
        pass
    try:
        return {'length': editor.length(path)}
    except NoItem:
        return {}
