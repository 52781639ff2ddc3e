"""The audit of a tree of sets: ``check(gset)``.

``zc.generationalset.check`` is both a function and the module that has it.
One attribute can only be one object, so the module can be called: then each
import gives the same, in any order.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from zc.generationalset.sets.audit import check as check


class _Check(ModuleType):

    def __call__(self, *arguments: Any, **options: Any) -> list[str]:
        return check(*arguments, **options)


sys.modules[__name__].__class__ = _Check
