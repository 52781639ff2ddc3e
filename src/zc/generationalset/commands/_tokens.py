"""Users, and the tokens that they prove themselves with."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from zc.generationalset.commands import Failure

if TYPE_CHECKING:
    from starlette.requests import Request

#: In the environment: the token of the only user.
VARIABLE = 'GSET_TOKEN'
#: Characters that a token has at least.
SHORTEST = 3


class User(str):
    """The name of a user, who may write, or only read."""

    may_write: bool

    def __new__(cls, name: str, may_write: bool = True) -> User:
        self = super().__new__(cls, name)
        self.may_write = may_write
        return self

    def __getnewargs__(self) -> tuple[str, bool]:  # type: ignore[override]
        return str(self), self.may_write


class Tokens:
    """Who may use a server.

    It is false if there are no tokens: then everybody may.

    path
        A file with a line for each token: name, token, and ``read`` if it is
        for reading only.
    token
        The only one, if there is no file.

    Raises Failure for a file that can't be read or understood.
    """

    def __init__(self, path: str | None, token: str | None = None) -> None:
        self._use(from_file(path) if path else only(token) if token else {})

    def _use(self, users: dict[str, User]) -> None:
        from zc.generationalset.server._access import bearer

        self.users = users
        self._bearer = bearer(users) if users else None

    def __bool__(self) -> bool:
        return bool(self.users)

    def authenticate(self, request: Request) -> User | None:
        """Return the user of a request, None if it is nobody."""
        user: User | None = self._bearer and self._bearer(request)
        return user


def only(token: str) -> dict[str, User]:
    """Return the user of a token that the environment has."""
    _check(token, VARIABLE)
    return {token: User(VARIABLE)}


def from_file(path: str) -> dict[str, User]:
    """Return the user of each token in a file."""
    try:
        with open(path, encoding='utf-8-sig') as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f'can not read {path}: {error}') from error
    return parse(text, path)


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
