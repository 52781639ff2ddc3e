"""What a server remembers of a client: its last push, and what lost."""

from __future__ import annotations

from zc.generationalset.sql.database import Reading
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

    def conflicts(self, push: str, name: str) -> list[str]:
        """Return the keys of rows of a push that lost, or were changed."""
        return [key for [key] in self._reading.own('''
            SELECT key FROM {gset}conflicts
            WHERE client = $1 AND push = $2 AND name = $3 ORDER BY key''',
                                                   self._client, push, name)]
