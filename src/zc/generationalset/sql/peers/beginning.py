"""Preparing a database for being kept equal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zc.generationalset.sources.attempts import repeated
from zc.generationalset.sql.database import Database
from zc.generationalset.sql.errors import Conflict
from zc.generationalset.sql.opening import open_database
from zc.generationalset.sql.peers import ledger, schemas


def begin(named: Any, names: Sequence[str] = ()) -> Database:
    """Open a database, and track tables of it if they aren't yet.

    Raises DatabaseError.
    """
    database = open_database(named)
    try:
        tables = schemas.found(database, names)
        repeated(lambda: database.execute(
            database.plan_tracking(list(tables.values()))), Conflict)
        ledger.begin(database)
    except BaseException:
        database.close()
        raise
    return database
