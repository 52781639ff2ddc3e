"""A replica, and the questions that keep it current."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import cast

from zc.generationalset.answers import (
    EPOCH,
    Answer,
    Change,
    Misfit,
    Position,
    covers,
    is_to,
)
from zc.generationalset.client.errors import BadAnswer
from zc.generationalset.client.server import Server, json_body
from zc.generationalset.client.steps import Request, Steps
from zc.generationalset.parts import Parts, Path, check_parts
from zc.generationalset.replica import PartialReplica, Replica, ReplicaLike

QUESTIONS = 5  # most questions for an answer that fits


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
        self._feeds: list[deque[list[Change]]] = []
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

    def apply(self, answer: Answer) -> list[Change]:
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

    def _feed(self, changes: list[Change]) -> None:
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
    def feeding(self, feed: deque[list[Change]]) -> Iterator[None]:
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

    def sync(self) -> Steps[list[Change]]:
        return self.server.persist(self.update)

    def update(self, wait: int = 0) -> Steps[list[Change]]:
        """Ask what changed, apply it, and return it.

        Parts that are new catch up first.

        wait
            If nothing changed, the server holds the request for up to so many
            seconds.

        An answer to another question comes from a cache.  The replica applies
        it if it fits, but the answer doesn't say what is newest.  So the next
        request asks caches to let it pass.
        """
        changes = yield from self._join()
        changes += yield from self._ask(wait)
        if self.missing():  # the server had another epoch
            changes += yield from self._join()
        return changes

    def _join(self) -> Steps[list[Change]]:
        """Ask for the parts that the replica lacks, unless it has nothing."""
        missing = self.missing()
        if not missing or not self.position().generation:
            return []
        request = self.server.request('GET', 'updates', parts=missing)
        reply = yield from self.server.ask(request)
        answer = self.server.answer(
            json_body(reply, request.words), request.words)
        with suppress(Misfit):
            return self.apply(answer)
        return []

    def _ask(self, wait: int) -> Steps[list[Change]]:
        headers: dict[str, str] = {}
        changes: list[Change] = []
        questions = QUESTIONS
        while questions:
            asked = self.position()
            request = self._updates_request(asked, headers, wait)
            reply = yield from self.server.ask(request)
            if reply.status == 304 and 'If-None-Match' in request.headers:
                return changes
            answer = self.server.answer(
                json_body(reply, request.words), request.words)
            with suppress(Misfit):  # another thread was faster
                changes += self.apply(answer)
            if not is_to(answer, asked):
                questions -= 1
                headers = {'Cache-Control': 'no-cache', 'Pragma': 'no-cache'}
            elif self.covers(answer):
                return changes
        raise BadAnswer(
            f'{request.words}: expected an answer since {asked.generation}, '
            f'got {QUESTIONS} to other questions, the last one since '
            f'{answer["since"]}; look for a cache between here and the '
            f'server')

    def _updates_request(
            self, asked: Position, headers: dict[str, str], wait: int,
    ) -> Request:
        if wait:
            request = self.server.request(
                'GET', 'updates', asked, headers, wait=str(wait),
                parts=self.parts)
            return request._replace(
                silence=self.server.timeout + wait, held=True)
        if asked.generation and EPOCH.fullmatch(asked.epoch or ''):
            headers = {**headers, 'If-None-Match': asked.etag}
        return self.server.request(
            'GET', 'updates', asked, headers, parts=self.parts)

    def events_request(self) -> Request:
        request = self.server.request(
            'GET', 'events', self.position(),
            {'Accept': 'text/event-stream', 'Accept-Encoding': 'identity',
             'Cache-Control': 'no-store'}, parts=self.parts)
        return request._replace(silence=self.server.silence, stream=True)
