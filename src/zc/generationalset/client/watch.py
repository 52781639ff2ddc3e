"""Follows changes, by event stream, long poll or poll.

A watch has three states.  It begins with *asking*: what did the replica miss?
Then it is *listening* to event streams, if they work; if they don't, it is
*polling*, and tries a stream now and then.  To *ask* is one request, which
brings an answer for the replica; to *deliver* is to yield changes.

=========  ===============================  =====================  =========
State      What happens                     What the watch does    Next
=========  ===============================  =====================  =========
asking     the answer fits                  deliver                listening
asking     the request fails                wait                   asking
listening  an event fits                    deliver                listening
listening  an event brings nothing new      nothing                listening
listening  an event doesn't fit             ask, deliver           listening
listening  an event says that it must ask   ask, deliver, wait     listening
listening  a stream that worked ends        wait                   listening
listening  a useless stream ends            wait, ask              listening
listening  a third useless stream ends      wait, ask              polling
listening  a stream brings not one byte     wait, ask              polling
listening  the server has no streams        nothing                polling
polling    a poll brings changes            deliver, wait          polling
polling    a poll brings nothing            wait                   polling
polling    a poll fails                     wait                   polling
polling    it is time to try a stream       nothing                listening
all        the server refuses the request   raise Refused          ended
all        ten bad answers come in a row    raise BadAnswer        ended
=========  ===============================  =====================  =========

A stream works if it has brought an event that was of use, or has lasted for a
minute.  After a failure the watch waits longer each time (``Backoff``).
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from zc.generationalset.answers import Change, Misfit
from zc.generationalset.client.backoff import Backoff
from zc.generationalset.client.errors import (
    BadAnswer,
    ClientError,
    Lost,
    Refused,
    Silence,
    Unavailable,
)
from zc.generationalset.client.eventstream import Event, EventStream, TooLong
from zc.generationalset.client.session import (
    Collected,
    Session,
    until_current,
)
from zc.generationalset.client.steps import Deliver, Read, Steps, Wait
from zc.generationalset.parts import Parts

logger = logging.getLogger('zc.generationalset.client')

# Times are in seconds.
HOLD = 30  # how long a server should hold a long poll
PACE = 0.2  # between polls that bring changes
INTERVAL = 5.0  # between polls that don't, if the server doesn't hold them
AGAIN = 600.0  # until a client without streams tries one again ...
SELDOM = 86400.0  # ... doubled up to this
GOOD = 60.0  # after which a stream works, even if nothing changed

FRUITLESS = 3  # streams that bring nothing, until the client polls
BAD_ANSWERS = 10  # in a row, until there is an error: that takes minutes
NO_STREAM = (404, 405, 406, 501)  # statuses of servers without streams


class Watch:
    """Keeps a replica current, and yields what changed.

    As long as event streams work, the watch listens to one.  It applies every
    answer that fits; if an answer doesn't fit, it asks.  So no change is lost,
    however it arrives first.
    """

    def __init__(
            self, session: Session,
            clock: Callable[[], float] = time.monotonic) -> None:
        self._session = session
        self._clock = clock
        self._server = session.server
        self._feed: deque[Sequence[Change]] = deque()
        self._backoff = Backoff(session.server.random)
        self._bad_answers = 0
        self._stream_at = clock()  # when to try a stream
        self._again = AGAIN
        self._fruitless = 0
        self._came = False  # whether the last question has brought changes
        self._heard = False  # whether the current stream has brought a byte
        self._useful = False  # whether the current stream works
        self._hold = HOLD

    def steps(self) -> Steps[None]:
        with self._session.feeding(self._feed):
            while not (yield from self._patiently(self._sync)):
                pass
            while True:
                if self._clock() >= self._stream_at:
                    yield from self._patiently(self._stream)
                else:
                    yield from self._patiently(self._poll)

    def _patiently(self, ask: Callable[[], Steps[Any]]) -> Steps[bool]:
        """Ask; if that fails, wait.  Return whether it succeeded."""
        try:
            yield from ask()
            return True
        except (BadAnswer, Unavailable) as error:
            if isinstance(error, BadAnswer):
                self._bad_answers += 1
                if self._bad_answers >= BAD_ANSWERS:
                    raise
            yield from self._pause(error)
            return False

    def _pause(self, error: ClientError) -> Steps[None]:
        delay = self._backoff.delay(getattr(error, 'retry_after', None))
        logger.warning('%s; asking again in %.1f seconds', error, delay)
        yield Wait(delay)

    def _succeed(self) -> None:
        self._backoff.reset()
        self._bad_answers = 0

    def _deliver(self) -> Steps[None]:
        """Deliver the changes that were applied, here or by others."""
        collected = Collected()
        while self._feed:
            collected.add(self._feed.popleft())
        changes = collected.result()
        if changes:
            self._came = True
            yield Deliver(changes)

    # By asking.

    def _sync(self, wait: int = 0) -> Steps[bool]:
        """Ask until nothing is missing; return whether anything came."""
        self._came = False
        yield from until_current(lambda: self._ask(wait))
        return self._came

    def _ask(self, wait: int) -> Steps[bool]:
        more = yield from self._session.ask(wait)
        self._succeed()
        yield from self._deliver()
        return more

    def _poll(self) -> Steps[None]:
        """Poll once, not too soon after the poll before."""
        began = self._clock()
        try:
            changed = yield from self._sync(self._hold)
        except Unavailable:
            if self._clock() - began >= 1:
                # Maybe a proxy doesn't let a request be held so long.
                self._hold //= 2
            raise
        rest = (PACE if changed else INTERVAL) - (self._clock() - began)
        if rest > 0:
            yield Wait(rest)

    # By listening.

    def _stream(self) -> Steps[None]:
        """Listen to a stream until it ends."""
        self._heard = self._useful = False
        try:
            yield from self._listen()
        except _NoStream as error:
            self._give_up_streams(error)
        except (BadAnswer, Unavailable) as error:
            if self._useful:
                raise
            yield from self._pause(error)
            yield from self._sync()  # its failure says nothing of the stream
            self._fruitless += 1
            if self._fruitless >= FRUITLESS or (
                    isinstance(error, Silence) and not self._heard):
                self._give_up_streams(error)

    def _give_up_streams(self, error: ClientError) -> None:
        logger.info('%s; polling for %.0f seconds', error, self._again)
        self._stream_at = self._clock() + self._again
        self._again = min(2 * self._again, SELDOM)
        self._fruitless = 0
        self._hold = HOLD

    def _open(self) -> Steps[str]:
        """Open a stream, and return its request in words."""
        request = self._session.events_request()
        try:
            reply = yield from self._server.ask(request)
        except (Refused, Unavailable) as error:
            if error.status in NO_STREAM:
                raise _NoStream(str(error), error.status) from error
            raise
        if not reply.stream:
            raise _NoStream(
                f'{request.words}: expected text/event-stream, got '
                f'{reply.status} {reply.media_type[:100]!r}', reply.status)
        return request.words

    def _listen(self) -> Steps[None]:
        if self._session.missing():
            yield from self._session.ask()
        parts = self._session.parts
        what = yield from self._open()
        # The stream doesn't have what others applied before it was opened.
        yield from self._deliver()
        began = self._clock()
        stream = EventStream(self._server.limits.size)
        while self._session.parts == parts:
            piece = yield from self._read(what, parts)
            self._heard = True
            for event in _events(stream, piece, what):
                if event.type == 'updates':
                    yield from self._updates(event.data, what)
                elif event.type == 'ask':
                    if not (yield from self._sync()):
                        raise Lost(f'{what}: it says that there is '
                                   'something to ask for, and there is not')
                    self._thrive()
                    # Random, because all clients were told in the same moment.
                    yield Wait(self._backoff.delay())
                    return
            if self._clock() - began >= GOOD:
                self._thrive()

    def _read(self, what: str, parts: Parts) -> Steps[bytes]:
        """Return what comes next; b'' if other parts are wanted now."""
        try:
            piece: bytes | None = yield Read()
        except Unavailable:
            if self._session.parts == parts:
                raise
            piece = None
        if not piece and self._session.parts == parts:
            raise Lost(f'{what}: the stream ended')
        return piece or b''

    def _updates(self, data: bytes, what: str) -> Steps[None]:
        """Apply an event; if it doesn't fit, ask for what is missing."""
        answer = self._server.answer(data, what)
        try:
            self._session.apply(answer)
        except Misfit:
            if not self._session.covers(answer):
                yield from self._sync()
                if not self._session.covers(answer):
                    raise BadAnswer(
                        f'{what}: expected an event since '
                        f'{self._session.position().generation}, got one '
                        f'since {answer["since"]}') from None
        self._thrive()
        yield from self._deliver()

    def _thrive(self) -> None:
        """Note that the stream works."""
        self._succeed()
        self._useful = True
        self._fruitless = 0
        self._again = AGAIN


def _events(stream: EventStream, piece: bytes, what: str) -> list[Event]:
    try:
        return stream.feed(piece)
    except TooLong as error:
        raise BadAnswer(f'{what}: {error}') from error


class _NoStream(ClientError):
    """The server, or a proxy on the way to it, has no event streams."""
