"""The changes that clients ask for, and how an editor makes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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
from zc.generationalset.sources import (
    Editor,
    NoItem,
    Path,
    WrongKind,
    WrongValue,
)


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

    def check(self, edit: Edit, is_made: Callable[[Path], bool]) -> None:
        """Raise a Problem if the conditions of an edit don't hold.

        is_made
            Tells whether a path has already what it will have in the end: the
            edit was made before, and is sent again.  It changes nothing that
            somebody has changed.
        """
        try:
            check(self.editor, edit.path, edit.conditions, self.encode)
        except Problem:
            since, present, absent = edit.conditions
            if since is None or present or absent or edit.op == 'add' \
                    or not is_made(edit.path):
                raise

    def is_made(self, edits: Sequence[Edit]) -> bool:
        """Tell whether there is already what edits make.

        edits
            All those of a path.  If there are several, and not only patches,
            what they make must be exactly what is there: a ``put`` may say
            nothing of what the one before it replaces.
        """
        *before, edit = edits
        try:
            if edit.op in ('put', 'patch'):
                text = self._text(edits)
                if before and any(each.op != 'patch' for each in edits):
                    return self.editor.document(edit.path) == text
                return self.editor.has(edit.path, text)
            if edit.op == 'set':
                self.editor.length(edit.path)
        except (NoItem, WrongKind, WrongValue, Problem):
            return False
        if edit.op == 'set':  # if it was emptied, others may have filled it
            return all(each.op != 'remove' for each in before)
        return not is_there(self.editor, edit.path)

    def make(self, edit: Edit) -> tuple[Any, bool]:
        """Make an edit; return its id, and whether it is new.

        Raises a Problem, or an error of the source, if it can't be made.
        """
        self.check(edit, lambda path: self.is_made([edit]))
        return self.make_unchecked(edit)

    def make_unchecked(self, edit: Edit) -> tuple[Any, bool]:
        """Make an edit whose conditions were checked; see ``make``."""
        if edit.op != 'remove':
            _check_depth(edit)
        if edit.op == 'add':
            return self.editor.add(edit.path, edit.json), True
        id = edit.path[-1]
        if edit.op == 'set':
            return id, self.editor.make_set(edit.path)
        if edit.op == 'remove':
            self.editor.remove(edit.path, edit.is_set)
            return id, False
        return id, self.editor.put(edit.path, self._text([edit]))

    def _text(self, edits: Iterable[Edit]) -> bytes:
        """Return the text of the item that edits make, one after the other."""
        text = b''
        for edit in edits:
            text = edit.json if edit.op != 'patch' else self._patched(
                text or self.editor.document(edit.path), edit.json)
        return text

    def _patched(self, document: bytes, patch: bytes) -> bytes:
        try:
            text = wire.patched(document, patch)
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
        return wire.normal(
            text, wire.Limits(limits.document, limits.depth, limits.document))
    except wire.WireError as error:
        raise Problem(400, str(error)) from error


def _check_depth(edit: Edit) -> None:
    """Refuse sets that are too deep for any answer."""
    depth = len(edit.path) - (edit.op in ('put', 'patch'))
    if depth > wire.SUBSETS:
        raise Problem(400, f'expected at most {wire.SUBSETS} sets within each '
                      f'other, got a path of {depth}')
