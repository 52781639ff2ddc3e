"""What stores have shown, and the hub hasn't settled yet."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from BTrees.OOBTree import OOBTree

from zc.generationalset import wire
from zc.generationalset.merging import canonical
from zc.generationalset.sync.hub import Session, portioned


@dataclass(frozen=True)
class Seen:
    """An item as a store has shown it; without fields, it is gone.

    is_new
        Whether nothing was decided about it yet.
    is_reread
        As for ``Data``; this isn't kept.
    """

    id: Any
    fields: dict[str, Any] | None
    token: str | None = None
    is_new: bool = True
    is_reread: bool = False


class Inbox:
    """What one store has shown of one type."""

    def __init__(self, session: Session, store: str, type: str) -> None:
        self._session = session
        all = session.tree['inbox']
        if (store, type) not in all:
            all[store, type] = OOBTree()
        self._tree = all[store, type]

    def select(self, is_wanted: Callable[[str], bool]) -> Iterator[Seen]:
        """Yield those whose ids are wanted, as canonical texts."""
        for text in portioned(self._tree):
            found = self._tree.get(text) if is_wanted(text) else None
            if found is not None:
                yield _seen(text, *found)

    def ids(self) -> Iterator[Any]:
        for text in portioned(self._tree):
            yield json.loads(text)

    def get(self, id: Any) -> Seen | None:
        if not self._tree:
            return None
        text = canonical(id)
        found = self._tree.get(text)
        return None if found is None else _seen(text, *found)

    def put(self, seen: Seen) -> None:
        entry = (None if seen.fields is None
                 else wire.encode_value(seen.fields), seen.token, seen.is_new)
        text = canonical(seen.id)
        if self._tree.get(text) != entry:
            self._tree[text] = entry
            self._session.changed = True

    def drop(self, id: Any) -> None:
        if self._tree.pop(canonical(id), None) is not None:
            self._session.changed = True

    def clear(self) -> None:
        if self._tree:
            self._tree.clear()
            self._session.changed = True


def _seen(
        text: str, fields: bytes | None, token: str | None, is_new: bool,
) -> Seen:
    return Seen(json.loads(text), None if fields is None
                else wire.decode_trusted(fields), token, is_new)
