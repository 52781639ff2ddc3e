"""Looks at some rows once more."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from zc.generationalset.sql.database import Reading
from zc.generationalset.sql.tables import Key, Table
from zc.generationalset.sql.verification.forms import Form, hashed, key_for


class Seen(NamedTuple):
    """A row, the forms of its values, and a hash of its form."""

    row: dict[str, Any]
    parts: dict[str, bytes]
    hash: bytes


def look(
        reading: Reading, table: Table, keys: Iterable[Key],
) -> dict[bytes, Seen]:
    """Return the rows with some keys, by the forms of their keys.

    keys
        As either side has them.
    """
    form = Form(table)
    rows = [row.values for row in reading.rows(
        form.table, [key_for(table, key) for key in keys])]
    return {key: Seen(form.named(row), form.parts(row), hashed(packed))
            for row, key, packed in form.packed(rows)}
