"""Sources: answers come from them, and changes go to them.

A source is the database behind a server.  ``zc.generationalset.sources.zodb``
has the source for ZODB databases.
"""

from zc.generationalset.parts import Path
from zc.generationalset.sources.errors import (
    Contended,
    LaterCursor,
    NoItem,
    NoTree,
    ReadOnly,
    Refused,
    SourceError,
    StaleCursor,
    Unavailable,
    Uncertain,
    WrongKind,
    WrongValue,
)
from zc.generationalset.sources.interface import (
    Editor,
    Outcome,
    Snapshot,
    Source,
    Write,
)

__all__ = [
    'Contended',
    'Editor',
    'LaterCursor',
    'NoItem',
    'NoTree',
    'Outcome',
    'Path',
    'ReadOnly',
    'Refused',
    'Snapshot',
    'Source',
    'SourceError',
    'StaleCursor',
    'Unavailable',
    'Uncertain',
    'Write',
    'WrongKind',
    'WrongValue',
]
