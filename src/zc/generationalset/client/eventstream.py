"""Parses ``text/event-stream`` (server-sent events) as it arrives."""

from __future__ import annotations

import re
from typing import NamedTuple

_LINE_END = re.compile(rb'\r\n|\r|\n')


class Event(NamedTuple):
    """One event; its data are bytes, because they may not be valid UTF-8."""

    type: str
    data: bytes


class TooLong(ValueError):
    """A line or an event is longer than allowed."""


class EventStream:
    r"""The events of a stream that comes in pieces.

    O(size of the pieces); keeps no more than ``limit`` bytes and one piece.

    >>> stream = EventStream(limit=1000)
    >>> stream.feed(b': hello\n\nevent: upda')
    []
    >>> stream.feed(b'tes\ndata: {}\n\nevent: cut')
    [Event(type='updates', data=b'{}')]

    ``limit`` is the most bytes in an event, and in a line; beyond that,
    ``feed`` raises TooLong.  An event without a blank line at its end is never
    returned.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._line = bytearray()  # the line that hasn't ended yet
        self._after_cr = False  # a LF that comes next is no line
        self._first = True
        self._type = 'message'
        self._data: list[bytes] = []
        self._size = 0  # of the event, without the line that hasn't ended yet

    def feed(self, piece: bytes) -> list[Event]:
        """Return the events that end in this piece, maybe none."""
        if not piece:
            return []
        if self._after_cr and piece.startswith(b'\n'):
            piece = piece[1:]
        self._after_cr = piece.endswith(b'\r')
        *ends, rest = _LINE_END.split(piece)
        events = []
        for end in ends:
            self._extend_line(end)
            line, self._line = bytes(self._line), bytearray()
            if line:
                self._add(line)
            else:
                events += self._end()
        self._extend_line(rest)
        return events

    def _extend_line(self, part: bytes) -> None:
        self._line += part
        if self._size + len(self._line) > self._limit:
            raise TooLong(f'expected events of at most {self._limit:,} bytes')
        if self._first and len(self._line) >= 3:
            self._first = False
            if self._line.startswith(b'\xef\xbb\xbf'):
                del self._line[:3]

    def _add(self, line: bytes) -> None:
        self._first = False
        name, _, value = line.partition(b':')
        if not name:
            return  # a comment
        self._size += len(line)
        value = value.removeprefix(b' ')
        if name == b'event':
            self._type = value.decode('utf-8', 'replace')
        elif name == b'data':
            self._data.append(value)

    def _end(self) -> list[Event]:
        """End an event; an event without data doesn't count."""
        self._first = False
        event = Event(self._type or 'message', b'\n'.join(self._data))
        events = [event] if self._data else []
        self._type, self._data, self._size = 'message', [], 0
        return events
