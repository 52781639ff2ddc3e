"""Synchronizers in files of TOML."""

from __future__ import annotations

import copy
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from zc.generationalset.merging import (
    Owner,
    Policy,
    Priority,
    conflict,
    maximum,
    union,
)
from zc.generationalset.sync.errors import Refused
from zc.generationalset.sync.options import Options
from zc.generationalset.sync.report import describe
from zc.generationalset.sync.store import Store
from zc.generationalset.sync.synchronizer import check_types
from zc.generationalset.sync.type import Type
from zc.generationalset.toml import TOMLError, line_of_option, parse

#: The modules in ``stores``, each with a function ``make``.
KINDS = 'memory', 'file', 'folder', 'gset', 'http', 'rest', 'sql'
#: The group of entry points that make other kinds of stores.
GROUP = 'zc.generationalset.stores'
POLICIES: Mapping[str, Policy] = {
    'conflict': conflict, 'set': union, 'max': maximum}


class Mistake(Exception):
    """A file of configuration is wrong; the text says where."""


class Configuration:
    """A synchronizer, as a file describes it.

    path
        The file.

    ``hub`` is a path or a URI, ``types`` are the types.

    Raises Mistake, with the line.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            self._text = self.path.read_text('utf-8')
        except (OSError, ValueError) as error:
            raise Mistake(f'{path}: {error}') from error
        try:
            table = parse(self._text)
        except TOMLError as error:
            raise Mistake(_of_toml(path, error)) from error
        with self._at():
            whole = Options('', {}, self.path.parent, table)
            hub = whole.take('hub', str)
            self.hub = hub if '://' in hub else str(self.path.parent / hub)
            self._stores = whole.take('stores', dict)
            types = whole.take('types', dict)
            whole.check_empty()
        self.types = {name: self._type(name, each)
                      for name, each in types.items()}
        with self._at('types'):
            check_types(self.types.values())
        for store in self.stores():
            store.close()

    def stores(self) -> list[Store]:
        """Return new stores.  Raises Mistake."""
        return [self._store(name, each)
                for name, each in self._stores.items()]

    @contextmanager
    def _at(self, *place: str) -> Iterator[None]:
        """Tell of a ValueError where it is."""
        try:
            yield
        except (ValueError, Refused) as error:
            text = str(error)
            line = line_of_option(
                self._text, place, text.partition(':')[0].split('.'))
            where = f'{self.path}:{line}: ' if line else f'{self.path}: '
            inside = f'{".".join(place)}: ' if place else ''
            raise Mistake(f'{where}{inside}{text}') from error

    def _type(self, name: str, table: Any) -> Type:
        with self._at('types', name):
            if not isinstance(table, dict):
                raise ValueError('expected a table')
            options = Options(name, {}, self.path.parent, dict(table))
            fields, key = options.take('fields', dict), options.take(
                'key', list)
            policies = {
                field: self._policy(field, each) for field, each in
                options.take('policies', dict, {}).items()}
            wins = options.take('delete_wins', bool, False)
            options.check_empty()
            return Type(name, fields, key, policies, delete_wins=wins)

    def _policy(self, field: str, value: Any) -> Policy:
        if isinstance(value, str) and value in POLICIES:
            return POLICIES[value]
        if isinstance(value, dict) and len(value) == 1:
            [(name, sides)] = value.items()
            names = [sides] if isinstance(sides, str) else sides
            if isinstance(names, list) and all(
                    each in self._stores for each in names):
                if name == 'owner' and len(names) == 1:
                    return Owner(names[0])
                if name == 'priority':
                    return Priority(tuple(names))
        raise ValueError(
            f'policies: expected for {field} one of {", ".join(POLICIES)}, '
            '{priority = [stores]} or {owner = store}, ' f'got {value!r}')

    def _store(self, name: str, table: Any) -> Store:
        with self._at('stores', name):
            if not isinstance(table, dict):
                raise ValueError('expected a table')
            options = Options(name, self.types, self.path.parent, {
                option: self._revealed(option, value)
                for option, value in copy.deepcopy(table).items()})
            kind = options.take('kind', str)
            settles = options.take('settles', int, 0)
            if settles < 0:
                raise ValueError(
                    f'settles: expected seconds, 0 or more, got {settles}')
            store = self._made(kind, options)
            options.check_empty()
            store.settles = settles or store.settles
            return store

    def _made(self, kind: str, options: Options) -> Store:
        """Return a store of some kind."""
        maker = self._maker(kind)
        try:
            store = maker.load()(options)
        except (ValueError, Refused):
            raise
        except Exception as error:  # modules of others raise anything
            raise ValueError(f'kind: {maker.value} makes no store: '
                             f'{describe(error)}') from error
        if not isinstance(store, Store):
            raise ValueError(f'kind: expected {maker.value} to make a Store, '
                             f'got {store!r:.100}')
        return store

    def _maker(self, kind: str) -> EntryPoint:
        """Return where the function is that makes stores of a kind."""
        if kind in KINDS:
            return EntryPoint(kind, f'{__package__}.stores.{kind}:make', GROUP)
        if re.fullmatch(r'[\w.]+:\w+', kind):
            folder = str(self.path.parent.resolve())
            if folder not in sys.path:
                sys.path.append(folder)
            return EntryPoint(kind, kind, GROUP)
        others = entry_points(group=GROUP)
        if kind in others.names:
            return others[kind]
        known = ', '.join([*KINDS, *sorted(others.names)])
        raise ValueError(
            f'kind: expected {known}, or MODULE:NAME; got {kind!r}')

    def _revealed(self, option: str, value: Any) -> Any:
        """Return an option, or the secret that it names."""
        if not isinstance(value, dict) or len(value) != 1:
            return value
        [(where, name)] = value.items()
        if where == 'env' and isinstance(name, str):
            if name not in os.environ:
                raise ValueError(f'{option}: the environment has no {name}')
            return os.environ[name]
        if where == 'file' and isinstance(name, str):
            try:
                return (self.path.parent / name).read_text('utf-8').strip()
            except (OSError, ValueError) as error:
                raise ValueError(f'{option}: can not read {name}') from error
        return value


def _of_toml(path: str | Path, error: Exception) -> str:
    """Return a parser's text with the line where lines are told here."""
    text = str(error)
    found = re.search(r' \(at line (\d+), column \d+\)$', text)
    if found is None:
        return f'{path}: {text}'
    return f'{path}:{found[1]}: {text[:found.start()]}'
