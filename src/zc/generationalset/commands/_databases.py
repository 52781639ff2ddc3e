"""Databases by their URIs.

zodburi knows most of them.  This is also its resolver of ``postgresql://``:
that of RelStorage is for ``postgres://``, and needs a host and a port.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qsl, urlencode

from zc.generationalset.commands import Failure

if TYPE_CHECKING:
    from relstorage.options import Options

#: Those that several processes may open at the same time.
SHARED = (
    'zeo', 'postgresql', 'postgres', 'sqlite', 'mysql', 'oracle',
    'zconfig',  # perhaps
)
#: Bytes of objects, as they are stored, that each connection keeps in memory.
CACHE = 128 * 2 ** 20


def is_shared(data: str | None) -> bool:
    """Tell whether several processes may open a database."""
    return data is not None and data.partition('://')[0] in SHARED


def public(data: str) -> str:
    """Return a URI without its password."""
    return re.sub(
        '(://[^/@:]*:)[^/@]*(?=@)|([?&]password=)[^&]*', r'\1\2***', data)


@contextmanager
def opened(data: str | None) -> Iterator[Any]:
    """Open the database that a user named."""
    import ZODB
    from ZODB.DemoStorage import DemoStorage

    from zc.generationalset.commands._files import File
    from zc.generationalset.server._database import CONNECTIONS

    options = {'cache_size': 1_000_000, 'cache_size_bytes': CACHE,
               'pool_size': CONNECTIONS}
    try:
        if data is None:
            db = ZODB.DB(DemoStorage(), **options)
        elif '://' in data:
            factory, keywords = resolve(data)
            db = ZODB.DB(factory(), **{**options, **keywords})
        else:
            db = ZODB.DB(File(data), **options)
    except Exception as error:  # each kind of storage has errors of its own
        raise Failure(
            f'can not open {public(data or "")}: {error}'
        ) from error
    try:
        yield db
    finally:
        db.close()


def resolve(uri: str) -> tuple[Callable[[], Any], dict[str, Any]]:
    """Return what opens the storage, and the options of ``ZODB.DB`` in a URI.

    zodburi would add its own defaults.
    """
    from zodburi import resolve_uri

    factory, options = resolve_uri(uri)
    if not uri.startswith('zconfig:'):
        given = dict(parse_qsl(uri.partition('?')[2]))
        options = {name: value for name, value in options.items()
                   if f'connection_{name}' in given or name in given}
    return factory, options


def postgresql(uri: str) -> tuple[Callable[[], Any], dict[str, Any]]:
    """Resolve a URI as libpq understands it, for zodburi.

    .. code-block:: text

        postgresql://gset@db.example/gset?sslmode=require&keep_history=false

    In its query are parameters of PostgreSQL's own, options of RelStorage and
    of ``ZODB.DB``, as zodburi has them.
    """
    from relstorage.zodburi_resolver import RelStorageURIResolver

    factory, options = RelStorageURIResolver(_Adapter())(uri)
    return factory, options


class _Adapter:
    """Makes RelStorage's adapter; for its resolver."""

    def __call__(
            self, parsed: SplitResult, query: dict[str, str],
    ) -> tuple[Callable[[Options], Any], dict[str, str]]:
        from psycopg2.extensions import make_dsn, parse_dsn
        from relstorage.adapters.postgresql import PostgreSQLAdapter
        from relstorage.zodburi_resolver import RelStorageURIResolver
        from zodburi import PARAMETERS

        others = {*PARAMETERS, *(
            name for kind in ('bool', 'int', 'string', 'bytesize', 'float',
                              'tuple')
            for name in getattr(RelStorageURIResolver, f'_{kind}_args'))}
        own = {name: value for name, value in query.items()
               if name not in others}
        # RelStorage adds to it, as to a list of parameters.
        dsn = make_dsn(**parse_dsn(
            f'postgresql://{parsed.netloc}{parsed.path}?{urlencode(own)}'))

        def adapter(options: Options) -> Any:
            return PostgreSQLAdapter(dsn, options)

        return adapter, {name: value for name, value in query.items()
                         if name in others}
