"""How to get from one page of a listing to the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from zc.generationalset.merging import ABSENT
from zc.generationalset.sync.errors import Incomplete
from zc.generationalset.sync.stores.rest.layout import at
from zc.generationalset.sync.stores.rest.reply import Reply


@dataclass(frozen=True)
class Page:
    """A page of a listing.

    number
        That of the page, from 1.
    ids
        Those of its items.
    count
        How many items were listed so far, with these.
    """

    reply: Reply
    document: Any
    number: int
    ids: list[Any]
    count: int


@dataclass(frozen=True)
class Paging:
    """How a service makes pages.

    by
        ``none``, ``link``, ``next``, ``cursor``, ``page``, ``offset`` or
        ``key``.
    next
        The place in a page of the next one's URL or cursor.
    parameter
        The parameter that says which page is wanted.
    first
        The number of the first page.
    """

    by: str = 'none'
    next: str = 'next'
    parameter: str = ''
    first: int = 1

    def following(self, page: Page) -> str | None:
        """Return the URL of the next page; None if there is none.

        Raises Incomplete if the page doesn't say.
        """
        return FOLLOWING[self.by](self, page)

    def _with(self, page: Page, value: Any) -> str:
        return str(httpx.URL(page.reply.url).copy_merge_params(
            {self.parameter or self.by: value}))

    def _told(self, page: Page) -> Any:
        """Return what a page says of the next one; None if it is the last."""
        value = at(page.document, self.next)
        if value is ABSENT and '.' in self.next and at(
                page.document, self.next.rpartition('.')[0]) is ABSENT:
            raise Incomplete(f'expected {self.next} in each page')
        if value in (ABSENT, None, '', False):
            return None
        if type(value) not in (str, int):
            raise Incomplete(f'expected a text as {self.next}, got {value!r}')
        return value

    def _by_link(self, page: Page) -> str | None:
        return page.reply.following

    def _by_next(self, page: Page) -> str | None:
        value = self._told(page)
        return None if value is None else str(value)

    def _by_cursor(self, page: Page) -> str | None:
        value = self._told(page)
        return None if value is None else self._with(page, value)

    # How long a page is is the service's choice, so only an empty one is
    # surely the last.

    def _by_page(self, page: Page) -> str | None:
        return self._with(
            page, self.first + page.number) if page.ids else None

    def _by_offset(self, page: Page) -> str | None:
        return self._with(page, page.count) if page.ids else None

    def _by_key(self, page: Page) -> str | None:
        return self._with(page, page.ids[-1]) if page.ids else None


FOLLOWING: Mapping[str, Callable[[Paging, Page], str | None]] = {
    'none': lambda paging, page: None,
    'link': Paging._by_link, 'next': Paging._by_next,
    'cursor': Paging._by_cursor, 'page': Paging._by_page,
    'offset': Paging._by_offset, 'key': Paging._by_key}
