"""The items of a service."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

import httpx

from zc.generationalset.merging import ABSENT, canonical
from zc.generationalset.sync.accessor import (
    Accessor,
    Capabilities,
    Changes,
    Found,
)
from zc.generationalset.sync.data import Data
from zc.generationalset.sync.errors import (
    Gone,
    Incomplete,
    Stale,
    Unavailable,
)
from zc.generationalset.sync.stores.rest.layout import (
    CONDITIONS,
    UPDATES,
    Layout,
    at,
    put,
)
from zc.generationalset.sync.stores.rest.paging import Page, Paging
from zc.generationalset.sync.stores.rest.reply import Reply
from zc.generationalset.sync.stores.rest.service import Service
from zc.generationalset.sync.type import Type, digest


class RestAccessor(Accessor):
    """The items of one type in a service.

    layout
        Where the service has what.
    paging
        How it makes pages.
    """

    def __init__(
            self, service: Service, type: Type, layout: Layout,
            paging: Paging) -> None:
        self.capabilities = Capabilities(
            conditional=layout.etags, deltas=bool(layout.since),
            repeatable=bool(layout.idempotency))
        self._service = service
        self._type = type
        self._layout = layout
        self._paging = paging
        self._list_url = service.absolute(layout.path)

    # Listings

    def version(self, known: str | None) -> str | None:
        """Return what the header of the listing's first page says."""
        header = self._layout.version
        if not header:
            return None
        # Read in another way, the same listing may have other items.
        place = digest({'layout': repr(self._layout),
                        'paging': repr(self._paging)}).hex()
        before, _, value = (known or '').partition(' ')
        condition = CONDITIONS.get(header.lower())
        headers = {condition: value} if condition and before == place else {}
        reply = self._service.read(self._first_url({}), headers)
        if headers and reply.status == 304:
            return known
        found = reply.check().version(header)
        return None if found is None else f'{place} {found}'

    def _first_url(self, query: Mapping[str, Any]) -> str:
        return str(httpx.URL(self._list_url).copy_merge_params(
            {**self._layout.query, **query}))

    def find(self, cursor: str | None = None) -> Changes:
        if not self._layout.since:
            return Changes(self._found(self._pages({}), False))
        is_delta = cursor is not None
        pages = self._pages({self._layout.since: cursor} if is_delta else {})
        try:
            first = next(pages)
        except Gone:
            return self.find()  # the service knows this cursor no longer
        told: list[str] = []
        return Changes(
            self._found(self._noted(first, pages, told), is_delta),
            not is_delta, lambda: told[-1])

    def _noted(
            self, first: Page, others: Iterator[Page], told: list[str],
    ) -> Iterator[Page]:
        """Yield pages, and put the cursors in them into a list.

        Raises Incomplete if there are none.
        """
        for page in itertools.chain([first], others):
            cursor = at(page.document, self._layout.changes)
            if type(cursor) in (str, int):
                told.append(str(cursor))
            yield page
        if not told:
            raise Incomplete(f'expected {self._layout.changes} in the last '
                             'page')

    def _found(
            self, pages: Iterable[Page], is_delta: bool) -> Iterator[Found]:
        for page in pages:
            for item in self._listed(page.document):
                id = at(item, self._layout.id)
                if self._is_removed(item):
                    if is_delta:
                        yield Gone(id)
                elif not self._layout.details:
                    yield self._data(item, None)
                else:
                    with contextlib.suppress(Gone):  # since it was listed
                        yield self.get(id)

    def _pages(self, query: Mapping[str, Any]) -> Iterator[Page]:
        """Yield all pages.  Raises Incomplete, and Gone for a cursor that the
        service knows no longer."""
        url: str | None = self._first_url(query)
        seen: set[str] = set()
        number = count = 0
        while url is not None:
            number += 1
            if number > self._service.limits.pages:
                raise Incomplete(f'there are more than {number - 1} pages; '
                                 'the option "pages" allows more')
            page = self._page(url, number, count, bool(query))
            count = page.count
            marks = {url, canonical(page.ids)} if page.ids else {url}
            if marks & seen:
                raise Incomplete('a page has come twice')
            seen |= marks
            yield page
            following = self._paging.following(page)
            url = following and self._service.absolute(following, url)

    def _page(
            self, url: str, number: int, count: int, has_cursor: bool) -> Page:
        reply = self._service.read(url)
        if has_cursor and reply.status == 410:
            raise Gone(url)
        document = reply.check().json()
        ids = [at(item, self._layout.id) for item in self._listed(document)]
        return Page(reply, document, number, ids, count + len(ids))

    def _listed(self, document: Any) -> list[Any]:
        """Return the items of a page.  Raises Incomplete."""
        items = at(document, self._layout.items)
        if not isinstance(items, list):
            raise Incomplete('expected a list of items'
                             + f' as {self._layout.items}'
                             * bool(self._layout.items))
        if not all(self._has_id(item) for item in items):
            raise Incomplete(f'expected {self._layout.id} in each item')
        return items

    def count(self) -> int:
        if not self._layout.total:
            return sum(1 for _ in self.find())
        page = next(self._pages({}))
        total = at(page.document, self._layout.total)
        if total is ABSENT:
            total = page.reply.headers.get(self._layout.total)
        try:
            return int(total)
        except (TypeError, ValueError):
            raise Incomplete(f'expected the number of items as '
                             f'{self._layout.total}, got {total!r}') from None

    # Items

    def _has_id(self, item: Any) -> bool:
        return type(at(item, self._layout.id)) in (str, int)

    def _is_removed(self, item: Any) -> bool:
        place = self._layout.removed
        return bool(place) and at(item, place) not in (ABSENT, None, False, '')

    def _data(self, item: Any, token: str | None) -> Data:
        fields = {}
        for name, place in self._layout.names.items():
            value = at(item, place)
            if not self._layout.is_cleared(value):
                fields[name] = self._type.fields[name].from_plain(value)
        return Data(self._type.name, at(item, self._layout.id), fields, token)

    def _url(self, id: Any) -> str:
        """Return the URL of an item.  Raises Gone for what can't be an id."""
        name = quote(str(id), safe='')
        if name.strip('.') == '':
            raise Gone(id)
        url = httpx.URL(self._list_url)
        return str(url.copy_with(raw_path=url.raw_path.partition(
            b'?')[0].rstrip(b'/') + f'/{name}'.encode()))

    def _read(self, id: Any) -> tuple[Reply, dict[str, Any]]:
        """Return an item, as the service has it.

        Raises Gone, and Unavailable if the answer is another item.
        """
        reply = self._service.read(self._url(id)).check(id)
        item = at(reply.json(), self._layout.item)
        if not self._has_id(item) or canonical(
                at(item, self._layout.id)) != canonical(id):
            raise Unavailable(f'{reply.request}: expected the item {id!r}')
        if self._is_removed(item):
            raise Gone(id)
        return reply, item

    def get(self, id: Any) -> Data:
        reply, item = self._read(id)
        return self._data(item, self._token(reply))

    def _token(self, reply: Reply) -> str | None:
        return reply.headers.get('etag') if self._layout.etags else None

    # Changes

    def _plain(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {field: value if value is ABSENT
                else self._type.fields[field].plain(value)
                for field, value in fields.items()
                if field in self._layout.names}

    def _wrapped(self, item: dict[str, Any]) -> dict[str, Any]:
        document: dict[str, Any] = {}
        if not self._layout.wrap:
            return item
        put(document, self._layout.wrap, item)
        return document

    def _told(self, reply: Reply, sent: Mapping[str, Any]) -> Data | None:
        """Return the item in an answer; None if not all of it is there."""
        if not reply.content or reply.status == 204:
            return None
        item = at(reply.json(), self._layout.item)
        token = self._token(reply)
        if not self._has_id(item) or (self._layout.etags and token is None) \
                or any(at(item, self._layout.names[field]) is ABSENT
                       for field, value in sent.items()
                       if value is not ABSENT):
            return None
        return self._data(item, token)

    def add(self, data: Data, key: str) -> Data:
        sent = self._plain(data.fields)
        headers = {self._layout.idempotency: key} \
            if self._layout.idempotency else {}
        reply = self._service.write(
            'POST', self._list_url,
            self._wrapped(self._layout.patched({}, sent)), headers,
        ).check(is_write=True)
        return self._told(reply, sent) or self.reread(self._new_id(reply))

    def _new_id(self, reply: Reply) -> Any:
        """Return the id of what was added.  Raises Unavailable."""
        if reply.content:
            item = at(reply.json(), self._layout.item)
            if self._has_id(item):
                return at(item, self._layout.id)
        raise Unavailable(f'{reply.request}: expected '
                          f'{self._layout.id} in the answer')

    def update(
            self, id: Any, patch: Mapping[str, Any], token: str | None,
    ) -> Data | None:
        sent = self._plain(patch)
        document: dict[str, Any] = {}
        if self._layout.update == 'put':
            reply, document = self._read(id)
            now = self._token(reply)
            if token is not None and now != token:
                raise Stale(f'{id!r} has changed')
            token = now
        method, form = UPDATES[self._layout.update]
        reply = self._service.write(
            method, self._url(id),
            self._wrapped(self._layout.patched(document, sent)),
            {'Content-Type': form, **self._condition(token)},
        ).check(id, is_write=True)
        return self._told(reply, sent)

    def remove(self, id: Any, token: str | None) -> None:
        if self._layout.removed:
            self._read(id)  # such services may remove what is removed
        self._service.write(
            'DELETE', self._url(id), headers=self._condition(token),
        ).check(id, is_write=True)

    def _condition(self, token: str | None) -> dict[str, str]:
        return {'If-Match': token} if token and self._layout.etags else {}

    def normal(self, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        item = self._layout.patched({}, self._plain(fields))
        return self._data(item, None).fields
