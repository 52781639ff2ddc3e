"""Names and values in SQL."""

from __future__ import annotations

from collections.abc import Iterable


def name(text: str) -> str:
    """Quote a name.

    >>> print(name('a "b"'))
    "a ""b\"""
    """
    return '"' + text.replace('"', '""') + '"'


def own(statement: str) -> str:
    """Put in what is before the names of own tables and indexes.

    >>> own('SELECT id FROM {gset}identity')
    'SELECT id FROM gset_identity'
    """
    return statement.format(gset='gset_', index='gset_')


def names(texts: Iterable[str], prefix: str = '') -> str:
    """Quote names, with commas between them.

    >>> print(names(['a', 'b'], 'NEW.'))
    NEW."a", NEW."b"
    """
    return ', '.join(prefix + name(text) for text in texts)


def text(value: str) -> str:
    """Quote a text.

    >>> print(text("it's"))
    'it''s'
    """
    return "'" + value.replace("'", "''") + "'"
