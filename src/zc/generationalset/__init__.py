"""Generational sets: tell every client what changed since it last asked."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zc.generationalset.sets.audit import check
    from zc.generationalset.sets.journal import Backlog, Journal  # noqa: F401
    from zc.generationalset.sets.repair import repair
    from zc.generationalset.sets.set import (
        GenerationalSet,
        GSet,
        SGSet,
        StringIdGenerationalSet,
        ValueGenerationalSet,
        VGSet,
    )
    from zc.generationalset.sets.tracking import (
        Forgotten,
        ForgottenWarning,
        track,
    )
    from zc.generationalset.sets.unnoticed import unnoticed

__all__ = [
    'Forgotten',
    'ForgottenWarning',
    'GSet',
    'GenerationalSet',
    'SGSet',
    'StringIdGenerationalSet',
    'VGSet',
    'ValueGenerationalSet',
    'check',
    'notify',
    'repair',
    'track',
    'unnoticed',
]

#: The module of each public name, and of each name that pickles contain.
_MODULES = {
    'Backlog': 'sets.journal',
    'Forgotten': 'sets.tracking',
    'ForgottenWarning': 'sets.tracking',
    'GSet': 'sets.set',
    'GenerationalSet': 'sets.set',
    'Journal': 'sets.journal',
    'SGSet': 'sets.set',
    'StringIdGenerationalSet': 'sets.set',
    'VGSet': 'sets.set',
    'ValueGenerationalSet': 'sets.set',
    'repair': 'sets.repair',
    'track': 'sets.tracking',
    'unnoticed': 'sets.unnoticed',
}


def notify(superset: Any) -> None:
    """Do nothing; called after each change, with the top set of the tree.

    Applications replace this function, such as by ``zope.event.notify``.
    """


def __getattr__(name: str) -> Any:
    """Import the sets when they are first used.

    Clients import this package, too, and must not load a database.
    """
    if name == 'check':  # a module that can be called
        return import_module('zc.generationalset.check')
    if name not in _MODULES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    module = import_module(f'zc.generationalset.{_MODULES[name]}')
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
