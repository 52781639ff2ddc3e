"""Reading a database without running its code.

Objects are stored as pickles, which name classes and functions to call.  So
whoever wrote a database decides what is called.  Here, only known classes are.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from persistent import Persistent
from ZODB.broken import Broken, find_global
from ZODB.FileStorage import FileStorage

#: Packages whose persistent classes are loaded.
PACKAGES = 'BTrees', 'ZODB', 'persistent', 'zc.generationalset'
#: The types of values and ids, also by their names in Python 2.
VALUES = {
    *((module, name) for module in ('builtins', '__builtin__')
      for name in ('frozenset', 'object', 'set')),
    ('copyreg', '_reconstructor'), ('copy_reg', '_reconstructor'),
    *(('datetime', name)
      for name in ('date', 'datetime', 'time', 'timedelta', 'timezone')),
    ('decimal', 'Decimal'), ('uuid', 'UUID'), ('uuid', 'SafeUUID'),
}


def find(connection: object, module: str, name: str) -> Any:
    """Return a class, or a placeholder for a class that isn't trusted.

    For ``class_factory`` of ``ZODB.DB``.
    """
    if (module, name) in VALUES:
        return find_global(module, name)
    if _is_trusted(module):
        found = find_global(module, name)
        if isinstance(found, type) and issubclass(found, Persistent) \
                and _is_trusted(found.__module__):
            return found
    return _placeholder(module, name)


def _is_trusted(module: str) -> bool:
    return f'{module}.'.startswith(tuple(f'{name}.' for name in PACKAGES)) \
        and '.tests' not in module


@cache
def _placeholder(module: str, name: str) -> type:
    return type(name, (Broken,), {'__module__': module})


class ReadOnlyFile(FileStorage):
    """A file opened read-only, without its index, which is a pickle, too."""

    def __init__(self, path: str) -> None:
        super().__init__(path, read_only=True)

    def _restore_index(self) -> None:
        return None
