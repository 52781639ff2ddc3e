"""Users, and the tokens by which a server knows them."""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from zc.generationalset.commands import Failure
from zc.generationalset.process.signals import on_hangup

if TYPE_CHECKING:
    from starlette.requests import Request

#: The environment variable with the token of the only user.
VARIABLE = 'GSET_TOKEN'
#: The least number of characters in a token.
SHORTEST = 3
#: Seconds between two looks at a file.
PACE = 1.0

logger = logging.getLogger('zc.generationalset.server')


class User(str):
    """The name of a user who may write, or only read."""

    may_write: bool

    def __new__(cls, name: str, may_write: bool = True) -> User:
        self = super().__new__(cls, name)
        self.may_write = may_write
        return self

    def __getnewargs__(self) -> tuple[str, bool]:  # type: ignore[override]
        return str(self), self.may_write


class Tokens:
    """Who may use a server.

    False if there are no tokens: then everybody may.

    path
        A file with a line for each token: name, token, and ``read`` if the
        token is for reading only.
    token
        The only token, if there is no file.

    Raises Failure for a file that can't be read or understood.
    """

    def __init__(self, path: str | None, token: str | None = None) -> None:
        self._path = path
        self._version = path and _version(path)
        self._use(from_file(path) if path else only(token) if token else {})

    def _use(self, users: dict[str, User]) -> None:
        from zc.generationalset.server.access import bearer

        self.users = users
        self._bearer = bearer(users) if users else None

    # Processes that are started later begin with the current tokens.

    def __getstate__(self) -> Any:
        return self._path, self._version, self.users

    def __setstate__(self, state: Any) -> None:
        self._path, self._version, users = state
        self._use(users)

    def __bool__(self) -> bool:
        return bool(self.users)

    def authenticate(self, request: Request) -> User | None:
        """Return the user of a request; None if there is none."""
        user: User | None = self._bearer and self._bearer(request)
        return user

    def reread(self, always: bool = True) -> None:
        """Read the file again.  If it is bad now, keep the old tokens.

        always
            Read the file even if it seems unchanged.
        """
        if self._path is None:
            return
        version = _version(self._path)
        if version == self._version and not always:
            return
        self._version = version
        try:
            self._use(from_file(self._path))
        except Failure as error:
            logger.error('%s; until it is mended, the tokens are those that '
                         'were in it before', error)
        else:
            logger.info('read %s again: %s tokens', self._path,
                        len(self.users))

    @contextmanager
    def kept_current(
            self, told: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Read the file again when it changes, and on SIGHUP.

        Must be called in the main thread.

        told
            Called on SIGHUP, in another thread.
        """
        if self._path is None:
            yield
            return
        signals: SimpleQueue[bool] = SimpleQueue()
        before = on_hangup(lambda *_: signals.put(True))
        thread = threading.Thread(
            target=self._follow, args=(signals, told), daemon=True)
        thread.start()
        try:
            yield
        finally:
            signals.put(False)
            thread.join()
            on_hangup(before)

    def _follow(
            self, signals: SimpleQueue[bool],
            told: Callable[[], None]) -> None:
        while True:
            try:
                if not signals.get(timeout=PACE):
                    return
            except Empty:
                self.reread(always=False)
            else:
                self.reread()
                told()


def _version(path: str) -> object:
    """Return a value that differs when the file has changed."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def only(token: str) -> dict[str, User]:
    """Return the user of the token in the environment."""
    _check(token, VARIABLE)
    return {token: User(VARIABLE)}


def from_file(path: str) -> dict[str, User]:
    """Return the user of each token in a file."""
    try:
        with open(path, encoding='utf-8-sig') as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f'can not read {path}: {error}') from error
    users = parse(text, path)
    if os.name == 'posix' and mode & 0o026:
        logger.warning('%s: others may read or change it, since its mode is '
                       '%03o; "chmod 600" helps', path, mode & 0o777)
    return users


def parse(text: str, path: str) -> dict[str, User]:
    """Return the user of each token in the text of a file.

    Raises Failure, whose text has no token.
    """
    users: dict[str, User] = {}
    for number, line in enumerate(text.split('\n'), 1):
        words = re.split('[ \t\r]+', line.strip(' \t\r'))
        if not words[0] or words[0].startswith('#'):
            continue
        where = f'{path}, line {number}'
        token, user = _parse(words, where)
        if token in users:
            raise Failure(f'{where}: expected a token of its own, got one '
                          f'that {users[token]} has')
        users[token] = user
    if not users:
        raise Failure(f'{path}: expected a line with a name and a token')
    return users


def _parse(words: list[str], where: str) -> tuple[str, User]:
    if len(words) < 2 or words[2:] not in ([], ['read']):
        raise Failure(f'{where}: expected a name and a token, and "read" if '
                      'it is only to read')
    name, token, *may_only_read = words
    if not name.isprintable():
        raise Failure(f'{where}: expected a name of printable characters')
    _check(token, where)
    return token, User(name, not may_only_read)


def _check(token: str, where: str) -> None:
    if not re.fullmatch('[!-~]+', token):
        raise Failure(f'{where}: expected a token of visible ASCII characters')
    if len(token) < SHORTEST:
        raise Failure(f'{where}: expected a token of at least {SHORTEST} '
                      f'characters, got {len(token)}')
