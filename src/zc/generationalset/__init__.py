"""Generational sets: tell every client what changed since it last asked."""

from __future__ import annotations

from typing import Any


def notify(superset: Any) -> None:
    """Be told of a change; called with the set at the top of its tree.

    Applications replace this, for example by ``zope.event.notify``.
    """


# After ``notify``, which these modules look up here.
from zc.generationalset._journal import (  # noqa: E402
    Backlog as Backlog,  # by this name in pickles
)
from zc.generationalset._journal import (  # noqa: E402
    Journal as Journal,
)
from zc.generationalset._set import (  # noqa: E402
    GenerationalSet,
    GSet,
    SGSet,
    StringIdGenerationalSet,
    ValueGenerationalSet,
    VGSet,
)
from zc.generationalset.check import check  # noqa: E402
from zc.generationalset.repair import repair  # noqa: E402

__all__ = [
    'GSet',
    'GenerationalSet',
    'SGSet',
    'StringIdGenerationalSet',
    'VGSet',
    'ValueGenerationalSet',
    'check',
    'notify',
    'repair',
]
