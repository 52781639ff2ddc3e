"""Databases by their URIs.

zodburi resolves most URIs.  This module has the resolver of ``postgresql://``,
because the one of RelStorage is for ``postgres://``, and needs a host and a
port.
"""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode

from transaction.interfaces import TransientError
from zc.lockfile import LockError

from zc.generationalset.commands import Failure
from zc.generationalset.extras import advice
from zc.generationalset.sources.attempts import repeated

if TYPE_CHECKING:
    from relstorage.options import Options

#: Schemes that need RelStorage.
RELATIONAL = 'postgresql', 'postgres', 'sqlite', 'mysql', 'oracle'
#: Schemes that several processes may open at the same time.
SHARED = 'zeo', *RELATIONAL, 'zconfig'  # zconfig depends on its file
#: Bytes of objects, as stored, that all connections together keep in memory.
CACHE = 256 * 2 ** 20
#: Seconds to wait silently while a database server doesn't answer.
PATIENCE = 3.0


def is_shared(data: str | None) -> bool:
    """Tell whether several processes may open a database."""
    return data is not None and data.partition('://')[0] in SHARED


def public(data: str, text: str | None = None) -> str:
    """Return a URI, or a text, without the passwords of the URI."""
    hidden = _SECRET.sub(r'\1\3***', data)
    if text is None:
        return hidden
    text = text.replace(data, hidden)
    for secret in _secrets(data):
        text = text.replace(secret, '***')
    return text


#: The secrets in a URI.  A password may have any characters, because users may
#: forget to quote them.
_SECRET = re.compile(
    '(://[^/@:?]+:)(.+)(?=@)|([?&][^=&]*(?:pass|secret)[^=&]*=)([^&]+)',
    re.I)


def _secrets(data: str) -> list[str]:
    """Return passwords, and the parts of badly quoted ones, the longest
    first."""
    secrets = {found[2] or found[4] for found in _SECRET.finditer(data)}
    secrets |= {unquote(secret) for secret in secrets}
    parts = {part for secret in secrets
             for part in re.split('[@:/?#&]', secret) if len(part) > 2}
    return sorted(secrets | parts, key=len, reverse=True)


@contextmanager
def opened(
        data: str | None, connections: int = 1, **options: Any,
) -> Iterator[Any]:
    """Open the database that a user named.

    connections
        How many are usually open at the same time.  They share half of the
        memory for objects; the other half is for large answers.  When they
        rest, they keep no more than CACHE bytes.
    options
        Options of ``ZODB.DB``.
    """
    options = {'pool_size': connections, 'cache_size': 1_000_000,
               'cache_size_bytes': CACHE // 2 // connections, **options}
    try:
        with _patience(data) if is_shared(data) else nullcontext():
            # Another process may make the same at the same time.
            db = repeated(lambda: _database(data, options), TransientError)
    except Failure:
        raise
    except Exception as error:  # each storage has errors of its own
        name = data or ''
        raise Failure(f'can not open {public(name)}: '
                      f'{public(name, _reason(name, error))}') from error
    try:
        yield db
    finally:
        db.close()


def _database(data: str | None, options: dict[str, Any]) -> Any:
    """Open a database; make its root if there is none."""
    import ZODB

    storage, given = _storage(data)
    try:
        return ZODB.DB(storage, **{**options, **given})
    except BaseException:
        storage.close()
        raise


@contextmanager
def _alone(data: str) -> Iterator[None]:
    """Let no other process open a storage in SQLite.

    RelStorage makes its tables there one by one, not in a transaction.
    """
    directory = _directory(data)
    if directory is None or sys.platform == 'win32':
        yield
        return
    import fcntl

    os.makedirs(directory, exist_ok=True)
    file = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def _storage(data: str | None) -> tuple[Any, dict[str, Any]]:
    """Return a storage, and the options of ``ZODB.DB`` in its URI."""
    from ZODB.DemoStorage import DemoStorage

    from zc.generationalset.commands.files import File

    if data is None:
        return DemoStorage(), {}
    path = file_path(data)
    if path is not None:
        check_file(path)
        return File(path), {}
    factory, options = resolve(data)
    try:
        with _alone(data):
            return factory(), options
    except Exception as error:
        if 'already exists' in str(error):  # another process makes tables
            raise TransientError(str(error)) from error
        raise


def to_be_made(data: str | None) -> str | None:
    """Return the file or directory that isn't there and would be made."""
    if data is None:
        return None
    path = file_path(data)
    if path is None:
        path = _directory(data)
    return None if path is None or os.path.exists(path) else path


def _directory(data: str) -> str | None:
    """Return the directory of an SQLite database; None for any other."""
    if not data.startswith('sqlite:'):
        return None
    return dict(parse_qsl(data.partition('?')[2])).get('data_dir')


def file_path(data: str) -> str | None:
    """Return the path of a FileStorage; None for any other storage."""
    path = data.removeprefix('file://')
    return None if '://' in path or (path != data and '?' in path) else path


def check_file(path: str) -> None:
    """Raise Failure if the path has something that is no FileStorage.

    ZODB would fail, too, but leave other files beside it.
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
    """Return a text that says what to do about an error."""
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
    """Say what the command waits for, if a database server doesn't answer."""
    timer = threading.Timer(PATIENCE, lambda: print(
        f'gset: waiting for {public(data or "")}', file=sys.stderr,
        flush=True))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def resolve(uri: str) -> tuple[Callable[[], Any], dict[str, Any]]:
    """Return a function that opens a storage, and the options in its URI.

    The options are those of ``ZODB.DB``. zodburi would add defaults of its
    own.
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
    """Return a function that opens RelStorage's SQLite safely.

    RelStorage's own resolver makes SQLite sync the disk only now and then.  So
    a power failure could lose a commit after clients have heard of it.
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

    The query takes PostgreSQL's own parameters, and the options of RelStorage
    and ``ZODB.DB`` that zodburi takes.
    """
    from relstorage.zodburi_resolver import RelStorageURIResolver

    factory, options = RelStorageURIResolver(_Adapter())(uri)
    return factory, options


class _Adapter:
    """Makes RelStorage's adapter, for its resolver."""

    def __call__(
            self, parsed: SplitResult, query: dict[str, str],
    ) -> tuple[Callable[[Options], Any], dict[str, str]]:
        from psycopg2.extensions import make_dsn, parse_dsn
        from relstorage.adapters.postgresql import PostgreSQLAdapter
        from relstorage.zodburi_resolver import RelStorageURIResolver
        from zodburi import PARAMETERS

        if parsed.netloc.count('@') > 1 or '@' in parsed.path:
            # Otherwise, a part of a password could count as a host, and be
            # logged.
            raise ValueError('expected "@" and "/" in a password to be '
                             'written as %40 and %2F')
        others = {*PARAMETERS, *(
            name for kind in ('bool', 'int', 'string', 'bytesize', 'float',
                              'tuple')
            for name in getattr(RelStorageURIResolver, f'_{kind}_args'))}
        own = {name: value for name, value in query.items()
               if name not in others}
        # RelStorage appends parameters to this text, so it must be a list of
        # them.
        dsn = make_dsn(**parse_dsn(
            f'postgresql://{parsed.netloc}{parsed.path}?{urlencode(own)}'))

        def adapter(options: Options) -> Any:
            return PostgreSQLAdapter(dsn, options)

        return adapter, {name: value for name, value in query.items()
                         if name in others}
