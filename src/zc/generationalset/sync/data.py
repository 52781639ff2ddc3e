"""An item of a store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class Data:
    """An item, as a store has it.  It never changes.

    >>> data = Data('issue', 17, {'title': 'A bug'}, token='5')
    >>> data.fields['title']
    'A bug'

    type
        The name of its type.
    id
        Its id in this store, a string or an integer.
    fields
        The values of its fields.  A field that the store doesn't have is
        absent, which isn't the same as None.
    token
        A text that is another one whenever the item has changed, such as an
        ETag; None if the store has none.
    is_reread
        Whether it was read after it was written, with another request.  So
        somebody may have changed it in between.
    """

    type: str
    id: Any
    fields: Mapping[str, Any]
    token: str | None = None
    is_reread: bool = field(default=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, 'fields', MappingProxyType(dict(self.fields)))
