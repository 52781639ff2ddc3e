"""The audit of a tree of sets: ``check(gset)``.

``zc.generationalset.check`` is both a function and the module that has it.  An
attribute can be only one object, so this module can be called.  So all ways to
import it, in any order, give the same object.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from zc.generationalset.sets.audit import Unchecked as Unchecked
from zc.generationalset.sets.audit import check as check


class _Check(ModuleType):

    def __call__(self, *arguments: Any, **options: Any) -> list[str]:
        return check(*arguments, **options)


sys.modules[__name__].__class__ = _Check
