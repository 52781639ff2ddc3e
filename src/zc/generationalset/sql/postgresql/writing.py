"""Writing rows, in a transaction that also reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.errors import InsufficientPrivilege

from zc.generationalset.sql.errors import Refused, WrongValue
from zc.generationalset.sql.postgresql.catalog import Relation
from zc.generationalset.sql.postgresql.connections import (
    Connection,
    Cursor,
    execute,
    told,
)
from zc.generationalset.sql.postgresql.keys import Keys, key_text, new_key
from zc.generationalset.sql.postgresql.loaders import selected
from zc.generationalset.sql.postgresql.names import listed, quoted
from zc.generationalset.sql.postgresql.reading import PostgreSQLReading
from zc.generationalset.sql.postgresql.values import is_same, text_of, wrong
from zc.generationalset.sql.tables import Column, Key, Table


class PostgreSQLWriting(PostgreSQLReading):
    """See ``Writing``.

    What another transaction has written since the moment conflicts, if this
    one writes the same row.
    """

    @property
    def connection(self) -> Connection:
        return self._connection

    def insert(
            self, table: Table, key: Key, values: Mapping[str, Any],
    ) -> None:
        made = self.add(table, {**values, **_named(table, key)})
        if not all(map(is_same, key, made)):
            raise Refused(f'table {table}: expected a row with the key '
                          f'{key}, a trigger gives it another one')

    def add(self, table: Table, values: Mapping[str, Any]) -> Key:
        key = new_key(table, values) | {
            name: values[name] for name in table.key if name in values}
        texts = {**self._key_texts(table, key), **self._texts(
            table, {name: value for name, value in values.items()
                    if name not in key})}
        places = ', '.join([f'${place}' for place, _ in enumerate(texts, 1)])
        what = f'({listed(texts)}) VALUES ({places})' if texts \
            else 'DEFAULT VALUES'
        types = {column.name: column.type for column in table.columns}
        returned = ', '.join([
            selected(quoted(name), types[name]) for name in table.key])
        # It raises a conflict for a row that came since the moment.
        [inserted] = self._write(table, f'''
            INSERT INTO {self._relation(table).name} {what}
            ON CONFLICT ({listed(table.key)}) DO NOTHING
            RETURNING {returned}''', *texts.values())
        return tuple(inserted)

    def update(
            self, table: Table, key: Key, values: Mapping[str, Any],
    ) -> None:
        keys = self._key_texts(table, _named(table, key))
        texts = self._texts(table, values)
        if not texts:
            return
        settings = ', '.join([
            f'{quoted(name)} = ${place}'
            for place, name in enumerate(texts, 1 + len(keys))])
        self._write(table, f'''
            UPDATE {self._relation(table).target} t SET {settings}
            WHERE ({Keys(table).columns}) = ({Keys(table).given})''',
            *keys.values(), *texts.values())

    def delete(self, table: Table, key: Key) -> None:
        self._write(table, f'''
            DELETE FROM {self._relation(table).target} t
            WHERE ({Keys(table).columns}) = ({Keys(table).given})''',
            *self._key_texts(table, _named(table, key)).values())

    def _relation(self, table: Table) -> Relation:
        return self._tracked(str(table)).relation

    def _write(
            self, table: Table, statement: str, *texts: str | None) -> Cursor:
        with told():
            try:
                cursor = execute(
                    self._connection,
                    f'{self._relation(table).mark} {statement}', *texts)
            except InsufficientPrivilege as error:
                raise Refused(
                    f'table {table}: the server may not write that; a policy '
                    'or a privilege prevents it') from error
        if cursor.rowcount != 1:
            raise Refused(f'table {table}: expected 1 row to be written, got '
                          f'{cursor.rowcount}; a trigger or a policy prevents '
                          'it, or the key is taken')
        return cursor

    def _key_texts(
            self, table: Table, key: Mapping[str, Any]) -> dict[str, str]:
        columns = {column.name: column for column in table.columns}
        texts = {}
        with _at(table):
            for name, value in key.items():
                text = key_text(columns[name], value)
                if text is None:
                    raise wrong(columns[name], value)
                texts[name] = text
            self._compare([columns[name] for name in key],
                          list(key.values()), list(texts.values()))
        return texts

    def _texts(
            self, table: Table, values: Mapping[str, Any],
    ) -> dict[str, str | None]:
        columns = [column for column in table.columns if column.name in values]
        given = [values[column.name] for column in columns]
        with _at(table):
            for column in columns:
                if column.is_generated:
                    raise WrongValue(f'column {column.name}: expected no '
                                     'value, the database computes it')
            texts = list(map(text_of, columns, given))
            self._compare(columns, given, texts)
        return dict(zip([column.name for column in columns], texts,
                        strict=True))

    def _compare(
            self, columns: Sequence[Column], given: Sequence[Any],
            texts: Sequence[str | None],
    ) -> None:
        """Raise WrongValue for a value that would be stored as another one."""
        try:
            with self._connection.transaction():  # a savepoint
                stored = self._stored(columns, texts)
        except psycopg.DataError:
            stored = [
                found for column, value, text
                in zip(columns, given, texts, strict=True)
                for found in self._stored_one(column, value, text)]
        for column, value, found in zip(columns, given, stored, strict=True):
            if not is_same(value, found):
                raise wrong(column, value, found)

    def _stored(
            self, columns: Sequence[Column], texts: Sequence[str | None],
    ) -> Sequence[Any]:
        if not columns:
            return ()
        expressions = ', '.join([
            selected(f'${place}::{column.type}', column.type)
            for place, column in enumerate(columns, 1)])
        return execute(
            self._connection, f'SELECT {expressions}', *texts).fetchall()[0]

    def _stored_one(
            self, column: Column, value: Any, text: str | None,
    ) -> Sequence[Any]:
        try:
            with self._connection.transaction():
                return self._stored([column], [text])
        except psycopg.DataError as error:
            raise WrongValue(
                f'{wrong(column, value)}: {error.diag.message_primary}'
            ) from error


@contextmanager
def _at(table: Table) -> Iterator[None]:
    """Say which table a wrong value is of."""
    try:
        yield
    except WrongValue as error:
        raise WrongValue(f'table {table}, {error}') from error


def _named(table: Table, key: Key) -> dict[str, Any]:
    return dict(zip(table.key, key, strict=True))
