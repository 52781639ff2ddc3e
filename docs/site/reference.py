"""What autodoc lacks: docstrings of sets, and a look for missing names."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.logging import getLogger

from zc.generationalset import GenerationalSet
from zc.generationalset.interfaces import IGenerationalSet


def tell(app: Sphinx) -> None:
    """Give the set and its methods the docstrings of the interface."""
    GenerationalSet.__doc__ = IGenerationalSet.__doc__
    for name in IGenerationalSet.names(all=True):
        member = getattr(GenerationalSet, name, None)
        if member is not None and not member.__doc__:
            member.__doc__ = IGenerationalSet.get(name).__doc__


def check(app: Sphinx, env: BuildEnvironment) -> None:
    """Warn of public names that aren't in the reference."""
    python = env.domains.python_domain
    there = {*python.objects, *python.modules}
    for module in python.modules:
        for name in getattr(import_module(module), '__all__', ()):
            if f'{module}.{name}' not in there:
                getLogger(__name__).warning(
                    '%s.%s is not in the reference', module, name)


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect('builder-inited', tell)
    app.connect('env-check-consistency', check)
    return {'parallel_read_safe': True}
