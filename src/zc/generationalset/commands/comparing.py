"""``gset check URL --replica FILE``: compares a copy with the server."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

from zc.generationalset import wire
from zc.generationalset.commands import Failure
from zc.generationalset.commands.listing import Path, is_set, show_path
from zc.generationalset.commands.talking import connect
from zc.generationalset.commands.terminal import cut, escape
from zc.generationalset.replica import Replica, SQLiteReplica

#: How often the comparison begins again because the server has moved on.
ATTEMPTS = 10
#: The most characters of a value that are shown.
SHOWN = 60


def compare(url: str, token_file: str | None, path: str) -> int:
    """Print the differences of a copy; return the exit code."""
    fresh = Replica()
    with _copied(path) as replica:
        _meet(url, token_file, replica, fresh)
        differences = 0
        for line in _different((), replica.items, fresh.items):
            differences += 1
            print(escape(line))
    if not differences:
        print(f'{path}: well, the same as the server at generation '
              f'{fresh.generation}')
    return int(differences > 0)


def _meet(url: str, token_file: str | None,
          *replicas: Replica | SQLiteReplica) -> None:
    """Bring replicas to the same generation."""
    for _ in range(ATTEMPTS):
        for replica in replicas:
            with connect(url, token_file, replica) as client:
                client.sync()
        if len({(each.epoch, each.generation) for each in replicas}) == 1:
            return
    raise Failure(f'the server moves on too fast: there was a change between '
                  f'two requests {ATTEMPTS} times')


@contextmanager
def _copied(path: str) -> Iterator[SQLiteReplica]:
    """Yield a replica with the contents of a file, which stays as it is."""
    if not os.path.exists(path):
        raise Failure(f'expected a replica, but there is no {path}')
    with tempfile.TemporaryDirectory() as directory:
        copy = os.path.join(directory, 'copy.sqlite')
        try:
            _copy(path, copy)
            with SQLiteReplica(copy) as replica:
                yield replica
        except (sqlite3.Error, ValueError) as error:
            text = str(error).replace(f'{copy}: ', '')
            raise Failure(f'{path}: {text}') from error


def _copy(path: str, copy: str) -> None:
    """Copy a database to which others may write meanwhile."""
    with closing(sqlite3.connect(
            f'file:{path}?mode=ro', uri=True)) as original, \
            closing(sqlite3.connect(copy)) as other:
        original.backup(other)


def _different(
        path: Path, mine: Mapping[Any, Any], theirs: Mapping[Any, Any],
) -> Iterator[str]:
    """Yield a line for each difference."""
    for id in dict.fromkeys([*theirs, *mine]):
        here: Any = mine.get(id)
        there: Any = theirs.get(id)
        if is_set(here) and is_set(there):
            yield from _different((*path, id), here, there)
            continue
        expected, got = [_text(items, id) for items in (theirs, mine)]
        if expected != got:
            yield (f'{show_path((*path, id))}: expected '
                   f'{cut(expected, SHOWN)}, got {cut(got, SHOWN)}')


def _text(items: Mapping[Any, Any], id: Any) -> str:
    if id not in items:
        return 'nothing'
    item = items[id]
    return 'a set' if is_set(item) else wire.encode_value(item).decode()
