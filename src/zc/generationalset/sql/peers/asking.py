"""The client's side of a conversation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from zc.generationalset.answers import Position
from zc.generationalset.sql.database import Database
from zc.generationalset.sql.peers import frames, pulling, schemas
from zc.generationalset.sql.peers.agreements import Agreements
from zc.generationalset.sql.peers.changing import prepare
from zc.generationalset.sql.peers.conversation import (
    PROTOCOL,
    Report,
    Steps,
    Tell,
    silent,
)
from zc.generationalset.sql.peers.errors import BadMessage
from zc.generationalset.sql.peers.lines import joined, table_of
from zc.generationalset.sql.peers.pulling import Pulled
from zc.generationalset.sql.peers.versions import Pair


class Server(NamedTuple):
    """What a client knows of a server.

    push
        The last push of this client that the server has applied.
    """

    id: str
    push: str
    position: Position


class Asking:
    """A client; ``steps`` is one sync.

    names
        Those of the tables.
    token
        Shown to the server.
    """

    def __init__(
            self, database: Database, names: Sequence[str],
            token: str = '') -> None:
        self._database = database
        self._names = names
        self._token = token

    def steps(self, tell: Tell = silent) -> Steps[Report]:
        """Make both sides equal."""
        server, pairs = yield from self._greet()
        with self._database.reading() as reading:
            doubtful = Agreements(reading, server.id).push
        report = Report()
        if doubtful and doubtful == server.push:
            report = yield from self._pull(server, pairs, doubtful, tell)
        push = prepare(
            self._database, pairs, server.id, server.position, tell)
        sent = (yield from self._push(
            server, pairs, push, tell)) if push else 0
        last = yield from self._pull(server, pairs, push, tell)
        yield frames.written('bye')
        return Report(sent, report.received + last.received,
                      report.conflicts + last.conflicts)

    def _greet(self) -> Steps[tuple[Server, dict[str, Pair]]]:
        tables = schemas.found(self._database, self._names)
        here = schemas.shapes(self._database, tables)
        schemas.check_counted(here)
        with self._database.reading() as reading:
            epoch = reading.position.epoch
        # A copy of the database has another epoch, so it is another client.
        yield frames.written(
            'hello', protocol=PROTOCOL, id=epoch, token=self._token,
            tables=schemas.told(here))
        welcome = frames.read((yield None), 'welcome')
        there = schemas.heard(frames.member(welcome, 'tables', dict))
        server = Server(
            frames.name_of(welcome, 'id'),
            frames.member(welcome, 'push', str), _position(welcome))
        return server, schemas.paired(tables, here, there)

    def _push(
            self, server: Server, pairs: Mapping[str, Pair], push: str,
            tell: Tell) -> Steps[int]:
        sent = 0
        yield frames.written('push', push=push)
        with self._database.reading() as reading:
            agreements = Agreements(reading, server.id)
            for name in pairs:
                for marked in agreements.marked(name):
                    sent += len(marked)
                    tell(f'{sent:,} rows sent')
                    yield from frames.rows(
                        name, [joined(*row) for row in marked])
        yield frames.written('end')
        return sent

    def _pull(
            self, server: Server, pairs: Mapping[str, Pair], push: str,
            tell: Tell) -> Steps[Report]:
        yield frames.written(
            'pull', push=push, epoch=server.position.epoch,
            tables=self._since(server, pairs))
        received, whole = 0, set()
        with frames.Spool() as spool:
            while True:
                frame = yield None
                message = frames.read(frame, 'contents', 'rows', 'end')
                if message['type'] == 'end':
                    break
                name = table_of(pairs, message).name
                if message['type'] == 'contents':
                    whole.add(name)
                else:
                    received += len(frames.member(message, 'rows', list))
                    tell(f'{received:,} rows received')
                    spool.add(frame)
            pulling.apply(self._database, pairs, server.id, Pulled(
                push, _position(message), frozenset(whole), spool), tell)
        return Report(0, received, frames.member(message, 'conflicts', int))

    def _since(
            self, server: Server, pairs: Mapping[str, Pair]) -> dict[str, int]:
        """Return from where on the client needs what is new, by table.

        It needs all if it may have other rows than before.
        """
        with self._database.reading() as reading:
            agreements = Agreements(reading, server.id)
            known = {name: agreements.positions(name) for name in pairs}
        return {name: found.theirs if found is not None
                and found.epoch == server.position.epoch else 0
                for name, found in known.items()}


def _position(message: dict[str, Any]) -> Position:
    generation = frames.member(message, 'generation', int)
    if not 0 <= generation < 2 ** 63:
        raise BadMessage(f'expected a generation, got {generation!r:.30}')
    return Position(frames.name_of(message, 'epoch'), generation)
