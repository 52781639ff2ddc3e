"""What the hub knows of an item: the agreed fields, and who has them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from zc.generationalset import wire
from zc.generationalset.merging import ABSENT
from zc.generationalset.sync.type import digest

#: As stored: the id, the digest of the shadow, the shadow if it isn't equal to
#: the agreed fields, and what the store is behind on.  Tokens are with the
#: ids, because a listing of both is compared with them.
LinkRecord = tuple[Any, bytes, bytes | None, tuple[str, ...]]
#: As stored: the agreed fields of an item that is gone, else None; and the
#: link of each store.
Record = tuple[bytes | None, dict[str, LinkRecord]]


@dataclass
class Link:
    """An item in one store.

    id, token
        Those of the store.
    shadow
        The fields as the store had them when they were last agreed: the base
        of its changes.
    behind
        The fields whose agreed values the store hasn't been given yet.
    """

    id: Any
    token: str | None = None
    shadow: dict[str, Any] = field(default_factory=dict)
    behind: set[str] = field(default_factory=set)

    def absorb(self, name: str, value: Any) -> None:
        """Note what the store has in a field; it isn't news any more."""
        if value is ABSENT:
            self.shadow.pop(name, None)
        else:
            self.shadow[name] = value

    def settle(self, name: str, value: Any) -> None:
        """Note what the store has made of the agreed value of a field."""
        self.absorb(name, value)
        self.behind.discard(name)

    def record(self, agreed: bytes) -> LinkRecord:
        """Return the link as it is stored.

        agreed
            The digest of the agreed fields.
        """
        own = digest(self.shadow)
        return (self.id, own,
                None if own == agreed else wire.encode_value(self.shadow),
                tuple(sorted(self.behind)))


@dataclass
class State:
    """An item, as all stores agree on it.

    key
        Its number in the hub.
    agreed
        Its fields; references are keys.
    is_gone
        Whether it was removed.  The state remains until all stores have
        removed it.
    links
        The names of the stores that have it.
    stored
        What the hub has of it: the record, and the text of the agreed fields.
    """

    key: int
    agreed: dict[str, Any] = field(default_factory=dict)
    is_gone: bool = False
    links: dict[str, Link] = field(default_factory=dict)
    stored: tuple[Record | None, bytes | None] = None, None

    def record(self) -> Record:
        """Return the state as it is stored."""
        agreed = digest(self.agreed)
        return (wire.encode_value(self.agreed) if self.is_gone else None, {
            store: link.record(agreed) for store, link in self.links.items()})


def state_of(
        key: int, record: Record, agreed: bytes | None,
        token: Callable[[str, Any], str | None]) -> State:
    """Return the state that a record has.

    agreed
        The text of the agreed fields; None if the record has them.
    token
        Returns the token of an item in a store.
    """
    gone, links = record
    text = agreed if gone is None else gone
    fields = {} if text is None else wire.decode_trusted(text)
    return State(key, fields, gone is not None, {
        store: Link(id, token(store, id), dict(fields) if shadow is None
                    else wire.decode_trusted(shadow), set(behind))
        for store, (id, _, shadow, behind) in links.items()},
        (record, agreed))
