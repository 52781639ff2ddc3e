"""What a client and its server agreed on last, row by row.

A row whose version differs from that has changed here.  Before rows are
pushed, their versions are noted; once the server has them, they are agreed on.
So the client never asks what of a push arrived, and needs no clock.

It costs a copy of each row, as JSON, in the client's database.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from zc.generationalset.sql.database import Reading
from zc.generationalset.sql.peers.ledger import lines, places
from zc.generationalset.sql.peers.versions import GONE

#: How many rows are read and written at a time.
CHUNK = 500


class Positions(NamedTuple):
    """How far two sides have come with a table.

    columns
        What was compared; with other columns, the sides begin anew.
    epoch, theirs
        Up to where the client has what the server has.
    own_epoch, ours
        Up to where the client has looked for its own changes.
    """

    columns: str
    epoch: str = ''
    theirs: int = 0
    own_epoch: str = ''
    ours: int = 0


class Agreed(NamedTuple):
    """The version that was agreed on, and the one that was pushed since."""

    version: str = GONE
    pushed: str | None = None


class Agreements:
    """The agreements with one server, within a transaction."""

    def __init__(self, reading: Reading, server: str) -> None:
        self._own = reading.own
        self._server = server

    # Pushes

    @property
    def push(self) -> str:
        """The push of which it isn't known whether it arrived, or ''."""
        found = self._own('SELECT push FROM {gset}servers WHERE id = $1',
                          self._server)
        return str(found[0][0]) if found else ''

    def begin_push(self, push: str) -> None:
        self._own('''
            INSERT INTO {gset}servers VALUES ($1, $2)
            ON CONFLICT (id) DO UPDATE SET push = excluded.push''',
                  self._server, push)

    def mark(self, name: str, versions: Mapping[str, str]) -> None:
        """Note the versions that are to be pushed, by their keys."""
        self._put(name, [(key, GONE, version)
                         for key, version in versions.items()],
                  'pushed = excluded.pushed')

    def unmark(self, name: str, keys: Sequence[str]) -> None:
        """Forget that versions were to be pushed."""
        self._each(name, keys, 'UPDATE {gset}agreed SET pushed = NULL')

    def marked(self, name: str) -> Iterator[list[tuple[str, str, str]]]:
        """Yield key, agreed version and pushed version of rows to push."""
        after = ''
        while chunk := self._own(f'''
                SELECT key, version, pushed FROM {{gset}}agreed
                WHERE server = $1 AND name = $2 AND key > $3
                AND pushed IS NOT NULL ORDER BY key LIMIT {CHUNK}''',
                                 self._server, name, after):
            yield [(key, version, pushed) for key, version, pushed in chunk]
            after = chunk[-1][0]

    def settle(self, name: str) -> None:
        """Agree on what was pushed of a table."""
        self._own("""
            DELETE FROM {gset}agreed
            WHERE server = $1 AND name = $2 AND pushed = ''""",
                  self._server, name)
        self._own('''
            UPDATE {gset}agreed SET version = pushed, pushed = NULL
            WHERE server = $1 AND name = $2 AND pushed IS NOT NULL''',
                  self._server, name)

    # Rows

    def find(self, name: str, keys: Sequence[str]) -> dict[str, Agreed]:
        """Return what is known of some rows, by their keys."""
        if not keys:
            return {}
        return {key: Agreed(version, pushed) for key, version, pushed
                in self._own(f'''
                    SELECT key, version, pushed FROM {{gset}}agreed
                    WHERE server = $1 AND name = $2
                    AND key IN ({places(3, len(keys))})''',
                             self._server, name, *keys)}

    def keys(self, name: str) -> Iterator[list[str]]:
        """Yield the keys of all rows that are known, some at a time."""
        after = ''
        while chunk := self._own(f'''
                SELECT key FROM {{gset}}agreed
                WHERE server = $1 AND name = $2 AND key > $3
                ORDER BY key LIMIT {CHUNK}''', self._server, name, after):
            yield [key for [key] in chunk]
            after = chunk[-1][0]

    def agree(self, name: str, versions: Mapping[str, str]) -> None:
        """Note the versions that both sides have, by their keys."""
        self._put(name, [(key, version, None)
                         for key, version in versions.items() if version],
                  'version = excluded.version')
        self._each(name, [key for key, version in versions.items()
                          if not version],
                   'DELETE FROM {gset}agreed')

    def _each(self, name: str, keys: Sequence[str], change: str) -> None:
        for start in range(0, len(keys), CHUNK):
            chunk = keys[start:start + CHUNK]
            self._own(f'''
                {change} WHERE server = $1 AND name = $2
                AND key IN ({places(3, len(chunk))})''',
                      self._server, name, *chunk)

    def _put(self, name: str, rows: Sequence[tuple[str, str, str | None]],
             change: str) -> None:
        for start in range(0, len(rows), CHUNK):
            chunk = rows[start:start + CHUNK]
            self._own(f'''
                INSERT INTO {{gset}}agreed VALUES {lines(3, 2, chunk)}
                ON CONFLICT (server, name, key) DO UPDATE SET {change}''',
                      self._server, name,
                      *[value for row in chunk for value in row])

    # Positions

    def positions(self, name: str) -> Positions | None:
        found = self._own('''
            SELECT columns, epoch, theirs, own_epoch, ours
            FROM {gset}positions WHERE server = $1 AND name = $2''',
                          self._server, name)
        return Positions(*found[0]) if found else None

    def store(self, name: str, positions: Positions) -> None:
        self._own('''
            INSERT INTO {gset}positions VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (server, name) DO UPDATE SET
            columns = excluded.columns, epoch = excluded.epoch,
            theirs = excluded.theirs, own_epoch = excluded.own_epoch,
            ours = excluded.ours''', self._server, name, *positions)

    def forget(self, name: str) -> None:
        """Forget a table."""
        self._own('DELETE FROM {gset}agreed WHERE server = $1 AND name = $2',
                  self._server, name)
