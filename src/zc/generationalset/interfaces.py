"""The contract of generational sets."""

from __future__ import annotations

from typing import Any

from zope.interface import Interface


class SubsetUpdates(dict[str, Any]):
    """The updates of a subset, among the items of its superset.

    Equal to, and printed as, a plain dictionary.  The class tells it from an
    item that happens to be a dictionary.
    """


class IGenerationalSet(Interface):
    pass
