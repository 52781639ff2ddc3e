"""A server tells a client what is new."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from zc.generationalset.sql.database import Reading
from zc.generationalset.sql.peers import frames
from zc.generationalset.sql.peers.changing import chunks, current
from zc.generationalset.sql.peers.errors import BadMessage
from zc.generationalset.sql.peers.lines import joined
from zc.generationalset.sql.peers.remembered import Remembered
from zc.generationalset.sql.peers.versions import Pair


def answer(
        reading: Reading, pair: Pair, since: int, lost: list[str],
        remembered: Remembered) -> Iterator[bytes]:
    """Yield frames with what is new in a table.

    lost
        The keys of rows that the client has pushed, and that got another
        version.  They may not have changed here.

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
        yield from frames.rows(
            pair.name, _news(reading, pair, since, lost, remembered))


def _news(
        reading: Reading, pair: Pair, since: int, lost: Iterable[str],
        remembered: Remembered) -> Iterator[list[str]]:
    keys = dict.fromkeys(map(pair.key_of, lost))
    if since < reading.position.generation:
        keys |= dict.fromkeys(reading.changes(pair.table, since))
    for chunk in chunks(keys):
        for key, version in current(reading, pair, chunk).items():
            if not remembered.has(pair.name, key, version):
                yield joined(key, version)
