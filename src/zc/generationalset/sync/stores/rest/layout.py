"""Where a service has what the synchronizer wants to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zc.generationalset.merging import ABSENT

#: How items are changed: the method, and the type of what is sent.
UPDATES: Mapping[str, tuple[str, str]] = {
    'patch': ('PATCH', 'application/json'),
    'merge-patch': ('PATCH', 'application/merge-patch+json'),
    'put': ('PUT', 'application/json')}
#: How a field is cleared.
CLEARINGS: Mapping[str, Any] = {'null': None, 'empty': '', 'omit': ABSENT}
#: How to ask whether a header is still the same.
CONDITIONS: Mapping[str, str] = {
    'etag': 'If-None-Match', 'last-modified': 'If-Modified-Since'}


@dataclass(frozen=True)
class Layout:
    """The items of a type in a service.

    A *place* is a member, or members of members, as in ``data.issues``.

    path
        The path of the list.  That of an item has the id behind it.
    id, names
        The places of the id and of the fields in an item.  Fields without a
        place aren't in the service.
    items, item, wrap
        The place of the list in a page, of an item in an answer, and of an
        item in a request; an empty one stands for the whole.
    query
        The parameters of each listing.
    update, clear
        How to change an item, and how to clear a field.
    removed
        The place in an item that tells that it was removed.
    since, changes
        The parameter, and the place in the last page, of a cursor of changes.
    total
        The place of the number of items in a page, or a header.
    version
        The header of a listing that is another one once any item has changed.
    idempotency
        The header that has the key of an addition.
    etags
        Whether the service compares ETags.
    details
        Whether a listing lacks fields, so that each item has to be read.
    """

    path: str
    names: Mapping[str, str]
    id: str = 'id'
    items: str = ''
    item: str = ''
    wrap: str = ''
    query: Mapping[str, Any] = field(default_factory=dict)
    update: str = 'patch'
    clear: str = 'null'
    removed: str = ''
    since: str = ''
    changes: str = ''
    total: str = ''
    version: str = ''
    idempotency: str = ''
    etags: bool = False
    details: bool = False

    def is_cleared(self, value: Any) -> bool:
        """Tell whether a value of the service stands for none."""
        return value is None or value is ABSENT or (
            self.clear == 'empty' and value == '')

    def patched(
            self, document: dict[str, Any], patch: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Return a document with other values of fields, which are plain."""
        for name, value in patch.items():
            if value is None or value is ABSENT:
                value = CLEARINGS[self.clear]
            put(document, self.names[name], value)
        return document


def at(document: Any, place: str) -> Any:
    """Return what is in a place, ABSENT if nothing is.

    >>> at({'data': {'issues': [1]}}, 'data.issues')
    [1]
    """
    for name in place.split('.') if place else ():
        if not isinstance(document, dict) or name not in document:
            return ABSENT
        document = document[name]
    return document


def put(document: dict[str, Any], place: str, value: Any) -> None:
    """Put a value into a place; ABSENT removes what is there."""
    *names, last = place.split('.')
    for name in names:
        inner = document.get(name)
        document[name] = document = dict(
            inner) if isinstance(inner, dict) else {}
    if value is ABSENT:
        document.pop(last, None)
    else:
        document[last] = value
