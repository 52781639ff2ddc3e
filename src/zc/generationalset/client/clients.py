"""The clients: one that blocks, and one for ``async`` and ``await``."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing, closing
from typing import Any, TypeAlias, TypeVar

from zc.generationalset.answers import Change, Position
from zc.generationalset.client.base import BaseClient
from zc.generationalset.client.errors import Closed
from zc.generationalset.client.network import AsyncNetwork, Network
from zc.generationalset.client.steps import Course, Deliver, Steps
from zc.generationalset.client.urls import as_path
from zc.generationalset.client.watch import Watch

T = TypeVar('T')
#: A position at which a path must have had what it has.
Since: TypeAlias = 'Position | None'


class Client(BaseClient):
    """Keeps a replica of a server's set current, and writes.

    .. code-block:: python

        with Client('https://example.org/sync', token) as client:
            client.put(('people', 'ann'), {'name': 'Ann'})
            for changes in client.watch():
                show(changes, client.replica.items)

    url
        The URL of the server, ``http`` or ``https``.  The token, if there is
        one, goes nowhere else: the client follows redirections only within the
        same scheme, host and port.
    token
        The bearer token that the server wants, or None.  If tokens expire,
        pass a callable that returns one.  The client calls it for each
        request, and lets its errors through; in an AsyncClient it must not
        block.  See the attribute ``token``, too.
    replica
        A Replica, SQLiteReplica, or something like them; a new Replica by
        default.
    parts
        Paths of up to 100 subsets: then the replica has these alone, under
        their paths.  A subset that isn't there yet is empty.  See
        ``add_part``.
    limits
        A wire.Limits: the most that is accepted from the server.
    timeout
        Seconds without a byte from the server, after which the client gives
        up.
    heartbeat
        Seconds between the comments of the server's event streams.  The client
        gives up a stream that is silent for three times as long.
    options
        Options of httpx, such as ``verify`` and ``proxy``: see HTTPOptions.

    A path is a tuple of ids, from the top of the tree; anything but a tuple or
    a list is one id.

    Writes with ``unchanged_since`` are made only if each path has what it had
    at that position:

    .. code-block:: python

        with client.lock:
            ann = client.replica.items['people']['ann']
            position = client.position
        try:
            client.put(('people', 'ann'), edit(ann), unchanged_since=position)
        except Changed as error:
            show('Somebody else has changed it:', error.item)

    Several threads may use a client at the same time; one may ``watch`` while
    another writes.  See ``lock``.

    All methods raise ClientError, mostly one of its subclasses:

    - Refused if the server refuses the request; Changed, which is a Refused,
      if something isn't ``unchanged_since``;
    - Unavailable if there was no response (after some tries, which may take a
      minute), or if the server is too busy;
    - BadAnswer if the response makes no sense;
    - Closed if the client was closed meanwhile;
    - MaybeWritten if the response to a write was lost.
    """

    def _connect(self, options: dict[str, Any]) -> None:
        self._network = Network(options)

    def sync(self) -> Sequence[Change]:
        """Ask the server what changed, apply it, and return it.

        One request, with a response of a few bytes if nothing changed.  If
        much is new, it comes in pages, and the replica has each page when it
        has arrived; after an error, the next call goes on from there.  This
        returns all changes together, for which it needs memory; ``watch``
        yields them page by page.
        """
        return self._run(self._session.sync())

    def watch(self) -> Iterator[Sequence[Change]]:
        """Yield changes: first those that were missed, then new ones.

        The replica has the changes already.  Changes from this client's writes
        and ``sync`` are yielded, too.

        Uses one connection, an event stream.  If it breaks, or the server is
        away, the client tries again, for ever, after times that grow up to a
        minute, or when the server says.  If streams don't get through, it
        polls.  It logs problems as ``zc.generationalset.client``.

        The iteration ends when the iterator or the client is closed, also by
        another thread.  It raises Refused if the server refuses, and BadAnswer
        after ten bad answers in a row.

        If Refused has the status 401, because the token has expired, set
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

    def add_part(self, path: Any) -> Sequence[Change]:
        """Follow another subset, too; return what changed.

        One or two requests; a stream is opened again.  If this raises an
        error, the part is wanted, and comes with the next ``sync``.

        .. code-block:: python

            client = Client(url, token, parts=['people', ('rooms', 'a')])
            client.add_part(('rooms', 'b'))
            client.drop_part(('rooms', 'a'))

        Raises ValueError for a client of a whole tree, for too many parts, and
        for a part within another.
        """
        try:
            self._session.add_part(as_path(path))
            return self.sync()
        finally:
            self._network.end_streams()

    def drop_part(self, path: Any) -> None:
        """Follow a subset no more, and forget what is in it.

        Raises KeyError for what isn't a part, and ValueError for the last.
        """
        self._session.drop_part(as_path(path))
        self._network.end_streams()

    def get(self, path: Any) -> Any:
        """Return an item as it is on the server now.

        One request; the replica isn't used.
        """
        return self.get_with_position(path)[0]

    def get_with_position(self, path: Any) -> tuple[Any, Position]:
        """Return the same, and the server's position, for a later write.

        .. code-block:: python

            item, position = client.get_with_position('ann')
            client.put('ann', edit(item), unchanged_since=position)
        """
        return self._run(self._server.get(path))

    def put(
            self, path: Any, item: Any, *,
            unchanged_since: Since = None) -> None:
        """Store an item at a path, and replace the item that is there.

        One request, as for each write.  If the response is lost, the request
        is sent again.  The response brings what changed, by this write and by
        others, into the replica.  But a replica that was never synced stays
        empty.

        ``item`` is a value that ``wire.encode_value`` takes.  The sets on the
        path must be there.
        """
        self._run(self._writes.put(path, item, unchanged_since))

    def patch(
            self, path: Any, patch: Any, *,
            unchanged_since: Since = None) -> None:
        """Change some members of an item, and leave the others as they are.

        ``patch`` is a JSON merge patch (RFC 7396): a dictionary with members
        to change; None removes a member; dictionaries within are patches, too.

        .. code-block:: python

            client.patch(('people', 'ann'), {'age': 43, 'address': None})

        Raises Refused, with the status 404, if there is none.
        """
        self._run(self._writes.patch(path, patch, unchanged_since))

    def add(self, path: Any, item: Any) -> str:
        """Add an item to the set at a path, () for the top; return its new id.

        The id is random, 16 letters and digits.  The client makes it, so that
        an item isn't added twice if a response is lost.
        """
        return self._run(self._writes.add(path, item))

    def make_set(self, path: Any) -> None:
        """Make an empty set; a set that is there stays as it is."""
        self._run(self._writes.make_set(path))

    def remove(
            self, path: Any, missing_ok: bool = False, *,
            unchanged_since: Since = None) -> None:
        """Remove an item.

        Raises Refused, with the status 404, if there is none, unless
        ``missing_ok``; with 409 if it is a set.
        """
        self._run(self._writes.remove(path, missing_ok, unchanged_since))

    def remove_set(
            self, path: Any, missing_ok: bool = False, *,
            unchanged_since: Since = None) -> None:
        """Remove a set with all that is in it."""
        self._run(self._writes.remove_set(
            path, missing_ok, unchanged_since))

    def batch(
            self, changes: Iterable[tuple[Any, ...]], *,
            unchanged_since: Since = None) -> list[Any]:
        """Make several changes in one transaction, and return their ids.

        Changes are ``('put', path, item)``, ``('patch', path, patch)``,
        ``('add', path, item)``, ``('set', path)`` and ``('remove', path)``,
        which removes an item or a set.

        Either all changes are made, or none.  If none is, Refused has the
        attribute ``change``, the index of the change to blame.
        """
        return self._run(self._writes.batch(changes, unchanged_since))

    def close(self) -> None:
        """End everything that runs, also in other threads."""
        self._network.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _run(self, steps: Steps[T]) -> T:
        return self._network.run(steps)


class AsyncClient(BaseClient):
    """A Client for programs with ``async`` and ``await``.

    .. code-block:: python

        async with AsyncClient('https://example.org/sync', token) as client:
            await client.put(('people', 'ann'), {'name': 'Ann'})
            async for changes in client.watch():
                show(changes, client.replica.items)

    Several tasks of one event loop may use it at the same time.  A task that
    is cancelled leaves the replica before or after an update, never between.
    The replica changes in the event loop, so a replica on a slow disk delays
    the loop.
    """

    def _connect(self, options: dict[str, Any]) -> None:
        self._network = AsyncNetwork(options)

    async def sync(self) -> Sequence[Change]:
        """See Client.sync."""
        return await self._run(self._session.sync())

    async def watch(self) -> AsyncGenerator[Sequence[Change], None]:
        """See Client.watch.

        To end the iteration at once, and not only when it is garbage, use
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

    async def add_part(self, path: Any) -> Sequence[Change]:
        """See Client.add_part."""
        try:
            self._session.add_part(as_path(path))
            return await self.sync()
        finally:
            self._network.end_streams()

    def drop_part(self, path: Any) -> None:
        """See Client.drop_part."""
        self._session.drop_part(as_path(path))
        self._network.end_streams()

    async def get(self, path: Any) -> Any:
        """See Client.get."""
        return (await self.get_with_position(path))[0]

    async def get_with_position(self, path: Any) -> tuple[Any, Position]:
        """See Client.get_with_position."""
        return await self._run(self._server.get(path))

    async def put(
            self, path: Any, item: Any, *,
            unchanged_since: Since = None) -> None:
        """See Client.put."""
        await self._run(self._writes.put(path, item, unchanged_since))

    async def patch(
            self, path: Any, patch: Any, *,
            unchanged_since: Since = None) -> None:
        """See Client.patch."""
        await self._run(self._writes.patch(path, patch, unchanged_since))

    async def add(self, path: Any, item: Any) -> str:
        """See Client.add."""
        return await self._run(self._writes.add(path, item))

    async def make_set(self, path: Any) -> None:
        """See Client.make_set."""
        await self._run(self._writes.make_set(path))

    async def remove(
            self, path: Any, missing_ok: bool = False, *,
            unchanged_since: Since = None) -> None:
        """See Client.remove."""
        await self._run(self._writes.remove(
            path, missing_ok, unchanged_since))

    async def remove_set(
            self, path: Any, missing_ok: bool = False, *,
            unchanged_since: Since = None) -> None:
        """See Client.remove_set."""
        await self._run(self._writes.remove_set(
            path, missing_ok, unchanged_since))

    async def batch(
            self, changes: Iterable[tuple[Any, ...]], *,
            unchanged_since: Since = None) -> list[Any]:
        """See Client.batch."""
        return await self._run(self._writes.batch(changes, unchanged_since))

    async def close(self) -> None:
        """End everything that runs, also in other tasks."""
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
