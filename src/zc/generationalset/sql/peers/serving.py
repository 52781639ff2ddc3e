"""The server's side of a conversation."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

from zc.generationalset.sources.errors import SourceError
from zc.generationalset.sql.database import Database
from zc.generationalset.sql.errors import DatabaseError
from zc.generationalset.sql.peers import frames, ledger, schemas
from zc.generationalset.sql.peers.answering import answer
from zc.generationalset.sql.peers.conversation import (
    PROTOCOL,
    Steps,
    epoch_of,
)
from zc.generationalset.sql.peers.deciding import Decider
from zc.generationalset.sql.peers.errors import BadMessage, Rejected
from zc.generationalset.sql.peers.lines import table_of
from zc.generationalset.sql.peers.outcomes import Policy
from zc.generationalset.sql.peers.receipts import Receipts
from zc.generationalset.sql.peers.remembered import Remembered
from zc.generationalset.sql.peers.versions import Pair
from zc.generationalset.sql.served import View
from zc.generationalset.sql.tables import Table

#: Returns the tables, rows and columns that a user has.
Views: TypeAlias = 'Callable[[str], Sequence[View]]'

#: The users, if clients need no token.
ANYBODY: Mapping[str, str] = MappingProxyType({'': ''})


class Serving:
    """A server; ``steps`` is a conversation with one client.

    tables
        Their names; or a function that returns the views of a user.
    policy
        What becomes of rows that both sides have changed.
    users
        The names of users, by the tokens that clients must show; '' is the
        token of those who need none.
    """

    def __init__(
            self, database: Database, tables: Sequence[str] | Views,
            policy: Policy, users: Mapping[str, str] = ANYBODY) -> None:
        self._database = database
        self._tables = tables
        self._policy = policy
        self._users = {_digest(token): user for token, user in users.items()}

    def steps(self) -> Steps[None]:
        """Serve a client until it says goodbye.

        What goes wrong is told to the client, and raised.
        """
        try:
            yield from self._conversation()
        except Rejected:
            raise
        except (DatabaseError, SourceError) as error:
            yield frames.written('refused', text=str(error))
            raise
        except self._database.failures:
            yield frames.written('refused', text='the database fails')
            raise

    def knows(self, token: str) -> bool:
        """Tell whether a token is one that clients must show."""
        return _digest(token) in self._users

    def _conversation(self) -> Steps[None]:
        hello = frames.read((yield None), 'hello')
        user = self._user(hello)
        client = frames.name_of(hello, 'id')
        there = schemas.heard(frames.member(hello, 'tables', dict))
        tables = self._seen(user)
        here = schemas.shapes(self._database, tables)
        pairs = schemas.paired(tables, here, there)
        schemas.check_counted(there)
        part = schemas.part(tables.values())
        yield self._welcome(client, part, schemas.told(here))
        remembered = Remembered()
        decider = Decider(self._database, client, self._policy, remembered)
        while True:
            message = frames.read((yield None), 'push', 'pull', 'bye')
            if message['type'] == 'push':
                yield from self._take(decider, pairs, message)
            elif message['type'] == 'pull':
                yield from self._give(
                    client, part, pairs, message, remembered)
            else:
                return

    def _user(self, hello: dict[str, Any]) -> str:
        version = hello.get('protocol')
        if version != PROTOCOL:
            raise BadMessage(f'expected version {PROTOCOL} of the protocol, '
                             f'got {version!r:.20}')
        token = frames.member(hello, 'token', str)
        if not self.knows(token):
            raise BadMessage('expected another token')
        return self._users[_digest(token)]

    def _seen(self, user: str) -> dict[str, Table]:
        return schemas.seen(self._database, self._tables(user)) \
            if callable(self._tables) \
            else schemas.found(self._database, self._tables)

    def _welcome(
            self, client: str, part: str, tables: dict[str, Any]) -> bytes:
        with self._database.reading() as reading:
            epoch, generation = reading.position
            return frames.written(
                'welcome', id=ledger.identity(reading),
                epoch=epoch_of(epoch, part), generation=generation,
                tables=tables,
                push=Receipts(reading, client).push)

    def _take(
            self, decider: Decider, pairs: Mapping[str, Pair],
            message: dict[str, Any]) -> Steps[None]:
        """Take all rows of a push, and apply it."""
        push = frames.name_of(message, 'push')
        with frames.Spool() as spool:
            while True:
                frame = yield None
                message = frames.read(frame, 'rows', 'end')
                if message['type'] == 'end':
                    break
                table_of(pairs, message)
                spool.add(frame)
            decider.apply(pairs, push, spool)

    def _give(
            self, client: str, part: str, pairs: Mapping[str, Pair],
            message: dict[str, Any], remembered: Remembered) -> Steps[None]:
        """Tell what is new, and what became of a push."""
        push = frames.member(message, 'push', str)
        asked = frames.member(message, 'tables', dict)
        if asked.keys() != pairs.keys() or not all(
                type(since) is int and since >= 0
                for since in asked.values()):
            raise BadMessage('expected a generation for each table')
        with self._database.reading() as reading:
            epoch = epoch_of(reading.position.epoch, part)
            if message.get('epoch') != epoch:
                raise BadMessage('expected the epoch of the database, which '
                                 'has become another one; sync again')
            receipts = Receipts(reading, client)
            conflicts = 0
            for name, pair in pairs.items():
                conflicts += receipts.count(push, name)
                yield from answer(
                    reading, pair, asked[name],
                    receipts.conflicts(push, name), remembered)
            yield frames.written(
                'end', epoch=epoch, generation=reading.position.generation,
                conflicts=conflicts)


def _digest(token: str) -> bytes:
    """Return the hash of a token, by which the time reveals nothing of it."""
    return hashlib.sha256(token.encode('utf-8', 'replace')).digest()
