"""Sources: where answers come from, and where changes go.

A source is what is behind a server: ``zc.generationalset.sources.zodb`` has
the one for databases of ZODB.
"""

from zc.generationalset.sources.errors import (
    Contended,
    NoItem,
    NoTree,
    ReadOnly,
    SourceError,
    Unavailable,
    Uncertain,
    WrongKind,
)
from zc.generationalset.sources.interface import (
    Editor,
    Path,
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
    'Unavailable',
    'Uncertain',
    'WrongKind',
]
