"""Sources: answers come from them, and changes go to them.

A source is the database behind a server.  ``zc.generationalset.sources.zodb``
has the source for ZODB databases.
"""

from zc.generationalset.parts import Path
from zc.generationalset.sources.errors import (
    Contended,
    NoItem,
    NoTree,
    ReadOnly,
    SourceError,
    StaleCursor,
    Unavailable,
    Uncertain,
    WrongKind,
)
from zc.generationalset.sources.interface import (
    Editor,
    Snapshot,
    Source,
)

__all__ = [
    'Contended',
    'Editor',
    'NoItem',
    'NoTree',
    'Path',
    'ReadOnly',
    'Snapshot',
    'Source',
    'SourceError',
    'StaleCursor',
    'Unavailable',
    'Uncertain',
    'WrongKind',
]
