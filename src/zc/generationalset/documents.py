"""JSON documents as items of sets."""

from __future__ import annotations

from typing import Any

import persistent

from zc.generationalset import wire
from zc.generationalset.sets.ids import plain_id


class Document(persistent.Persistent):
    """A JSON document in a set, kept as its text.

    What clients write through ``zc.generationalset.server`` becomes documents.
    Their text goes into answers as it is, without being read.

    >>> from zc.generationalset import GSet
    >>> people = GSet()
    >>> people.add(Document('ann', {'name': 'Ann', 'born': 1970}))
    >>> people['ann'].value
    {'name': 'Ann', 'born': 1970}
    >>> people['ann'].value = {'name': 'Ann', 'born': 1971}
    >>> people.changed(people['ann'])

    id
        The id in the set.
    value
        The value of the JSON, with extended values (docs/protocol.txt) as
        Python objects.  It is made anew each time you read it.  So to change a
        part, assign a whole new value.

    Raises what ``wire.encode_value`` raises, for values that it can't encode.
    """

    # There may be a million documents in memory.
    __slots__ = 'id', 'json'

    id: Any
    json: bytes

    def __init__(self, id: Any, value: Any) -> None:
        self.id = plain_id(id)
        self.value = value

    @classmethod
    def of_json(cls, id: Any, json: bytes) -> Document:
        """Return a document for a text that ``wire.encode_value`` made."""
        document = cls.__new__(cls)
        document.id = id
        document.json = json
        return document

    @property
    def value(self) -> Any:
        return wire.decode_trusted(self.json)

    @value.setter
    def value(self, value: Any) -> None:
        self.json = wire.encode_value(value)

    def __wire__(self) -> bytes:
        return self.json

    def __repr__(self) -> str:
        return f'<Document {self.id!r}>'

    # There are many documents, and a tuple is shorter than a dictionary.

    def __getstate__(self) -> tuple[Any, bytes]:
        return self.id, self.json

    def __setstate__(self, state: tuple[Any, bytes]) -> None:
        self.id, self.json = state
