"""A server tells a client what is new."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from zc.generationalset.chunks import chunks
from zc.generationalset.sql.database import Reading
from zc.generationalset.sql.peers import frames
from zc.generationalset.sql.peers.agreements import CHUNK
from zc.generationalset.sql.peers.changing import current
from zc.generationalset.sql.peers.errors import BadMessage
from zc.generationalset.sql.peers.lines import joined
from zc.generationalset.sql.peers.remembered import Remembered
from zc.generationalset.sql.peers.versions import Pair
from zc.generationalset.sql.tables import Key


def answer(
        reading: Reading, pair: Pair, since: int,
        lost: Iterable[Sequence[str]], remembered: Remembered,
) -> Iterator[bytes]:
    """Yield frames with what is new in a table.

    lost
        The keys of rows that the client has pushed, and that got another
        version, some at a time.  They may not have changed here.

    Raises BadMessage for a generation that isn't there yet.
    """
    if since > reading.position.generation:
        raise BadMessage(
            f'table {pair.name}: expected a generation up to '
            f'{reading.position.generation}, got {since}')
    if since == 0 or since < reading.floor(pair.table):
        yield frames.written('contents', table=pair.name)
        yield from frames.rows(pair.name, (
            joined(*pair.entry(row)) for row in reading.scan(pair.table)))
    else:
        # A row that is in both would be refused in one frame.
        yield from frames.rows(pair.name, _entries(
            reading, pair, (map(pair.key_of, keys) for keys in lost),
            remembered, remembers=True))
        changed = reading.changes(pair.table, since) \
            if since < reading.position.generation else ()
        yield from frames.rows(pair.name, _entries(
            reading, pair, chunks(changed, CHUNK), remembered))


def _entries(
        reading: Reading, pair: Pair, chunked: Iterable[Iterable[Key]],
        remembered: Remembered, *, remembers: bool = False,
) -> Iterator[list[str]]:
    """Yield the texts of rows that the client doesn't have.

    remembers
        Whether to remember these rows, because they come once more.
    """
    for keys in chunked:
        for key, version in current(reading, pair, keys).items():
            if not remembered.has(pair.name, key, version):
                if remembers:
                    remembered.add(pair.name, key, version)
                yield joined(key, version)
