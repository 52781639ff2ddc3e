"""The contract of storages: what every storage must do with a tree."""

from zc.generationalset.tests.contract.conflicts import (
    Conflicts,
    HandedOut,
    PlainItems,
    Structure,
)
from zc.generationalset.tests.contract.history import Packing, Savepoints


class WithoutPacking(Conflicts, HandedOut, Structure, PlainItems, Savepoints):
    pass


class Contract(WithoutPacking, Packing):
    pass
