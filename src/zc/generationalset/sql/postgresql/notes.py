"""What copies note in a database, in a schema of their own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from psycopg.errors import DuplicateSchema, UniqueViolation

from zc.generationalset.sql.errors import Conflict
from zc.generationalset.sql.postgresql.connections import Connection, execute
from zc.generationalset.sql.postgresql.values import array_of


class PostgreSQLNotes:
    """See ``Notes``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        [[is_there]] = execute(
            connection, "SELECT to_regclass('gset_copies.notes') IS NOT NULL")
        if not is_there:
            self._make()

    def _make(self) -> None:
        try:
            execute(self._connection, '''
                CREATE SCHEMA gset_copies;
                CREATE TABLE gset_copies.notes (
                    "group" text, name text, text text NOT NULL,
                    PRIMARY KEY ("group", name))''')
        except (DuplicateSchema, UniqueViolation) as error:
            raise Conflict('another copy has made the schema '
                           'gset_copies') from error

    def get(self, group: str, name: str) -> str | None:
        found = execute(
            self._connection, 'SELECT text FROM gset_copies.notes '
            'WHERE "group" = $1 AND name = $2', group, name).fetchone()
        return None if found is None else str(found[0])

    def put(self, group: str, texts: Iterable[tuple[str, str]]) -> None:
        pairs = list(texts)
        execute(self._connection, '''
            INSERT INTO gset_copies.notes
            SELECT $1, w.name, w.text
            FROM unnest($2::text[], $3::text[]) AS w (name, text)
            ON CONFLICT ("group", name) DO UPDATE SET text = EXCLUDED.text
            ''', group, array_of([name for name, _ in pairs]),
            array_of([text for _, text in pairs]))

    def drop(self, group: str, names: Iterable[str]) -> None:
        execute(self._connection, '''
            DELETE FROM gset_copies.notes
            WHERE "group" = $1 AND name = ANY ($2::text[])''',
            group, array_of(list(names)))

    def among(self, group: str, names: Sequence[str]) -> set[str]:
        return {name for [name] in execute(
            self._connection, 'SELECT name FROM gset_copies.notes '
            'WHERE "group" = $1 AND name = ANY ($2::text[])',
            group, array_of(names))}

    def names(self, group: str, limit: int) -> list[str]:
        return [name for [name] in execute(
            self._connection, 'SELECT name FROM gset_copies.notes '
            'WHERE "group" = $1 LIMIT $2', group, limit)]
