"""What a process knows of the tables that are tracked, and what it asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from zc.generationalset.sql.errors import DatabaseError
from zc.generationalset.sql.postgresql import fingerprint
from zc.generationalset.sql.postgresql.catalog import (
    Relation,
    relations,
    users_relations,
)
from zc.generationalset.sql.postgresql.connections import (
    Connection,
    execute,
    transaction,
)
from zc.generationalset.sql.postgresql.keys import KEY_TYPES
from zc.generationalset.sql.postgresql.loaders import base_of
from zc.generationalset.sql.tables import Table

#: Whatever is read in this transaction is as it was at its first query.
SNAPSHOT = 'BEGIN ISOLATION LEVEL REPEATABLE READ'


#: The kinds of relations that are tables, without views and foreign ones.
_WITH_ROWS = frozenset('rp')


class Tracked(NamedTuple):
    """A table that is tracked.

    number
        Its number in the schema gset.
    fingerprint
        Of the table as it was when it was described.
    noted
        The columns whose old values are noted.
    """

    number: int
    relation: Relation
    fingerprint: str
    noted: tuple[str, ...]

    @property
    def table(self) -> Table:
        return self.relation.table


class Layout(NamedTuple):
    """The tables that are tracked, by their numbers and by their names."""

    numbers: Mapping[int, Tracked]
    names: Mapping[str, Tracked]

    def tracked(self, name: str) -> Tracked:
        """Return what is known of a table, named with its schema or without.

        Raises DatabaseError.
        """
        if name in self.names:
            return self.names[name]
        found = [each for each in self.names.values()
                 if each.table.name == name]
        if len(found) != 1:
            raise DatabaseError(
                f'expected a table that is tracked, got {name}; tracked are '
                + (', '.join(self.names) or 'none'))
        return found[0]

    @property
    def lock(self) -> str:
        """The statement that keeps others from changing more than rows.

        It must come before the snapshot: TRUNCATE and some kinds of ALTER
        TABLE change what earlier snapshots see.
        """
        names = [name for each in self.names.values()
                 for name in each.relation.locked]
        return (f'LOCK TABLE {", ".join(names)} IN ACCESS SHARE MODE'
                if names else '')


#: That of a database in which nothing is tracked.
NOTHING = Layout({}, {})

_TABLES = f'''
    SELECT t.number, t.relation::oid, f.fingerprint, t.noted
    FROM gset.tables t
    CROSS JOIN LATERAL ({fingerprint.QUERY}) AS f (fingerprint, enabled)
    ORDER BY t.number'''


def is_there(connection: Connection) -> bool:
    """Tell whether tables are, or were, tracked."""
    [[found]] = execute(
        connection, "SELECT to_regclass('gset.tables') IS NOT NULL")
    return bool(found)


def plain(connection: Connection) -> Layout:
    """Return all tables of users, in a transaction, as if tracked.

    A key by which rows can't be looked up is none.
    """
    oids = [relation.oid for relation in users_relations(connection)
            if relation.kind in _WITH_ROWS]
    return _layout([
        Tracked(number, findable(relation), '', ())
        for number, relation in enumerate(relations(connection, oids))])


def findable(relation: Relation) -> Relation:
    """Return a relation without its key, if that doesn't find rows.

    Each key must be found by the text of its values.  Types of users, such as
    enums, have the names of schemas.
    """
    table = relation.table
    types = {column.name: column.type for column in table.columns}
    finds = all(
        not types[name].endswith('[]')
        and (base_of(types[name]) in KEY_TYPES or '.' in types[name])
        for name in table.key)
    return relation if finds else relation._replace(
        table=table._replace(key=()))


def read(connection: Connection) -> Layout:
    """Read what is tracked, in a transaction of its own."""
    with transaction(connection, SNAPSHOT):
        if not is_there(connection):
            return NOTHING
        found = execute(connection, _TABLES).fetchall()
        known = {relation.oid: relation for relation in relations(
            connection, [oid for _, oid, *_ in found])}
    return _layout([
        Tracked(number, known[oid], fingerprint, tuple(noted))
        for number, oid, fingerprint, noted in found if oid in known])


def _layout(tables: Sequence[Tracked]) -> Layout:
    return Layout({each.number: each for each in tables},
                  {str(each.table): each for each in tables})
