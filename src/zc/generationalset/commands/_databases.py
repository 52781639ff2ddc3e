"""Databases by their URIs.

zodburi knows most of them.  This is also its resolver of ``postgresql://``:
that of RelStorage is for ``postgres://``, and needs a host and a port.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode

from zc.lockfile import LockError

from zc.generationalset.commands import Failure
from zc.generationalset.extras import advice

if TYPE_CHECKING:
    from relstorage.options import Options

#: Those that need RelStorage.
RELATIONAL = 'postgresql', 'postgres', 'sqlite', 'mysql', 'oracle'
#: Those that several processes may open at the same time.
SHARED = 'zeo', *RELATIONAL, 'zconfig'  # the last one perhaps
#: Bytes of objects, as they are stored, that each connection keeps in memory.
CACHE = 128 * 2 ** 20
#: Seconds to be silent while a database server doesn't answer.
PATIENCE = 3.0


def is_shared(data: str | None) -> bool:
    """Tell whether several processes may open a database."""
    return data is not None and data.partition('://')[0] in SHARED


def public(data: str, text: str | None = None) -> str:
    """Return a URI without its passwords, or a text without those of a URI."""
    hidden = _SECRET.sub(r'\1\3***', data)
    if text is None:
        return hidden
    text = text.replace(data, hidden)
    for secret in _secrets(data):
        text = text.replace(secret, '***')
    return text


#: What is secret in a URI.  A password may have any characters, if somebody
#: has forgotten to quote them.
_SECRET = re.compile(
    '(://[^/@:?]+:)(.+)(?=@)|([?&][^=&]*(?:pass|secret)[^=&]*=)([^&]+)',
    re.I)


def _secrets(data: str) -> list[str]:
    """Return passwords, and their parts, if it is badly quoted; long first."""
    secrets = {found[2] or found[4] for found in _SECRET.finditer(data)}
    secrets |= {unquote(secret) for secret in secrets}
    parts = {part for secret in secrets
             for part in re.split('[@:/?#&]', secret) if len(part) > 2}
    return sorted(secrets | parts, key=len, reverse=True)


@contextmanager
def opened(data: str | None, **options: Any) -> Iterator[Any]:
    """Open the database that a user named.

    options
        Of ``ZODB.DB``.
    """
    import ZODB

    options = {'cache_size': 1_000_000, 'cache_size_bytes': CACHE, **options}
    try:
        with _patience(data):
            storage, given = _storage(data)
            db = ZODB.DB(storage, **{**options, **given})
    except Failure:
        raise
    except Exception as error:  # each kind of storage has errors of its own
        name = data or ''
        raise Failure(f'can not open {public(name)}: '
                      f'{public(name, _reason(name, error))}') from error
    try:
        yield db
    finally:
        db.close()


def _storage(data: str | None) -> tuple[Any, dict[str, Any]]:
    """Return a storage, and options of ``ZODB.DB`` that a URI has."""
    from ZODB.DemoStorage import DemoStorage

    from zc.generationalset.commands._files import File

    if data is None:
        return DemoStorage(), {}
    path = file_path(data)
    if path is not None:
        check_file(path)
        return File(path), {}
    factory, options = resolve(data)
    return factory(), options


def to_be_made(data: str | None) -> str | None:
    """Return which file or directory isn't there, and would be made."""
    if data is None:
        return None
    path = file_path(data)
    if path is None and data.startswith('sqlite:'):
        path = dict(parse_qsl(data.partition('?')[2])).get('data_dir')
    return None if path is None or os.path.exists(path) else path


def file_path(data: str) -> str | None:
    """Return the path of a FileStorage, None if it is something else."""
    path = data.removeprefix('file://')
    return None if '://' in path or (path != data and '?' in path) else path


def check_file(path: str) -> None:
    """Raise Failure if there is something that is no FileStorage.

    ZODB would find out, too, but leave other files beside it.
    """
    from ZODB.FileStorage.FileStorage import packed_version

    if not os.path.exists(path):
        return
    if not os.path.isfile(path):
        kind = 'a directory' if os.path.isdir(path) else 'something else'
        raise Failure(f'expected a FileStorage, such as Data.fs; got {path}, '
                      f'which is {kind}')
    try:
        with open(path, 'rb') as file:
            start = file.read(len(packed_version))
    except OSError as error:
        raise Failure(f'can not open {path}: {error.strerror}') from error
    if start not in (b'', packed_version):
        raise Failure(f'expected a FileStorage, such as Data.fs; got {path}, '
                      'which is something else')


def _reason(data: str, error: Exception) -> str:
    """Return what to do about an error."""
    scheme = data.partition('://')[0]
    is_missing = isinstance(error, ImportError)
    if isinstance(error, LockError):
        return 'another process has it open'
    if isinstance(error, KeyError) and 'No resolver' in str(error):
        is_missing = scheme in RELATIONAL
        if not is_missing:
            schemes = ', '.join(['zeo', *RELATIONAL, 'file'])
            return (f'expected a file, or a URI of {schemes} or zconfig, got '
                    f'one of {scheme}')
    if is_missing:
        extra = 'postgresql' if scheme in RELATIONAL else 'server'
        return f'{error}; {advice(extra)}'
    return str(error) or type(error).__name__


@contextmanager
def _patience(data: str | None) -> Iterator[None]:
    """Say what it waits for, if a database server doesn't answer."""
    timer = threading.Timer(PATIENCE, lambda: print(
        f'gset: waiting for {public(data or "")}', file=sys.stderr,
        flush=True))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def resolve(uri: str) -> tuple[Callable[[], Any], dict[str, Any]]:
    """Return what opens the storage, and the options of ``ZODB.DB`` in a URI.

    zodburi would add its own defaults.
    """
    from zodburi import resolve_uri

    factory, options = resolve_uri(uri)
    if uri.startswith('sqlite:'):
        factory = _sqlite(uri)
    if not uri.startswith('zconfig:'):
        given = dict(parse_qsl(uri.partition('?')[2]))
        options = {name: value for name, value in options.items()
                   if f'connection_{name}' in given or name in given}
    return factory, options


def _sqlite(uri: str) -> Callable[[], Any]:
    """Return what opens RelStorage's SQLite, safe from power failures.

    RelStorage's own resolver has SQLite sync the disk now and then only: a
    commit could be lost after clients have heard of it.
    """
    from relstorage.adapters.sqlite.adapter import Sqlite3Adapter
    from relstorage.zodburi_resolver import (
        RelStorageURIResolver,
        SqliteAdapterHelper,
    )

    class Helper(SqliteAdapterHelper):

        def __call__(self, parsed: SplitResult, query: dict[str, str]) -> Any:
            given, others = self.interpret_kwargs(query)

            def adapter(options: Options) -> Any:
                return Sqlite3Adapter(
                    options=options, pragmas={'synchronous': 'FULL'}, **given)

            return adapter, others

    factory: Callable[[], Any]
    factory, _ = RelStorageURIResolver(Helper())(uri)
    return factory


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

        if parsed.netloc.count('@') > 1 or '@' in parsed.path:
            # Others would take part of a password for a host, and log it.
            raise ValueError('expected "@" and "/" in a password to be '
                             'written as %40 and %2F')
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
