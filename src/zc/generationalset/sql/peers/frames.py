"""Messages of a conversation, as frames of JSON.

A message is an object with a member ``type``.  Rows are put into messages as
the JSON texts that they have already.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, TypeVar

from zc.generationalset import wire
from zc.generationalset.sql.peers.errors import BadMessage, Rejected

T = TypeVar('T')

#: Bytes before each frame, which say how long it is.
HEAD = 4
#: The most bytes of a frame.
FRAME = 2 ** 26
#: The most bytes of the first frame, whose sender nobody knows yet.
GREETING = 2 ** 20
#: The most bytes of the rows that one side sends at a time.
TOTAL = 2 ** 33
#: Bytes of rows after which a frame ends.
CHUNK = 2 ** 18
#: The most rows of a frame.
ROWS = 500

_LIMITS = wire.Limits(size=FRAME, depth=100, count=5_000_000)


def written(type: str, **members: Any) -> bytes:
    """Return the frame of a message.

    >>> written('bye')
    b'{"type":"bye"}'
    """
    return wire.encode_value({'type': type, **members})


def read(frame: bytes, *types: str) -> dict[str, Any]:
    """Return the message of a frame, which must be of one of some types.

    Raises BadMessage, and Rejected if the other side refuses something.
    """
    try:
        message = wire.decode_value(frame, _LIMITS, strict=True)
    except wire.WireError as error:
        raise BadMessage(f'expected a message, got: {error}') from error
    kind = message.get('type') if type(message) is dict else None
    if kind == 'refused':
        raise Rejected(str(message.get('text')))
    if type(message) is not dict or kind not in types:
        raise BadMessage(
            f'expected a message, {" or ".join(types)}, got {kind!r:.50}')
    return message


def member(message: dict[str, Any], name: str, kind: type[T]) -> T:
    """Return a member of a message.  Raises BadMessage."""
    value = message.get(name)
    if type(value) is not kind:
        raise BadMessage(f'expected {name} ({kind.__name__}) in a message '
                         f'{message["type"]}, got {value!r:.50}')
    return value


def name_of(message: dict[str, Any], member_name: str) -> str:
    """Return a member that is a short text.  Raises BadMessage."""
    value = member(message, member_name, str)
    if not 0 < len(value) <= 200:
        raise BadMessage(f'expected a short text as {member_name}')
    return value


def rows(table: str, lines: Iterable[Sequence[str]]) -> Iterator[bytes]:
    """Yield frames with rows of a table.

    lines
        The JSON texts that each row has.
    """
    parts: list[str] = []
    length = 0
    for line in lines:
        part = f'[{",".join(line)}]'
        parts.append(part)
        length += len(part)
        if length >= CHUNK or len(parts) >= ROWS:
            yield _frame(table, parts)
            parts, length = [], 0
    if parts:
        yield _frame(table, parts)


def _frame(table: str, parts: Sequence[str]) -> bytes:
    name = wire.encode_value(table).decode()
    return f'{{"type":"rows","table":{name},"rows":[{",".join(parts)}]}}' \
        .encode()


class Spool:
    """Frames that have come, until all are there.

    Nobody waits for the other side with a lock of the database.
    """

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(2 ** 20)  # noqa: SIM115

    def __enter__(self) -> Spool:
        return self

    def __exit__(
            self, kind: type[BaseException] | None,
            error: BaseException | None,
            traceback: TracebackType | None) -> None:
        self._file.close()

    def add(self, frame: bytes) -> None:
        """Keep a frame.  Raises BadMessage if there are too many."""
        if self._file.tell() > TOTAL:
            raise BadMessage(f'expected at most {TOTAL} bytes of rows')
        self._file.write(len(frame).to_bytes(HEAD, 'big') + frame)

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(0)
        while head := self._file.read(HEAD):
            yield self._file.read(int.from_bytes(head, 'big'))
