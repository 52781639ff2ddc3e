"""The extras of this package: whether their modules are installed."""

from __future__ import annotations

import sys
from importlib.util import find_spec

_WIRE = 'msgspec',
_CLIENT = *_WIRE, 'anyio', 'httpx'
_TOML = 'tomllib' if sys.version_info >= (3, 11) else 'tomli'
_SYNC = *_WIRE, _TOML
_SERVER = (*_WIRE, 'anyio', 'httptools', 'prometheus_client', 'starlette',
           _TOML, 'uvicorn', 'zodburi')
#: The modules that each extra installs.
MODULES = {'wire': _WIRE, 'client': _CLIENT, 'server': _SERVER,
           'mirror': _CLIENT + _SERVER,
           'push': (*_CLIENT, 'cryptography', 'zodburi'),
           'sync': _SYNC, 'sql': ('psycopg', 'psycopg_pool'),
           'completion': ('shtab',)}


class Missing(ModuleNotFoundError):
    """A module of an extra is missing; the text says what to install."""


def need(extra: str) -> None:
    """Raise Missing if a module that an extra brings isn't there.

    Public modules begin with it.
    """
    for module in MODULES[extra]:
        if find_spec(module) is None:
            raise Missing(f'No module named {module!r}; {advice(extra)}',
                          name=module)


def advice(extra: str) -> str:
    """Return how to install an extra."""
    return f"to install it: pip install 'zc.generationalset[{extra}]'"
