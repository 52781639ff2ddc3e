"""A server applies what a client has pushed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack

from zc.generationalset.sources.attempts import repeated
from zc.generationalset.sql.database import Database, Reading
from zc.generationalset.sql.errors import Conflict
from zc.generationalset.sql.peers.errors import SyncError
from zc.generationalset.sql.peers.lines import listed
from zc.generationalset.sql.peers.outcomes import Crossing, Policy, decide
from zc.generationalset.sql.peers.receipts import Receipts
from zc.generationalset.sql.peers.remembered import Remembered
from zc.generationalset.sql.peers.seen import Seen
from zc.generationalset.sql.peers.versions import GONE, Pair, versions
from zc.generationalset.sql.peers.writing import Writer
from zc.generationalset.sql.tables import Key


class Decider:
    """Applies pushes of one client, each in a transaction.

    remembered
        Gets the rows that the client has after that.
    """

    def __init__(
            self, database: Database, client: str, policy: Policy,
            remembered: Remembered) -> None:
        self._database = database
        self._client = client
        self._policy = policy
        self._remembered = remembered

    def apply(
            self, pairs: Mapping[str, Pair], push: str,
            spool: Iterable[bytes]) -> None:
        """Apply a push, unless that is done already.

        Raises SyncError, with nothing written.
        """
        def attempt() -> None:
            self._remembered.clear()
            with self._database.applying() as applying:
                receipts = Receipts(applying, self._client)
                if receipts.push == push:
                    return
                receipts.receive(push)
                writer = Writer(applying)
                with ExitStack() as stack:
                    put = {name: stack.enter_context(Seen())
                           for name, pair in pairs.items()
                           if pair.table.condition is not None}
                    for pair, lines in listed(pairs, spool, 3):
                        outcome = self._decided(receipts, push, list(
                            _crossings(applying, pair, lines)))
                        writer.put(pair, outcome)
                        if pair.name in put:
                            put[pair.name].add(
                                key for key, version in outcome.items()
                                if version != GONE)
                    writer.finish()
                    for name, seen in put.items():
                        for keys in seen.chunks():
                            _check_seen(applying, pairs[name], keys)

        repeated(attempt, Conflict)

    def _decided(
            self, receipts: Receipts, push: str,
            crossings: Iterable[Crossing]) -> dict[str, str]:
        """Return the versions that rows get, by their keys."""
        versions = {}
        for crossing in crossings:
            outcome = decide(crossing, self._policy)
            if outcome.is_conflict:
                receipts.note(push, crossing, outcome)
            if outcome.version != crossing.server:
                versions[crossing.key] = outcome.version
            if outcome.version == crossing.client:
                self._remembered.add(
                    crossing.pair.name, crossing.key, outcome.version)
        return versions


def _crossings(
        reading: Reading, pair: Pair, lines: list[list[str]],
) -> Iterator[Crossing]:
    keys = [pair.key_of(key) for key, _, _ in lines]
    there = versions(reading, pair, keys)
    hidden = _hidden(reading, pair, keys)
    for key, base, version in lines:
        yield Crossing(pair, key, base, there.get(key, GONE), version,
                       key in hidden)


def _hidden(
        reading: Reading, pair: Pair, keys: Sequence[Key]) -> set[str]:
    """Return the keys of rows that the client may not see."""
    if pair.table.condition is None:
        return set()
    whole = pair.table._replace(condition=None)
    return {pair.text_of(row.key) for row in reading.rows(whole, keys)} - {
        pair.text_of(row.key) for row in reading.rows(pair.table, keys)}


def _check_seen(
        reading: Reading, pair: Pair, keys: Sequence[str]) -> None:
    """Raise SyncError for a row that the client may not see."""
    hidden = _hidden(reading, pair, list(map(pair.key_of, keys)))
    if hidden:
        raise SyncError(
            f'table {pair.name}, key {min(hidden)}: expected a row that the '
            'client may have')
