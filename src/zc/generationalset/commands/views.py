"""Files of TOML that say what users see of tables."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from zc.generationalset.commands import Failure
from zc.generationalset.toml import TOMLError, line_of_option, parse

if TYPE_CHECKING:
    from zc.generationalset.sql import View

#: Texts of SQL, quoted names, casts, parameters, and names of columns.
_WORDS = re.compile(r"""'(?:[^']|'')*'|"((?:[^"]|"")*)"|::\w+|:(\w+)|(\w+)""")


class Part(NamedTuple):
    """What users see of a table.

    places
        Where the file has the table, and its options.
    columns
        Names of columns; None for all.
    where
        The condition for rows, in which ``:user`` is the user's name.
    """

    table: str
    places: Mapping[str, str]
    columns: list[str] | None = None
    where: str = ''

    def place(self, option: str = '') -> str:
        """Return where the file has an option, or the table."""
        return self.places.get(option, self.places[''])

    @property
    def is_of_user(self) -> bool:
        return any(found[2] for found in _WORDS.finditer(self.where))

    @property
    def quoted(self) -> list[str]:
        """The names in double quotes in the condition."""
        return [found[1].replace('""', '"')
                for found in _WORDS.finditer(self.where) if found[1]]

    @property
    def names(self) -> set[str]:
        """The names in the condition, those of columns among them."""
        return {*self.quoted, *(found[3] for found in _WORDS.finditer(
            self.where) if found[3])}

    def view(self, user: Hashable) -> View:
        from zc.generationalset.sql import View
        return View(self.table, self.columns, self.where,
                    {'user': str(user)} if self.is_of_user else {})


def read(path: str) -> dict[str, Part]:
    """Return what a file says, by the names of tables.

    .. code-block:: toml

        [orders]
        columns = ["id", "customer", "total"]
        where = "seller = :user"

    Raises Failure, which says in which line the mistake is.
    """
    try:
        with open(path, encoding='utf-8-sig') as file:
            text = file.read()
        tables = parse(text)
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f'can not read {path}: {error}') from error
    except TOMLError as error:
        raise Failure(f'{path}: {error}') from error
    if not tables:
        raise Failure(f'{path}: expected a table, such as [orders]')
    return {name: _part(name, options, _places(text, path, name, options))
            for name, options in tables.items()}


def _places(
        text: str, path: str, name: str, options: Any) -> dict[str, str]:
    """Return where a table and its options are, by their names."""
    if not isinstance(options, dict):
        return {'': path}
    lines = {option: line_of_option(text, (name,), [option])
             for option in ('', *options)}
    return {option: f'{path}, line {line}' if line else path
            for option, line in lines.items()}


def _part(name: str, options: Any, places: Mapping[str, str]) -> Part:
    if not isinstance(options, dict):
        raise Failure(f'{places[""]}: expected a table such as [orders], got '
                      f'{name} = {options!r}')
    part = Part(name, places, **{
        option: value for option, value in options.items()
        if option in ('columns', 'where')})
    for option in options:
        if option not in ('columns', 'where'):
            raise Failure(f'{part.place(option)}: expected columns and where, '
                          f'got {option}')
    if part.columns is not None and not (
            isinstance(part.columns, list)
            and all(isinstance(each, str) for each in part.columns)):
        raise Failure(f'{part.place("columns")}: expected a list of names of '
                      f'columns, got {part.columns!r}')
    if not isinstance(part.where, str):
        raise Failure(f'{part.place("where")}: expected a condition of SQL, '
                      f'got {part.where!r}')
    for found in _WORDS.finditer(part.where):
        if found[2] not in (None, 'user'):
            raise Failure(f'{part.place("where")}: expected no parameter but '
                          f':user, got :{found[2]}')
    return part
