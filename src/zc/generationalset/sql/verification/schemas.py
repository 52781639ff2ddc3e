"""Which tables of two databases are compared, and which don't fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from zc.generationalset.sql.errors import DatabaseError
from zc.generationalset.sql.tables import Table


class Pair(NamedTuple):
    """A table that both sides have, with the same key and columns."""

    here: Table
    there: Table


class Misfit(NamedTuple):
    """Why a table isn't compared.

    where
        The name of the table, and of the column if it is about one.
    is_different
        Whether the sides differ; else it isn't known.
    """

    where: str
    text: str
    is_different: bool = True


def pairs(
        here: Sequence[Table], there: Sequence[Table],
        names: Sequence[str] = (),
) -> tuple[list[Pair], list[Misfit]]:
    """Return what can be compared, and what can't.

    names
        The tables that are wanted; all if there are none.

    Raises DatabaseError for a name that neither side has.
    """
    fits, misfits = [], []
    for name, one, other in _both(here, there, names):
        found = list(_misfits(name, one, other))
        misfits += found
        if one and other and not found:
            fits.append(Pair(one, other))
    return fits, misfits


def _both(
        here: Sequence[Table], there: Sequence[Table], names: Sequence[str],
) -> Iterator[tuple[str, Table | None, Table | None]]:
    if not names:
        names = [str(table) for table in here]
        names += [str(table) for table in there
                  if _found(here, str(table)) is None]
    for name in names:
        one, other = _found(here, name), _found(there, name)
        if one is None and other is None:
            known = ', '.join(sorted({str(each) for each in (*here, *there)}))
            raise DatabaseError(
                f'expected a table, one of {known}; got {name}')
        yield name, one, other


def _found(tables: Iterable[Table], name: str) -> Table | None:
    """Return the table with a name; kinds without schemas have short ones."""
    by_name = {str(table): table for table in tables}
    if name in by_name:
        return by_name[name]
    short = name.rpartition('.')[2]
    found = [table for table in by_name.values()
             if table.name == (name if table.schema else short)]
    return found[0] if len(found) == 1 else None


def _misfits(
        name: str, here: Table | None, there: Table | None,
) -> Iterator[Misfit]:
    if here is None or there is None:
        yield Misfit(name, 'not here' if here is None else 'not there')
        return
    if not here.key or not there.key:
        yield Misfit(name, 'expected a primary key, by which rows can be '
                     'looked up', is_different=False)
        return
    columns = [{column.name for column in table.columns}
               for table in (here, there)]
    for column in sorted(columns[0] ^ columns[1]):
        yield Misfit(f'{name}, column {column}',
                     'not there' if column in columns[0] else 'not here')
    if here.key != there.key:
        yield Misfit(name, f'the key is {", ".join(here.key)} here, '
                     f'{", ".join(there.key)} there')
