"""Two databases that keep each other equal, over sockets or HTTP."""

from zc.generationalset.sql.peers.client import SyncClient
from zc.generationalset.sql.peers.conversation import Report
from zc.generationalset.sql.peers.errors import (
    BadMessage,
    Cut,
    Rejected,
    SyncError,
    Unfit,
)
from zc.generationalset.sql.peers.outcomes import Conflict
from zc.generationalset.sql.peers.server import SyncServer

__all__ = ['BadMessage', 'Conflict', 'Cut', 'Rejected', 'Report',
           'SyncClient', 'SyncError', 'SyncServer', 'Unfit']
