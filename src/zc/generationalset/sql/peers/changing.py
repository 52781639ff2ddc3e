"""What has changed at a client since it agreed with its server."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping

from zc.generationalset.answers import Position
from zc.generationalset.chunks import chunks
from zc.generationalset.sql.database import Database, Reading, Row
from zc.generationalset.sql.peers.agreements import (
    CHUNK,
    Agreements,
    Positions,
)
from zc.generationalset.sql.peers.conversation import Tell, history_of
from zc.generationalset.sql.peers.seen import Seen
from zc.generationalset.sql.peers.versions import GONE, Pair, versions
from zc.generationalset.sql.tables import Key


def prepare(
        database: Database, pairs: Mapping[str, Pair], server: str,
        there: Position, tell: Tell) -> str:
    """Note the versions that are to be pushed; return the push, or ''.

    there
        The position of the server.  If it is of another epoch, or before what
        the client has seen, the server has another history, and nothing is
        agreed on.
    """
    with database.writing() as writing:
        agreements = Agreements(writing, server)
        has_news = False
        for pair in pairs.values():
            if _mark(writing, pair, agreements, there, tell):
                has_news = True
        push = str(uuid.uuid4()) if has_news else ''
        if push or agreements.push:
            agreements.begin_push(push)
        return push


def _mark(
        reading: Reading, pair: Pair, agreements: Agreements,
        there: Position, tell: Tell) -> bool:
    """Mark the rows of a table that have changed; tell whether any has."""
    stored = agreements.positions(pair.name)
    positions = stored
    if positions is None or positions.columns != pair.layout or (
            positions.theirs and (history_of(positions.epoch)
                                  != history_of(there.epoch)
                                  or positions.theirs > there.generation)):
        agreements.forget(pair.name)
        positions = Positions(pair.layout)
    has_news = False
    count = 0
    for current in _candidates(reading, pair, agreements, positions):
        count += len(current)
        tell(f'{pair.name}: {count:,} rows compared')
        has_news |= _mark_some(pair, agreements, current)
    epoch, generation = reading.position
    if count or positions.own_epoch != epoch:
        positions = positions._replace(
            own_epoch=epoch or '', ours=generation)
    if positions != stored:
        agreements.store(pair.name, positions)
    return has_news


def _mark_some(
        pair: Pair, agreements: Agreements, current: Mapping[str, str],
) -> bool:
    agreed = agreements.find(pair.name, list(current))
    news, same = {}, []
    for key, version in current.items():
        known = agreed.get(key)
        if version != (known.version if known else GONE):
            news[key] = version
        elif known and known.pushed is not None:
            same.append(key)
    agreements.unmark(pair.name, same)
    agreements.mark(pair.name, news)
    return bool(news)


def _candidates(
        reading: Reading, pair: Pair, agreements: Agreements,
        positions: Positions) -> Iterator[dict[str, str]]:
    """Yield the versions that rows have, by their keys, some at a time.

    These are rows that may have changed, and those of a push that didn't
    arrive.
    """
    if positions.own_epoch != reading.position.epoch \
            or positions.ours < reading.floor(pair.table):
        yield from _all(reading, pair, agreements)
        return
    for marked in agreements.marked(pair.name):
        yield current(reading, pair, [
            pair.key_of(key) for key, _, _ in marked])
    changed = reading.changes(pair.table, positions.ours) \
        if positions.ours < reading.position.generation else ()
    for keys in chunks(changed, CHUNK):
        yield current(reading, pair, keys)


def _all(
        reading: Reading, pair: Pair, agreements: Agreements,
) -> Iterator[dict[str, str]]:
    rows: Iterator[Row] = reading.scan(pair.table)
    with Seen() as seen:
        for chunk in chunks(rows, CHUNK):
            found = dict(map(pair.entry, chunk))
            seen.add(found)
            yield found
        for keys in agreements.keys(pair.name):
            if gone := seen.lacking(keys):
                yield dict.fromkeys(gone, GONE)


def current(
        reading: Reading, pair: Pair, keys: Iterable[Key],
) -> dict[str, str]:
    """Return the versions that rows have now, gone or not, by their keys."""
    keys = list(keys)
    return dict.fromkeys(map(pair.text_of, keys), GONE) | versions(
        reading, pair, keys)
