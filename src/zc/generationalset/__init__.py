"""Generational sets: tell every client what changed since it last asked."""

from __future__ import annotations

from typing import Any


def notify(superset: Any) -> None:
    """Be told of a change; called with the set at the top of its tree.

    Applications replace this, for example by ``zope.event.notify``.
    """


from zc.generationalset._journal import Backlog, Journal  # noqa: E402,F401
from zc.generationalset._set import (  # noqa: E402
    GenerationalSet,
    GSet,
    SGSet,
    StringIdGenerationalSet,
    ValueGenerationalSet,
    VGSet,
)
