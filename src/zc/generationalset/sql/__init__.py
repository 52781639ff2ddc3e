"""SQL databases: live sources, copies, and pairs that are kept equal."""

from zc.generationalset.extras import need

need('wire')

from zc.generationalset.sql.errors import (
    DatabaseError,
    Untrackable,
)
from zc.generationalset.sql.opening import open_database
from zc.generationalset.sql.peers import SyncClient, SyncServer
from zc.generationalset.sql.replica import SQLReplica
from zc.generationalset.sql.served import View
from zc.generationalset.sql.source import SQLSource
from zc.generationalset.sql.verification import (
    Difference,
    Digest,
    FormHasher,
    Verification,
    digest,
)

__all__ = [
    'DatabaseError',
    'Difference',
    'Digest',
    'FormHasher',
    'SQLReplica',
    'SQLSource',
    'SyncClient',
    'SyncServer',
    'Untrackable',
    'Verification',
    'View',
    'digest',
    'open_database',
]
