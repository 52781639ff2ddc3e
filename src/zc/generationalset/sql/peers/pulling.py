"""A client applies what its server has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from typing import NamedTuple

from zc.generationalset.answers import Position
from zc.generationalset.sources.attempts import repeated
from zc.generationalset.sql.database import Database, Reading
from zc.generationalset.sql.errors import Conflict
from zc.generationalset.sql.peers.agreements import Agreements, Positions
from zc.generationalset.sql.peers.conversation import Tell
from zc.generationalset.sql.peers.errors import SyncError
from zc.generationalset.sql.peers.lines import listed
from zc.generationalset.sql.peers.seen import Seen
from zc.generationalset.sql.peers.versions import GONE, Pair, versions
from zc.generationalset.sql.peers.writing import Writer


class Pulled(NamedTuple):
    """What came from a server.

    push
        The push that the server has applied before, or ''.
    position
        That of the server, which the client has then.
    whole
        The names of tables of which all rows came.
    """

    push: str
    position: Position
    whole: frozenset[str]
    spool: Iterable[bytes]


def apply(
        database: Database, pairs: Mapping[str, Pair], server: str,
        pulled: Pulled, tell: Tell) -> None:
    """Apply it in one transaction.

    Raises SyncError, with nothing written.
    """
    def attempt() -> None:
        with database.applying() as applying:
            agreements = Agreements(applying, server)
            if agreements.push != pulled.push:
                raise SyncError('expected one sync with this server at a '
                                'time; another one has begun')
            if pulled.push:
                for name in pairs:
                    agreements.settle(name)
                agreements.begin_push('')
            writer = Writer(applying)
            count = 0
            for pair, lines in _lines(pairs, agreements, pulled):
                count += len(lines)
                tell(f'{count:,} rows applied')
                writer.put(pair, _agreed(
                    applying, pair, agreements, dict(lines)))
            writer.finish()
            for pair in pairs.values():
                _advance(agreements, pair, pulled.position)

    repeated(attempt, Conflict)


def _lines(
        pairs: Mapping[str, Pair], agreements: Agreements, pulled: Pulled,
) -> Iterator[tuple[Pair, list[list[str]]]]:
    """Yield the rows that came, and then those that didn't and are gone."""
    with ExitStack() as stack:
        seen = {name: stack.enter_context(Seen()) for name in pulled.whole}
        for pair, lines in listed(pairs, pulled.spool, 2):
            if pair.name in seen:
                seen[pair.name].add(key for key, _ in lines)
            yield pair, lines
        for name, there in seen.items():
            for keys in agreements.keys(name):
                if gone := there.lacking(keys):
                    yield pairs[name], [[key, GONE] for key in gone]


def _agreed(
        reading: Reading, pair: Pair, agreements: Agreements,
        news: Mapping[str, str]) -> dict[str, str]:
    """Agree on rows that didn't change here; return those to be written.

    If a program has changed one meanwhile, that will be pushed, and the server
    decides.
    """
    here = versions(reading, pair, [pair.key_of(key) for key in news])
    known = agreements.find(pair.name, list(news))
    agreed, written = {}, {}
    for key, version in news.items():
        before = known[key].version if key in known else GONE
        mine = here.get(key, GONE)
        if mine not in (version, before):
            continue
        if mine != version:
            written[key] = version
        if before != version:
            agreed[key] = version
    agreements.agree(pair.name, agreed)
    return written


def _advance(agreements: Agreements, pair: Pair, there: Position) -> None:
    positions = agreements.positions(pair.name)
    new = (positions or Positions(pair.layout))._replace(
        epoch=there.epoch or '', theirs=there.generation)
    if new != positions:
        agreements.store(pair.name, new)
