"""What a service has answered."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from zc.generationalset.sync.errors import (
    Busy,
    Gone,
    Problem,
    Refused,
    Stale,
    Unavailable,
)

#: Letters of an answer that a message repeats.
SHOWN = 200
#: Seconds after which a change surely has another time, in whole seconds.
RESOLUTION = 2


@dataclass(frozen=True)
class Reply:
    """An answer of HTTP.

    request
        Its method and path, for messages.
    url
        The URL that it came from.
    headers
        They are looked up by names of any case.
    following
        The URL of the next page, if there is a Link header that has one.
    """

    request: str
    url: str
    status: int
    headers: Mapping[str, str]
    content: bytes
    following: str | None = None

    def json(self) -> Any:
        """Return the content.  Raises Unavailable if it isn't JSON."""
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError):
            raise Unavailable(
                f'{self.request}: expected JSON, got {self._text()}') from None

    def check(self, id: Any = None, is_write: bool = False) -> Reply:
        """Return this reply, if it is a success.

        id
            The item that was asked for, if it was one.

        Raises Gone, Stale, Refused, Busy and Unavailable.
        """
        if not 200 <= self.status < 300:
            raise self._problem(id, is_write)
        return self

    @property
    def busy(self) -> Busy | None:
        """The error that says when to ask again, if this reply says so."""
        after = self._retry_after()
        if self.status == 429 or (
                self.status in (403, 503) and after is not None):
            return Busy(1.0 if after is None else after)
        return None

    def version(self, header: str) -> str | None:
        """Return a header that is another one once the content is.

        None if there is none, or if it is a time that may stay the same.
        """
        value = self.headers.get(header)
        if value is None or header.lower() != 'last-modified':
            return value
        try:
            age = parsedate_to_datetime(self.headers.get('date', '')) \
                - parsedate_to_datetime(value)
        except (ValueError, TypeError):
            return None
        return value if age.total_seconds() >= RESOLUTION else None

    def _problem(self, id: Any, is_write: bool) -> Problem:
        text = f'{self.request}: {self.status} {self._text()}'
        if self.busy is not None:
            return self.busy
        if 300 <= self.status < 400:
            return Unavailable(f'{self.request}: it is redirected to '
                               f'{self.headers.get("location")}')
        # A page for people is by something between here and the service.
        is_told = 'html' not in self.headers.get('content-type', '')
        if id is not None and self.status in (404, 410) and is_told:
            return Gone(id)
        if self.status == 412:
            return Stale(text)
        if is_write and 400 <= self.status < 500 and is_told \
                and self.status not in (401, 404, 408):
            return Refused(text)
        return Unavailable(text)

    def _text(self) -> str:
        return ' '.join(self.content[:SHOWN].decode(
            errors='replace').split()) or 'nothing'

    def _retry_after(self) -> float | None:
        """Return how many seconds to wait; None if that isn't said."""
        value = self.headers.get('retry-after', '')
        if value.isascii() and value.isdigit():
            return float(value)
        try:
            until = parsedate_to_datetime(value)
            now = parsedate_to_datetime(self.headers.get('date', '')) \
                if 'date' in self.headers else \
                datetime.datetime.now(datetime.timezone.utc)
            return max((until - now).total_seconds(), 0.0)
        except (ValueError, TypeError):
            return None
