"""Auditing the sets of a database, for ``gset check`` and ``gset renew``."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import transaction
import ZODB
from ZODB.broken import Broken
from ZODB.POSException import POSError

from zc.generationalset import GenerationalSet
from zc.generationalset.check import Unchecked, check
from zc.generationalset.commands import Failure, databases, trusted
from zc.generationalset.commands.terminal import escape, progress
from zc.generationalset.interfaces import IServed


def audit(data: str, path: str | None, trust: bool) -> int:
    """Check one set of a database, or all; print what is wrong."""
    with _root(data, trust) as root:
        return _check(find_sets(root, path))


@contextmanager
def _root(data: str, trust: bool) -> Iterator[Any]:
    """Open a database for reading, and yield its root."""
    with _opened(data, trust) as db:
        connection = db.open(transaction.TransactionManager())
        try:
            yield connection.root()
        except Failure:
            raise
        except Exception as error:
            raise _unreadable(data, error) from error
        finally:
            connection.transaction_manager.abort()
            connection.close()


@contextmanager
def _opened(data: str, trust: bool) -> Iterator[Any]:
    classes = {} if trust else {'class_factory': trusted.find}
    path = databases.file_path(data.partition('?')[0])
    if path is None:
        with databases.opened(data, 1, **classes) as db:
            yield db
        return
    if not os.path.exists(path):
        raise Failure(f'expected a FileStorage, but there is no file {path}')
    databases.check_file(path)
    with closing(_storage(path)) as storage:
        try:
            db = ZODB.DB(storage, **classes)
        except Exception as error:
            raise _unreadable(path, error) from error
        with closing(db):
            yield db


def _storage(path: str) -> Any:
    try:
        return trusted.ReadOnlyFile(path)
    except Exception as error:
        raise _unreadable(path, error) from error


def _unreadable(data: str, error: Exception) -> Failure:
    """Return the failure for an error from a damaged database."""
    return Failure(f'can not read {databases.public(data)}: '
                   f'{type(error).__name__}: {error}')


def find_sets(root: Any, path: str | None) -> dict[str, Any]:
    """Return the sets and mirrors in a root, or the one at a path."""
    if path is not None:
        return {path: _traverse(root, path)}
    found = {str(name): ob for name, ob in root.items()
             if IServed.providedBy(ob)}
    if not found:
        raise Failure(
            'expected a set in the root of the database, where there are: '
            + (', '.join(map(str, root)) or 'no objects')
            + _advice(root.values()))
    return found


def _traverse(root: Any, path: str) -> Any:
    ob = root
    for name in filter(None, path.split('/')):
        inside = ob
        try:
            ob = inside[name]
        except POSError as error:
            raise Failure(f'{path}: {name!r} can not be read: '
                          f'{type(error).__name__} {error}') from error
        except (KeyError, TypeError, AttributeError):
            ob = getattr(inside, name, None)
        if ob is None:
            known = list(inside) if isinstance(inside, Mapping) else []
            raise Failure(f'{path}: there is no {name!r}'
                           + (f' in {known}' if known else '')
                           + _advice([inside]))
    if not IServed.providedBy(ob):
        raise Failure(f'{path}: expected a GenerationalSet, got {ob!r}'
                      + _advice([ob]))
    return ob


def _advice(objects: Iterable[Any]) -> str:
    """Return a text that says what to do about placeholders, or ''."""
    names = {f'{type(ob).__module__}.{type(ob).__name__}' for ob in objects
             if isinstance(ob, Broken)}
    return (f'; not loaded: {", ".join(sorted(names))}; see --trust'
            if names else '')


def _check(sets: dict[str, Any]) -> int:
    code = 0
    for name, ob in sets.items():
        gset = ob if isinstance(ob, GenerationalSet) else ob.mirrored
        with progress() as tell:
            problems = check(gset, lambda count: tell(f'{count:,} entries'))
        for problem in problems:
            print(escape(f'{name}: {problem}'))
        if any(not isinstance(problem, Unchecked) for problem in problems):
            code = 1
        elif problems and not code:
            print('to check all, give --trust, where the application can be '
                  'imported', file=sys.stderr)
            code = 2
        if not problems:
            print(escape(name) + f': well, {len(gset)} items')
    return code
