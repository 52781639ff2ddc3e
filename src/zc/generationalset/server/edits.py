"""The changes that clients ask for, and how an editor makes them."""

from __future__ import annotations

import secrets
from typing import Any, NamedTuple

from zc.generationalset import wire
from zc.generationalset.server.conditions import (
    Conditions,
    Encode,
    check,
    is_there,
)
from zc.generationalset.server.options import Limits
from zc.generationalset.server.problems import Problem
from zc.generationalset.sources import Editor, NoItem, Path, WrongKind


class Edit(NamedTuple):
    """One change of a tree.

    op
        'put', 'patch', 'add', 'set' or 'remove', as in docs/protocol.txt.
    path
        Ids; the last one is the item's.  For 'add', all are of sets.
    json
        The text of the item, for 'put' and 'add'; of the patch, for 'patch'.
    is_set
        For 'remove': whether a set must be there, or an item; None for either.
    conditions
        What must hold before.
    """

    op: str
    path: Path
    json: bytes = b''
    is_set: bool | None = None
    conditions: Conditions = Conditions()


class Editing(NamedTuple):
    """Makes edits within a transaction.

    encode
        Makes the text of any item, for clients whose conditions don't hold.
    """

    editor: Editor
    limits: Limits
    encode: Encode

    def check(self, edit: Edit, last: Edit) -> None:
        """Raise a Problem if the conditions of an edit don't hold.

        last
            The edit that decides what the path has in the end.  If the path
            has that already, the edit was made before, and is sent again: it
            changes nothing that somebody has changed.
        """
        try:
            check(self.editor, edit.path, edit.conditions, self.encode)
        except Problem:
            since, present, absent = edit.conditions
            if since is None or present or absent or not self._is_made(last):
                raise

    def _is_made(self, edit: Edit) -> bool:
        """Tell whether there is already what an edit makes."""
        try:
            if edit.op in ('put', 'patch'):
                return self.editor.document(edit.path) == self._text(edit)
            if edit.op == 'set':
                self.editor.length(edit.path)
        except (NoItem, WrongKind):
            return False
        return edit.op == 'set' or (
            edit.op == 'remove' and not is_there(self.editor, edit.path))

    def make(self, edit: Edit) -> tuple[Any, bool]:
        """Make an edit; return its id, and whether it is new.

        Raises a Problem, or an error of the source, if it can't be made.
        """
        self.check(edit, edit)
        return self.make_unchecked(edit)

    def make_unchecked(self, edit: Edit) -> tuple[Any, bool]:
        """Make an edit whose conditions were checked; see ``make``."""
        if edit.op != 'remove':
            _check_depth(edit)
        if edit.op == 'add':
            id = secrets.token_urlsafe(9)
            return id, self.editor.put((*edit.path, id), edit.json)
        id = edit.path[-1]
        if edit.op == 'set':
            return id, self.editor.make_set(edit.path)
        if edit.op == 'remove':
            self.editor.remove(edit.path, edit.is_set)
            return id, False
        return id, self.editor.put(edit.path, self._text(edit))

    def _text(self, edit: Edit) -> bytes:
        """Return the text of the item that an edit makes."""
        if edit.op == 'put':
            return edit.json
        document = self.editor.document(edit.path)
        try:
            text = wire.patched(document, edit.json)
        except wire.WireError as error:
            raise Problem(400, str(error)) from error
        return normal(text, self.limits)


def normal(text: bytes, limits: Limits) -> bytes:
    """Return the text of a document in normal form.

    Raises a Problem for a text that is too large, or is no value.
    """
    if len(text) > limits.document:
        raise Problem(413, f'expected a document of up to {limits.document} '
                      f'bytes, got {len(text)}')
    try:
        return wire.encode_value(wire.decode_value(
            text, wire.Limits(limits.document, limits.depth, limits.document),
            strict=True))
    except wire.WireError as error:
        raise Problem(400, str(error)) from error


def _check_depth(edit: Edit) -> None:
    """Refuse sets that are too deep for any answer."""
    depth = len(edit.path) - (edit.op in ('put', 'patch'))
    if depth > wire.SUBSETS:
        raise Problem(400, f'expected at most {wire.SUBSETS} sets within each '
                      f'other, got a path of {depth}')
