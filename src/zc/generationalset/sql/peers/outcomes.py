"""Policies: what becomes of a row that both sides have changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from zc.generationalset.merging import Priority, changes, merge
from zc.generationalset.sql.peers.errors import SyncError
from zc.generationalset.sql.peers.versions import GONE, Pair, read, text

#: The columns of a row by their names, without the key; None if it is gone.
Columns: TypeAlias = 'Mapping[str, Any] | None'


class Conflict(NamedTuple):
    """A row that both sides have changed, for a function that decides.

    table
        Its name.
    key
        The values of its key, which are strings, numbers and so on as in
        answers of a server.
    base
        The row that both sides had last; None if there was none.
    server, client
        What they have made of it; None if it is gone there.
    """

    table: str
    key: tuple[Any, ...]
    base: Columns
    server: Columns
    client: Columns


#: Returns the columns that a row gets on both sides, or None to delete it.
Decide: TypeAlias = 'Callable[[Conflict], Columns]'
#: The name of a policy, or a function.
Policy: TypeAlias = 'str | Decide'


class Crossing(NamedTuple):
    """The versions of a row that a client has pushed.

    is_hidden
        Whether the server has a row that the client may not see.
    """

    pair: Pair
    key: str
    base: str
    server: str
    client: str
    is_hidden: bool = False


class Outcome(NamedTuple):
    """The version that a row gets.

    is_conflict
        Whether a version lost something, so that both are kept.
    """

    version: str
    is_conflict: bool


def check(policy: Policy) -> None:
    """Raise ValueError for what is no policy."""
    if not callable(policy) and policy not in _POLICIES:
        raise ValueError('expected a function, or one of the policies '
                         f'{", ".join(_POLICIES)}, got {policy!r}')


def decide(crossing: Crossing, policy: Policy) -> Outcome:
    """Return what becomes of a row.

    It is a conflict only if the server's row isn't the one that the client's
    change began with.

    Raises SyncError if a function returns what is no row of the table.
    """
    if crossing.client == crossing.server:
        return Outcome(crossing.server, is_conflict=False)
    if crossing.is_hidden:
        return _server(crossing)
    if crossing.server == crossing.base:
        return Outcome(crossing.client, is_conflict=False)
    if callable(policy):
        return Outcome(_decided(crossing, policy), is_conflict=True)
    return _POLICIES[policy](crossing)


def _server(crossing: Crossing) -> Outcome:
    return Outcome(crossing.server, is_conflict=True)


def _client(crossing: Crossing) -> Outcome:
    return Outcome(crossing.client, is_conflict=True)


def _columns(crossing: Crossing) -> Outcome:
    """Merge columns; the server's win, and a row that one side has deleted
    is the server's."""
    if GONE in (crossing.server, crossing.client):
        return _server(crossing)
    names = list(crossing.pair.columns)
    base = _texts(crossing, crossing.base) if crossing.base else {}
    merged = merge(
        base, {'server': changes(
            base, _texts(crossing, crossing.server), names),
            'client': changes(base, _texts(crossing, crossing.client), names)},
        dict.fromkeys(names, Priority(('server', 'client'))))
    version = f'[{",".join(merged.fields[name] for name in names)}]'
    return Outcome(version, is_conflict=bool(merged.conflicts))


_POLICIES: dict[str, Callable[[Crossing], Outcome]] = {
    'server': _server, 'client': _client, 'columns': _columns}


def _texts(crossing: Crossing, version: str) -> dict[str, str]:
    """Return the JSON text of each column."""
    return {name: text([value])[1:-1] for name, value
            in zip(crossing.pair.columns, read(version), strict=True)}


def _decided(crossing: Crossing, decide: Decide) -> str:
    def columns(version: str) -> Columns:
        return dict(zip(names, read(version), strict=True)) \
            if version else None

    names = list(crossing.pair.columns)
    decided = decide(Conflict(
        crossing.pair.name, tuple(read(crossing.key)), columns(crossing.base),
        columns(crossing.server), columns(crossing.client)))
    if decided is None:
        return GONE
    if set(decided) != set(names):
        raise SyncError(
            f'table {crossing.pair.name}: expected the columns '
            f'{", ".join(names)} of a decision, got {", ".join(decided)}')
    return text([decided[name] for name in names])
