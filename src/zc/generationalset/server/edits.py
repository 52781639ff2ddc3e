"""The changes that clients ask for, and how an editor makes them."""

from __future__ import annotations

import secrets
from typing import Any, NamedTuple

from zc.generationalset import wire
from zc.generationalset.server.problems import Problem
from zc.generationalset.sources import Editor, Path


class Edit(NamedTuple):
    """One change of a tree.

    op
        'put', 'add', 'set' or 'remove', as in docs/protocol.txt.
    path
        Ids; the last one is the item's.  For 'add', all are of sets.
    json
        The text of the item, for 'put' and 'add'.
    is_set
        For 'remove': whether a set must be there, or an item; None for either.
    """

    op: str
    path: Path
    json: bytes = b''
    is_set: bool | None = None


def make(editor: Editor, edit: Edit) -> tuple[Any, bool]:
    """Make a change in a transaction; return its id, and whether it is new.

    Raises a Problem, or an error of the source, if it can't be made.
    """
    if edit.op != 'remove':
        _check_depth(edit)
    if edit.op == 'add':
        id = secrets.token_urlsafe(9)
        return id, editor.put((*edit.path, id), edit.json)
    if not edit.path:
        raise Problem(400, 'expected the id of an item, got the top of the '
                      'tree')
    id = edit.path[-1]
    if edit.op == 'put':
        return id, editor.put(edit.path, edit.json)
    if edit.op == 'set':
        return id, editor.make_set(edit.path)
    editor.remove(edit.path, edit.is_set)
    return id, False


def _check_depth(edit: Edit) -> None:
    """Refuse sets that are too deep for any answer."""
    depth = len(edit.path) - (edit.op == 'put')
    if depth > wire.SUBSETS:
        raise Problem(400, f'expected at most {wire.SUBSETS} sets within each '
                      f'other, got a path of {depth}')
