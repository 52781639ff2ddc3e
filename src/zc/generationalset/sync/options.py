"""What a store is made of, as a file of configuration has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zc.generationalset.sync.type import Type


@dataclass(frozen=True)
class Options:
    """The options of a store, each of which is taken once.

    name
        The name of the store.
    types
        The types that are declared.
    folder
        Where the file of configuration is; paths are relative to it.
    values
        The options that nobody has taken yet.
    place
        What comes before the names of options in messages.
    """

    name: str
    types: Mapping[str, Type]
    folder: Path
    values: dict[str, Any]
    place: str = ''

    def take(self, name: str, kind: type, default: Any = None) -> Any:
        """Return an option, and note that it is known.

        Raises ValueError if it is of another type, or missing and without a
        default.
        """
        if name not in self.values and default is not None:
            return default
        value = self.values.pop(name, None)
        if not isinstance(value, kind) or (
                kind is int and isinstance(value, bool)):
            raise ValueError(
                f'{self.place}{name}: expected a value of type '
                f'{kind.__name__}, '
                + ('got none' if value is None else f'got {value!r}'))
        return value

    def choose(
            self, name: str, choices: Mapping[str, Any], default: str = '',
    ) -> str:
        """Return an option that is one of some texts.

        Raises ValueError if it isn't.
        """
        value: str = self.take(name, str, default or None)
        if value not in choices:
            raise ValueError(f'{self.place}{name}: expected '
                             f'{" or ".join(choices)}, '
                             f'got {value!r}')
        return value

    def type(self, name: str) -> Type:
        """Return a type.  Raises ValueError if it isn't declared."""
        if name not in self.types:
            raise ValueError(f'{name}: expected an option or one of the '
                             f'types {", ".join(self.types) or "(none)"}')
        return self.types[name]

    def tables(self) -> Iterator[tuple[Type, Options]]:
        """Yield the types that the store has, with their options.

        This comes after all other options were taken.  Raises ValueError if a
        type isn't declared, there is none, or an option isn't known.
        """
        if not self.values:
            raise ValueError('expected a table with options for each type')
        for name in list(self.values):
            type = self.type(name)
            table = Options(name, {}, self.folder, self.take(name, dict),
                            f'{name}.')
            yield type, table
            table.check_empty()

    def check_empty(self) -> None:
        """Raise ValueError if an option was never taken."""
        for name in self.values:
            raise ValueError(f'{self.place}{name}: this option is not known')
