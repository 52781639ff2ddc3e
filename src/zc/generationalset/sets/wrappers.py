"""Removing wrappers of Acquisition, and Zope's proxies, from objects.

A wrapper looks like its object: its ``__class__`` is the object's class.  But
the database stores the object.  So a set keeps the object, and compares
objects.
"""

from __future__ import annotations

import sys
from typing import Any

from persistent import Persistent

#: Modules of wrappers, and their functions that remove one.  The functions
#: return other objects as they are.
_FUNCTIONS = [
    ('Acquisition', 'aq_base'),
    # Without C, zope.proxy can't look into proxies of zope.security.
    ('zope.security.proxy', 'removeSecurityProxy'),
    ('zope.proxy', 'getProxiedObject'),
    ('zope.container.contained', 'getProxiedObject'),
]


def bare(ob: Any) -> Any:
    """Return an object without all its wrappers.

    Raises TypeError for a persistent object in a wrapper of another kind.
    """
    while ob.__class__ is not type(ob):
        inner = _inner(ob)
        if inner is ob:
            if isinstance(ob, Persistent):
                raise TypeError(
                    f'expected a persistent object itself, got {type(ob)} '
                    f'around it')
            return ob
        ob = inner
    return ob


def _inner(ob: Any) -> Any:
    """Return the object in a known wrapper, else the object itself."""
    for name, function in _FUNCTIONS:
        module = sys.modules.get(name)
        if module is not None:
            inner = getattr(module, function)(ob)
            if inner is not ob:
                return inner
    return ob
