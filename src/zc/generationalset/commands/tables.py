"""Tables of SQL databases: tracked, and served."""

from __future__ import annotations

import argparse
import sys
from collections.abc import (
    Callable,
    Collection,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import contextmanager
from typing import Any

from zc.generationalset.commands import Failure
from zc.generationalset.commands.databases import public
from zc.generationalset.commands.views import Part, read
from zc.generationalset.extras import need


@contextmanager
def opened(url: str) -> Iterator[Any]:
    """Open a database; its errors become a Failure."""
    need('wire')
    from zc.generationalset.sources import SourceError
    from zc.generationalset.sql import DatabaseError, open_database

    try:
        database = open_database(url)
    except DatabaseError as error:
        raise Failure(public(url, str(error))) from error
    failures: tuple[type[Exception], ...] = (
        DatabaseError, SourceError, *database.failures)
    try:
        yield database
    except failures as error:
        raise Failure(f'{public(url)}: {public(url, str(error))}') from error
    finally:
        database.close()


def track(options: argparse.Namespace) -> None:
    """Track tables, and say what that does.  Raises Failure."""
    url, names = options.url, options.tables

    with opened(url) as database:
        def plan() -> Any:
            return database.plan_tracking(
                _named(database, names), options.add_key, options.note)

        if options.dry_run:
            for statement in plan().statements:
                print(f'{statement};')
        elif not _begin(database, url, names, plan):
            print(f'tracked already: {", ".join(names)} of {public(url)}')


def served(
        names: Sequence[str] | None, path: str | None) -> dict[str, Part]:
    """Return what is served of tables, by their names.

    path
        A file that says it, if there are no names.

    Raises Failure.
    """
    return read(path) if path is not None else {
        name: Part(name, {'': '--tables'}) for name in names or ()}


def begin(
        url: str, parts: Mapping[str, Part], users: Collection[str]) -> None:
    """Track tables that aren't tracked yet, and try what is served of them.

    Raises Failure.
    """
    for part in parts.values():
        if part.is_of_user and not users:
            raise Failure(f'{part.place("where")}: expected a --token-file '
                          'that says who :user is')
    with opened(url) as database:
        tables = [_table(database, part) for part in parts.values()]
        noted = sorted({
            name for part in parts.values() for name in part.names})
        _begin(database, url, list(parts),
               lambda: database.plan_tracking(tables, noted=noted))
        with database.reading() as reading:
            for part in parts.values():
                for user in users if part.is_of_user else ['']:
                    _try(reading, part, user)


def _table(database: Any, part: Part) -> Any:
    """Return a table that is to be served.  Raises Failure."""
    try:
        [table] = _named(database, [part.table])
    except Failure as error:
        raise Failure(f'{part.place()}: {error}') from error
    names = [column.name for column in table.columns]
    for option, wanted in [
            ('columns', part.columns or []), ('where', part.quoted)]:
        for name in wanted:
            if name not in names:
                raise Failure(
                    f'{part.place(option)}: expected columns of {table}, '
                    f'which are {", ".join(names)}; got {name}')
    return table


def _try(reading: Any, part: Part, user: str) -> None:
    """Raise Failure if nobody can follow the condition of a part."""
    from zc.generationalset.sql import DatabaseError

    try:
        part.view(user).of(reading)
    except DatabaseError as error:
        raise Failure(f'{part.place("where")}: {error}') from error


def _begin(
        database: Any, url: str, names: Sequence[str],
        plan: Callable[[], Any]) -> bool:
    """Execute a plan; return whether there was something to do."""
    return _execute(database, plan,
                    f'tracking {", ".join(names)} of {public(url)}:')


def untrack(url: str) -> None:
    """Remove everything that tracking has made.  Raises Failure."""
    with opened(url) as database:
        if not _execute(database, database.plan_untracking):
            raise Failure(f'{public(url)}: no table is tracked', 1)


def _execute(
        database: Any, plan: Callable[[], Any], title: str = '') -> bool:
    """Execute a plan, and say what it does; return whether it does anything.

    Another process may do the same, so it is planned again after a conflict.
    """
    from zc.generationalset.sources.attempts import repeated
    from zc.generationalset.sql.errors import Conflict

    def attempt() -> bool:
        planned = plan()
        if planned.statements:
            for line in filter(None, [
                    title, *('  ' + _short(each)
                             for each in planned.statements)]):
                print(line)
            sys.stdout.flush()
            database.execute(planned)
        return bool(planned.statements)

    return repeated(attempt, Conflict)


def _short(statement: str) -> str:
    """Return the beginning of a statement, in one line."""
    line = ' '.join(statement.split())
    return line if len(line) <= 76 else line[:75] + '…'


def _named(database: Any, names: Sequence[str]) -> list[Any]:
    """Return the tables with some names.  Raises Failure."""
    from zc.generationalset.sql.tables import named

    tables = database.tables()
    wanted = []
    for name in names:
        found = named(tables, name)
        if len(found) != 1:
            raise Failure(
                f'expected a table, one of {", ".join(map(str, tables))}; '
                f'got {name}')
        wanted += found
    return wanted


def check(options: argparse.Namespace) -> None:
    """Raise Failure for options that don't go with tables."""
    given = '--tables' if options.views is None else '--views'
    if options.data is None:
        raise Failure(f'expected the URL of a SQL database with {given}')
    for name in 'demo', 'path', 'tables':
        if getattr(options, name) and f'--{name}' != given:
            raise Failure(f'expected {given} alone, got --'
                          + {'path': 'set'}.get(name, name))


@contextmanager
def source(url: str, parts: Mapping[str, Part]) -> Iterator[Any]:
    """Open a database as a source.  Raises Failure.

    If a part depends on the user, each user has a tree of their name.
    """
    from zc.generationalset.sql import SQLSource

    with opened(url) as database:
        yield SQLSource(database, lambda user: {
            name: part.view(user) for name, part in parts.items()})


def is_of_users(parts: Mapping[str, Part]) -> bool:
    """Tell whether users see different parts."""
    return any(part.is_of_user for part in parts.values())
