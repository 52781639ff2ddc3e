"""The clients, one that blocks and one to await."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing, closing
from typing import Any, TypeVar

import httpx

from zc.generationalset import wire
from zc.generationalset.answers import Change
from zc.generationalset.client.errors import Closed
from zc.generationalset.client.network import AsyncNetwork, Network
from zc.generationalset.client.session import (
    ReplicaLike,
    Session,
    Token,
    check_token,
)
from zc.generationalset.client.steps import Course, Deliver, Steps
from zc.generationalset.client.watch import Watch
from zc.generationalset.client.writes import Writes

T = TypeVar('T')


class _Base:
    """What both clients have in common: all but input and output."""

    def __init__(
            self, url: str, token: Token = None,
            replica: ReplicaLike | None = None, *,
            limits: wire.Limits | None = None, timeout: float = 30.0,
            heartbeat: float = 15.0, **options: Any) -> None:
        self._session = Session(url, replica, limits, timeout, heartbeat)
        self._session.token = check_token(token)
        self._writes = Writes(self._session)
        headers = httpx.Headers(options.pop('headers', None))
        headers['Accept-Encoding'] = 'gzip'
        self._options = {
            **options, 'headers': headers, 'follow_redirects': False}

    @property
    def replica(self) -> Any:
        """The replica; see ``lock``."""
        return self._session.replica

    @property
    def token(self) -> Token:
        """The token, or what returns it; may be replaced at any time.

        .. code-block:: python

            while True:
                try:
                    for changes in client.watch():
                        show(changes)
                except Refused as error:
                    if error.status != 401:
                        raise
                    client.token = log_in()

        The next request has the new one; a stream that is open stays open.

        Raises TypeError and ValueError for what can't be a token.
        """
        return self._session.token

    @token.setter
    def token(self, token: Token) -> None:
        self._session.token = check_token(token)

    @property
    def lock(self) -> threading.RLock:
        """Held while the replica changes.

        Hold it to look at a replica that another thread keeps current.
        """
        return self._session.lock

    def __repr__(self) -> str:
        return f'<{type(self).__name__} {self._session.url}>'


class Client(_Base):
    """Keeps a replica of a server's set current, and writes.

    .. code-block:: python

        with Client('https://example.org/sync', token) as client:
            client.put(('people', 'ann'), {'name': 'Ann'})
            for changes in client.watch():
                show(changes, client.replica.items)

    url
        Where the server is, ``http`` or ``https``.  The token, if there is
        one, is sent nowhere else: redirections are followed within the same
        scheme, host and port only.
    token
        The bearer token that the server wants, or None.  If tokens expire, a
        callable that returns one: it is called for each request, must not
        block in an AsyncClient, and what it raises is raised here.  See the
        attribute ``token``, too.
    replica
        A Replica, SQLiteReplica, or something like them; by default a new
        Replica.
    limits
        A wire.Limits: what is accepted at most of what the server sends.
    timeout
        Seconds without a byte from the server until it is given up.
    heartbeat
        Seconds between the comments of the server's event streams.  One that
        is silent for three times as long is given up.
    options
        Others are those of httpx.Client, such as ``verify`` and ``proxy``.

    Paths are tuples of ids, from the top of the tree; what isn't a tuple or a
    list is one id.

    Threads may use a client at the same time, one of them in ``watch``, say,
    and another one writing.  See ``lock``.

    Everything raises ClientError, mostly one of its subclasses: Refused if the
    server says no, Unavailable if there was no response (after some tries: it
    may take a minute) or the server is too busy, BadAnswer if the
    response makes no sense, Closed if the client was closed meanwhile; writes
    also MaybeWritten if their response was lost.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._network = Network(self._options)

    def sync(self) -> list[Change]:
        """Ask the server what changed, apply it, and return it.

        One request; the server says in a few bytes if nothing changed.  The
        replica is as it was if this raises an error.
        """
        return self._run(self._session.sync())

    def watch(self) -> Iterator[list[Change]]:
        """Yield what changed, first what was missed, then as it happens.

        It is in the replica already.  Changes that this client's writes and
        ``sync`` bring while this runs are yielded, too.

        One connection, an event stream.  If it breaks, or the server is away,
        this tries again, for ever, after times that grow up to a minute, or
        as long as the server says.  If streams don't get through, it polls.
        What it runs into is logged as ``zc.generationalset.client``.

        It ends when the iterator or the client is closed, also by another
        thread.  It raises Refused if the server says no, and BadAnswer after
        ten in a row.

        After Refused, with the status 401 because the token has expired, set
        ``token`` and call this again: it goes on with what the replica has.
        """
        course = Course(Watch(self._session).steps())
        try:
            with closing(course), closing(self._network.line()) as line:
                for step in course:
                    if isinstance(step, Deliver):
                        yield step.changes
                    else:
                        line.take(step, course)
        except Closed:
            return

    def get(self, path: Any) -> Any:
        """Return an item as it is on the server now.

        One request; the replica has no part in it.
        """
        return self._run(self._session.get(path))

    def put(self, path: Any, item: Any) -> None:
        """Put an item in the place of whatever item has that path.

        One request, as each of the writes.  If its response is lost it is
        sent again.  The response brings what changed, by this and others, into
        the replica, unless that was never synced: then it stays empty.

        ``item`` is what ``wire.encode_value`` takes.  The sets on the way must
        be there.
        """
        self._run(self._writes.put(path, item))

    def add(self, path: Any, item: Any) -> str:
        """Put an item into the set at a path, () for the top; return its id.

        The id is random, 16 letters and digits.  It is made here, so that the
        item isn't there twice if a response is lost.
        """
        return self._run(self._writes.add(path, item))

    def make_set(self, path: Any) -> None:
        """Make an empty set; one that is there stays as it is."""
        self._run(self._writes.make_set(path))

    def remove(self, path: Any, missing_ok: bool = False) -> None:
        """Remove an item.

        Raises Refused with the status 404 if there is none, unless
        ``missing_ok``, and 409 if it is a set.
        """
        self._run(self._writes.remove(path, missing_ok))

    def remove_set(self, path: Any, missing_ok: bool = False) -> None:
        """Remove a set with all that is in it."""
        self._run(self._writes.remove_set(path, missing_ok))

    def batch(self, changes: Iterable[tuple[Any, ...]]) -> list[Any]:
        """Make several changes in one transaction, and return their ids.

        Changes are ``('put', path, item)``, ``('add', path, item)``,
        ``('set', path)`` and ``('remove', path)``, the last one for items and
        sets alike.

        None is made unless all can be made; Refused then has, as ``change``,
        the index of the one to blame.
        """
        return self._run(self._writes.batch(changes))

    def close(self) -> None:
        """End all that runs, in other threads, too."""
        self._network.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _run(self, steps: Steps[T]) -> T:
        course = Course(steps)
        with closing(course), closing(self._network.line()) as line:
            for step in course:
                line.take(step, course)
        return course.result


class AsyncClient(_Base):
    """As Client, for programs with ``async`` and ``await``.

    .. code-block:: python

        async with AsyncClient('https://example.org/sync', token) as client:
            await client.put(('people', 'ann'), {'name': 'Ann'})
            async for changes in client.watch():
                show(changes, client.replica.items)

    Tasks of one event loop may use it at the same time.  One that is cancelled
    leaves the replica before or after an update, never between.  The replica
    is changed in the event loop, so one on a slow disk holds it up.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._network = AsyncNetwork(self._options)

    async def sync(self) -> list[Change]:
        """See Client.sync."""
        return await self._run(self._session.sync())

    async def watch(self) -> AsyncGenerator[list[Change], None]:
        """See Client.watch.

        To end it at once, and not when it is garbage, use
        ``contextlib.aclosing``, cancel its task, or close the client.
        """
        course = Course(Watch(self._session).steps())
        try:
            with closing(course):
                async with aclosing(self._network.line()) as line:
                    for step in course:
                        if isinstance(step, Deliver):
                            yield step.changes
                        else:
                            await line.take(step, course)
        except Closed:
            return

    async def get(self, path: Any) -> Any:
        """See Client.get."""
        return await self._run(self._session.get(path))

    async def put(self, path: Any, item: Any) -> None:
        """See Client.put."""
        await self._run(self._writes.put(path, item))

    async def add(self, path: Any, item: Any) -> str:
        """See Client.add."""
        return await self._run(self._writes.add(path, item))

    async def make_set(self, path: Any) -> None:
        """See Client.make_set."""
        await self._run(self._writes.make_set(path))

    async def remove(self, path: Any, missing_ok: bool = False) -> None:
        """See Client.remove."""
        await self._run(self._writes.remove(path, missing_ok))

    async def remove_set(self, path: Any, missing_ok: bool = False) -> None:
        """See Client.remove_set."""
        await self._run(self._writes.remove_set(path, missing_ok))

    async def batch(self, changes: Iterable[tuple[Any, ...]]) -> list[Any]:
        """See Client.batch."""
        return await self._run(self._writes.batch(changes))

    async def close(self) -> None:
        """End all that runs, in other tasks, too."""
        await self._network.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def _run(self, steps: Steps[T]) -> T:
        course = Course(steps)
        with closing(course):
            async with aclosing(self._network.line()) as line:
                for step in course:
                    await line.take(step, course)
        return course.result
