"""A replica, and the questions that keep it current."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress

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
from zc.generationalset.replica import Replica, ReplicaLike

QUESTIONS = 5  # most questions for an answer that fits


class Session:
    """Questions to a server, and the replica that gets the answers.

    Several threads may use it at the same time.  ``lock`` is held while the
    replica changes, and never while anything waits.
    """

    def __init__(
            self, server: Server, replica: ReplicaLike | None = None) -> None:
        self.server = server
        self.replica: ReplicaLike = Replica() if replica is None else replica
        self.lock = threading.RLock()
        self._feeds: list[deque[list[Change]]] = []

    # The replica

    def position(self) -> Position:
        with self.lock:
            return Position(self.replica.epoch, self.replica.generation)

    def apply(self, answer: Answer) -> list[Change]:
        """Apply an answer, and put the changes into all feeds."""
        with self.lock:
            changes = self.replica.apply(answer)
            if changes:
                for feed in self._feeds:
                    feed.append(changes)
        return changes

    def covers(self, answer: Answer) -> bool:
        """Tell whether the replica is at or after where an answer leads."""
        return covers(self.position(), answer)

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

        With ``wait``, if nothing changed, the server holds the request for up
        to so many seconds.

        An answer to another question comes from a cache.  The replica applies
        it if it fits, but the answer doesn't say what is newest.  So the next
        request asks caches to let it pass.
        """
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
                'GET', 'updates', asked, headers, wait=str(wait))
            return request._replace(
                silence=self.server.timeout + wait, held=True)
        if asked.generation and EPOCH.fullmatch(asked.epoch or ''):
            headers = {**headers, 'If-None-Match': asked.etag}
        return self.server.request('GET', 'updates', asked, headers)

    def events_request(self) -> Request:
        request = self.server.request(
            'GET', 'events', self.position(),
            {'Accept': 'text/event-stream', 'Accept-Encoding': 'identity',
             'Cache-Control': 'no-store'})
        return request._replace(silence=self.server.silence, stream=True)
