"""The audit of a tree of sets: ``check(gset)``.

``zc.generationalset.check`` is both a function and the module that has it.  An
attribute can be only one object, so this module can be called.  So all ways to
import it, in any order, give the same object.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from zc.generationalset.sets.audit import Unchecked as Unchecked
from zc.generationalset.sets.audit import check as check

if TYPE_CHECKING:
    from zc.generationalset.sets.base import BaseSet


class _Check(ModuleType):

    def __call__(
            self, gset: BaseSet,
            progress: Callable[[int], object] | None = None,
            encode: Callable[[tuple[Any, Any]], object] | None = None,
    ) -> list[str]:
        return check(gset, progress, encode)


sys.modules[__name__].__class__ = _Check
