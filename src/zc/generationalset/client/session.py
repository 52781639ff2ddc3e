"""A replica, and the questions that keep it current."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import cast

from zc.generationalset.answers import (
    EPOCH,
    Answer,
    Change,
    Misfit,
    Position,
    covers,
    is_page,
    is_to,
)
from zc.generationalset.client.errors import BadAnswer, Refused
from zc.generationalset.client.server import Server, json_body
from zc.generationalset.client.steps import Request, Steps
from zc.generationalset.parts import Parts, Path, check_parts
from zc.generationalset.replica import (
    PagedReplica,
    PartialReplica,
    Replica,
    ReplicaLike,
)

QUESTIONS = 5  # most questions for an answer that fits


class Collected:
    """The changes of several answers, one after the other.

    If only one of them has changes, these aren't read: there may be a million.
    """

    def __init__(self) -> None:
        self._first: Sequence[Change] = []
        self._all: list[Change] = []

    def add(self, changes: Sequence[Change]) -> None:
        if self._all:
            self._all += changes
        elif self._first and changes:
            self._all = [*self._first, *changes]
            self._first = []
        else:
            self._first = self._first or changes

    def result(self) -> Sequence[Change]:
        return self._all or self._first


def until_current(ask: Callable[[], Steps[bool]]) -> Steps[None]:
    """Ask until nothing is missing; ``ask`` is such as ``Session.ask``."""
    while (yield from ask()):
        pass


class Session:
    """Questions to a server, and the replica that gets the answers.

    Several threads may use it at the same time.  ``lock`` is held while the
    replica changes, and never while anything waits.
    """

    def __init__(
            self, server: Server, replica: ReplicaLike | None = None,
            parts: Parts = ()) -> None:
        self.server = server
        self.replica: ReplicaLike = Replica() if replica is None else replica
        #: The parts that are wanted; () for the whole tree.
        self.parts = parts
        self.lock = threading.RLock()
        self._feeds: list[deque[Sequence[Change]]] = []
        self._check_replica()
        for path in self._held().keys() - set(parts):
            self._partial.drop(path)

    # Parts

    def _check_replica(self) -> None:
        if self.parts and not isinstance(self.replica, PartialReplica):
            raise TypeError('expected a replica that takes parts, got '
                            f'{type(self.replica).__name__}')
        if self.replica.generation and bool(self.parts) != bool(self._held()):
            raise ValueError(
                'expected a new replica, because the old one has '
                f'{"the whole tree" if self.parts else "parts of the tree"}')

    @property
    def _partial(self) -> PartialReplica:
        return cast(PartialReplica, self.replica)

    def _held(self) -> dict[Path, int]:
        """Return the generation of each part that the replica has."""
        return getattr(self.replica, 'parts', None) or {}

    def missing(self) -> Parts:
        """Return the parts that are wanted, and that the replica lacks."""
        with self.lock:
            held = self._held()
            return tuple([path for path in self.parts if path not in held])

    def add_part(self, path: Path) -> None:
        """Want another part."""
        with self.lock:
            if path not in self.parts:
                self.parts = check_parts([*self._some_parts(), path])

    def drop_part(self, path: Path) -> None:
        """Want a part no more, and forget it."""
        with self.lock:
            if path not in self._some_parts():
                raise KeyError(path)
            self.parts = check_parts(
                [other for other in self.parts if other != path])
            if path in self._held():
                self._feed(self._partial.drop(path))

    def _some_parts(self) -> Parts:
        if not self.parts:
            raise ValueError('expected a client that was made with parts, got '
                             'one of the whole tree')
        return self.parts

    # The replica

    def position(self) -> Position:
        with self.lock:
            return Position(self.replica.epoch, self.replica.generation)

    def apply(self, answer: Answer) -> Sequence[Change]:
        """Apply an answer, and put the changes into all feeds."""
        with self.lock:
            if bool(self.parts) != ('parts' in answer):
                raise BadAnswer('expected an answer with the parts that were '
                                f'named, got one with {", ".join(answer)}')
            if self.parts:
                wanted = [part for part in answer['parts']
                          if part['path'] in self.parts]
                if not wanted:
                    raise Misfit('expected an answer with wanted parts')
                answer = cast(Answer, {**answer, 'parts': wanted})
            changes = self.replica.apply(answer)
            self._feed(changes)
        return changes

    def _feed(self, changes: Sequence[Change]) -> None:
        if changes:
            for feed in self._feeds:
                feed.append(changes)

    def covers(self, answer: Answer) -> bool:
        """Tell whether the replica is at or after where an answer leads."""
        with self.lock:
            if 'parts' not in answer:
                return covers(self.position(), answer)
            held = self._held()
            return self.replica.epoch == answer['epoch'] and all(
                held[part['path']] >= answer['generation']
                for part in answer['parts'] if part['path'] in held)

    @contextmanager
    def feeding(self, feed: deque[Sequence[Change]]) -> Iterator[None]:
        """Put all changes that anyone applies meanwhile into a feed."""
        with self.lock:
            self._feeds.append(feed)
        try:
            yield
        finally:
            with self.lock:
                # Compared by identity, because empty feeds are equal.
                self._feeds = [
                    other for other in self._feeds if other is not feed]

    # Questions

    def sync(self) -> Steps[Sequence[Change]]:
        """Ask until nothing is missing, and return all changes."""
        changes = Collected()
        yield from until_current(lambda: self.server.persist(
            lambda: self.ask(changes=changes)))
        return changes.result()

    def ask(
            self, wait: int = 0, changes: Collected | None = None,
    ) -> Steps[bool]:
        """Ask what changed, and apply the answer, or a page of it.

        Return whether there is more to ask for.  That is so after each page,
        also after the last one, because something may have changed while the
        pages were read.

        Parts that are new catch up first.

        wait
            If nothing changed, the server holds the request for up to so many
            seconds.
        changes
            Gets the changes.

        An answer to another question comes from a cache.  The replica applies
        it if it fits, but the answer doesn't say what is newest.  So the next
        request asks caches to let it pass.
        """
        changes = changes or Collected()
        yield from self._join(changes)
        more = yield from self._catch_up(wait, changes)
        if self.missing():  # the server had another epoch
            yield from self._join(changes)
        return more

    def _join(self, changes: Collected) -> Steps[None]:
        """Ask for the parts that the replica lacks, unless it has nothing."""
        missing = self.missing()
        if not missing or not self.position().generation:
            return
        request = self.server.request('GET', 'updates', parts=missing)
        reply = yield from self.server.ask(request)
        answer = self.server.answer(
            json_body(reply, request.words), request.words)
        with suppress(Misfit):
            changes.add(self.apply(answer))

    def _catch_up(self, wait: int, changes: Collected) -> Steps[bool]:
        headers: dict[str, str] = {}
        questions = QUESTIONS
        while questions:
            asked, cursor = self._question()
            request = self._updates_request(asked, cursor, headers, wait)
            try:
                reply = yield from self.server.ask(request)
            except Refused as error:
                if error.status != 410 or not cursor:
                    raise
                cursor = ''  # the pages begin anew
                request = self._updates_request(asked, cursor, headers, wait)
                reply = yield from self.server.ask(request)
            if reply.status == 304 and 'If-None-Match' in request.headers:
                return False
            answer = self.server.answer(
                json_body(reply, request.words), request.words)
            with suppress(Misfit):  # another thread was faster
                changes.add(self.apply(answer))
            if not is_to(answer, asked) or (
                    is_page(answer)
                    and answer.get('cursor', '') != (cursor or '')):
                questions -= 1
                headers = {'Cache-Control': 'no-cache', 'Pragma': 'no-cache'}
            elif is_page(answer) or self.covers(answer):
                return is_page(answer)
            elif self.position() == asked:
                questions -= 1  # it lets a new client keep something
        raise BadAnswer(
            f'{request.words}: expected an answer since {asked.generation}, '
            f'got {QUESTIONS} that do not fit, the last one since '
            f'{answer["since"]}; look for a cache between here and the '
            f'server')

    def _question(self) -> tuple[Position, str | None]:
        """Return what to present; the cursor is None without pages.

        Parts have no pages.
        """
        with self.lock:
            cursor = None
            if isinstance(self.replica, PagedReplica) and not self.parts:
                cursor = self.replica.cursor
            return self.position(), cursor

    def _updates_request(
            self, asked: Position, cursor: str | None,
            headers: dict[str, str], wait: int) -> Request:
        params = {} if cursor is None else {'cursor': cursor}
        if wait:
            params['wait'] = str(wait)
        elif asked.generation and EPOCH.fullmatch(asked.epoch or ''):
            headers = {**headers, 'If-None-Match': asked.etag}
        request = self.server.request(
            'GET', 'updates', asked, headers, None, parts=self.parts,
            **params)
        return request._replace(
            silence=self.server.timeout + wait, held=True) if wait else request

    def events_request(self) -> Request:
        request = self.server.request(
            'GET', 'events', self.position(),
            {'Accept': 'text/event-stream', 'Accept-Encoding': 'identity',
             'Cache-Control': 'no-store'}, parts=self.parts)
        return request._replace(silence=self.server.silence, stream=True)
