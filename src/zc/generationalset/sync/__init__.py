"""Any number of stores, kept equal: ``docs/sync.txt``."""

from zc.generationalset.extras import need

need('sync')

from zc.generationalset.merging import ABSENT
from zc.generationalset.sync.accessor import (
    Accessor,
    Capabilities,
    Changes,
    Listed,
)
from zc.generationalset.sync.data import Data
from zc.generationalset.sync.errors import (
    Busy,
    Gone,
    Incomplete,
    Problem,
    Refused,
    Replaced,
    Stale,
    Unavailable,
    Unreadable,
)
from zc.generationalset.sync.hub import Decided, Hub, LeaseLost
from zc.generationalset.sync.report import Report, Step
from zc.generationalset.sync.store import Store
from zc.generationalset.sync.synchronizer import Synchronizer
from zc.generationalset.sync.type import Type

__all__ = [
    'ABSENT',
    'Accessor',
    'Busy',
    'Capabilities',
    'Changes',
    'Data',
    'Decided',
    'Gone',
    'Hub',
    'Incomplete',
    'LeaseLost',
    'Listed',
    'Problem',
    'Refused',
    'Replaced',
    'Report',
    'Stale',
    'Step',
    'Store',
    'Synchronizer',
    'Type',
    'Unavailable',
    'Unreadable',
]
