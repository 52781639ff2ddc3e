"""What a server remembers of a client: its last push, and what lost."""

from __future__ import annotations

from collections.abc import Iterator

from zc.generationalset.sql.database import Reading
from zc.generationalset.sql.peers.agreements import CHUNK
from zc.generationalset.sql.peers.outcomes import Crossing, Outcome


class Receipts:
    """The receipts of one client, within a transaction."""

    def __init__(self, reading: Reading, client: str) -> None:
        self._reading = reading
        self._client = client

    @property
    def push(self) -> str:
        """The last push that was applied, or ''."""
        found = self._reading.own(
            'SELECT push FROM {gset}clients WHERE id = $1', self._client)
        return str(found[0][0]) if found else ''

    def receive(self, push: str) -> None:
        self._reading.own('''
            INSERT INTO {gset}clients VALUES ($1, $2)
            ON CONFLICT (id) DO UPDATE SET push = excluded.push''',
                          self._client, push)

    def note(self, push: str, crossing: Crossing, outcome: Outcome) -> None:
        """Keep both versions of a row of which one lost."""
        self._reading.own('''
            INSERT INTO {gset}conflicts
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)''',
            self._client, push, crossing.pair.name, crossing.key,
            *[version or None for version in (
                crossing.base, crossing.server, crossing.client,
                outcome.version)], self._reading.position.generation)

    def count(self, push: str, name: str) -> int:
        """Return how many rows of a push lost something, in a table."""
        [[count]] = self._reading.own('''
            SELECT count(*) FROM {gset}conflicts
            WHERE client = $1 AND push = $2 AND name = $3''',
                                      self._client, push, name)
        return int(count)

    def conflicts(self, push: str, name: str) -> Iterator[list[str]]:
        """Yield the keys of these rows, some at a time."""
        after = ''
        while chunk := self._reading.own(f'''
                SELECT key FROM {{gset}}conflicts
                WHERE client = $1 AND push = $2 AND name = $3 AND key > $4
                ORDER BY key LIMIT {CHUNK}''',
                                         self._client, push, name, after):
            yield [key for [key] in chunk]
            after = chunk[-1][0]
