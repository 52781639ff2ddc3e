"""Which conditions of rows can be followed.

Nobody would notice that a condition begins or ceases to hold if it depended on
anything but the row.  SQLite itself knows that, as it accepts no such
condition for an index; but it takes functions of the time, and looks at what
they are called with.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from functools import lru_cache

from zc.generationalset.sql.conditions import REMEMBERED, filled, names
from zc.generationalset.sql.sqlite import quoting

_TIMES = re.compile(
    r'((?:date|time|datetime|julianday|unixepoch|strftime|timediff)'
    r')\(-?\d+\)').fullmatch


@lru_cache(REMEMBERED)
def problem(columns: tuple[str, ...], text: str) -> str:
    """Return why a condition of some columns can't be followed, or ''."""
    places = names(text)
    where = filled(text, places)
    with closing(sqlite3.connect(':memory:')) as probe:
        try:
            probe.execute(
                f'CREATE TABLE probe ({quoting.names([*columns, *places])}, '
                f'PRIMARY KEY ({quoting.name(columns[0])})) WITHOUT ROWID')
            probe.execute('CREATE INDEX rows ON probe '
                          f'({quoting.name(columns[0])}) WHERE ({where})')
            steps = probe.execute(
                f'EXPLAIN SELECT ({where}) FROM probe').fetchall()
        except sqlite3.Error as error:
            return str(error)
    for *_, argument, _, _ in steps:
        function = isinstance(argument, str) and _TIMES(argument)
        if function:
            return f'expected no function of the time, got {function[1]}'
    return ''
