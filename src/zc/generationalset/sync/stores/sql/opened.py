"""A database that is opened when it is first used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from zc.generationalset.sources import (
    Contended,
    Uncertain,
    WrongValue,
)
from zc.generationalset.sources import Refused as RefusedBySource
from zc.generationalset.sources.attempts import repeated
from zc.generationalset.sql import open_database
from zc.generationalset.sql.database import Database, Reading, Writing
from zc.generationalset.sql.errors import Conflict, DatabaseError
from zc.generationalset.sql.tables import named
from zc.generationalset.sync.errors import Busy, Refused, Unavailable

Result = TypeVar('Result')


class Opened:
    """A database, with the errors of stores.

    named
        What ``sql.open_database`` takes.
    """

    def __init__(self, named: Any) -> None:
        self._named = named
        self._opened: Database | None = None

    def database(self) -> Database:
        """Return the database.  Raises Unavailable."""
        if self._opened is None:
            try:
                self._opened = open_database(self._named)
            except DatabaseError as error:
                raise Unavailable(str(error)) from error
            except Exception as error:  # drivers have errors of their own
                # Its text may have the password.
                raise Unavailable('can not open the database: '
                                  f'{type(error).__name__}') from error
        return self._opened

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """Read tables, whether they are tracked or not."""
        database = self.database()
        with told(database), database.plain_reading() as reading:
            yield reading

    @contextmanager
    def tracked_reading(self) -> Iterator[Reading]:
        """Read tables that are tracked."""
        database = self.database()
        with told(database), database.reading() as reading:
            yield reading

    def write(self, change: Callable[[Writing], Result]) -> Result:
        """Make a change in a transaction; return what it returns."""
        database = self.database()

        def attempt() -> Result:
            with database.plain_writing() as writing:
                return change(writing)

        with told(database):
            return repeated(attempt, Conflict)

    def is_tracked(self, name: str) -> bool:
        """Tell whether a table is tracked."""
        database = self.database()
        with told(database):
            return bool(named(database.tracked(), name))

    def version(self) -> str:
        """Return a text that is another one after commits."""
        database = self.database()
        with told(database):
            return str(database.version())

    def tidy(self) -> None:
        """Let the tracking forget old changes, as no server may do that."""
        database = self.database()
        with told(database):
            database.tidy()


@contextmanager
def told(database: Database) -> Iterator[None]:
    """Raise the errors of stores for those of a database."""
    try:
        yield
    except (RefusedBySource, WrongValue) as error:
        raise Refused(str(error)) from error
    except Contended as error:
        raise Busy() from error
    except (Uncertain, DatabaseError) as error:
        raise Unavailable(str(error)) from error
    except database.failures as error:
        raise Unavailable(f'the database has failed: {error}') from error
