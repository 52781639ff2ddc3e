"""The store, and how a file of configuration describes it."""

from __future__ import annotations

from collections.abc import Mapping

from zc.generationalset.merging import ABSENT, canonical
from zc.generationalset.sync.accessor import Accessor
from zc.generationalset.sync.errors import Unavailable
from zc.generationalset.sync.options import Options
from zc.generationalset.sync.store import Store
from zc.generationalset.sync.stores.rest.accessor import RestAccessor
from zc.generationalset.sync.stores.rest.layout import (
    CLEARINGS,
    UPDATES,
    Layout,
    at,
)
from zc.generationalset.sync.stores.rest.paging import FOLLOWING, Paging
from zc.generationalset.sync.stores.rest.service import Limits, Service
from zc.generationalset.sync.type import Type

#: Options of a type that are texts.
TEXTS = {'id': 'id', **dict.fromkeys((
    'items', 'item', 'wrap', 'removed', 'since', 'changes', 'total',
    'version', 'idempotency'), '')}


class RestStore(Store):
    """A service of HTTP, whose items are JSON.

    service
        The service.  The store closes it.
    accessors
        The accessor of each type.
    account
        The path and the place of what tells whose items these are.
    """

    def __init__(
            self, name: str, service: Service,
            accessors: Mapping[str, Accessor], read_only: bool = False,
            account: tuple[str, str] | None = None) -> None:
        super().__init__(name, accessors, read_only)
        self._service = service
        self._account = account

    def identity(self) -> str:
        """Return the URL, and whose items these are."""
        if self._account is None:
            return str(self._service.url)
        path, place = self._account
        found = at(self._service.read(
            self._service.absolute(path)).check().json(), place)
        if found is ABSENT:
            raise Unavailable(f'expected {place} in {path}')
        return f'{self._service.url} {canonical(found)}'

    def close(self) -> None:
        self._service.close()


def make(options: Options) -> RestStore:
    """Return the store that a file of configuration describes."""
    service = Service(options.take('url', str), _headers(options), Limits(
        options.take('most_bytes', int, Limits.bytes),
        _number(options, 'timeout', Limits.timeout),
        _number(options, 'rate', Limits.rate),
        options.take('pages', int, Limits.pages)))
    read_only = options.take('read_only', bool, False)
    account = None
    if 'account' in options.values:
        table = Options('account', {}, options.folder,
                        options.take('account', dict))
        account = table.take('path', str), table.take('id', str, 'id')
        table.check_empty()
    accessors = {type.name: _accessor(service, type, table)
                 for type, table in options.tables()}
    return RestStore(options.name, service, accessors, read_only, account)


def _number(options: Options, name: str, default: float) -> float:
    if isinstance(options.values.get(name), float):
        return float(options.take(name, float))
    return float(options.take(name, int, default))


def _headers(options: Options) -> dict[str, str]:
    """Return the headers of all requests."""
    headers: dict[str, str] = options.take('headers', dict, {})
    name = options.take('token_header', str, 'Authorization')
    if 'token' in options.values:
        token = options.take('token', str)
        is_whole = ' ' in token or name != 'Authorization'
        headers[name] = token if is_whole else f'Bearer {token}'
    for each, value in headers.items():
        if not isinstance(value, str):
            raise ValueError(f'headers: expected a text for {each}')
        if not (value.isascii() and value.isprintable()):
            # The value may be a secret.
            raise ValueError(f'{each}: expected plain letters')
    return headers


def _accessor(service: Service, type: Type, table: Options) -> RestAccessor:
    paging = Paging(
        table.choose('paging', FOLLOWING, 'none'),
        table.take('next', str, 'next'), table.take('parameter', str, ''),
        table.take('first', int, 1))
    layout = Layout(
        table.take('path', str).lstrip('/'), _names(type, table),
        update=table.choose('update', UPDATES, 'patch'),
        clear=table.choose('clear', CLEARINGS, 'null'),
        query=table.take('query', dict, {}),
        etags=table.take('etags', bool, False),
        details=table.take('details', bool, False),
        **{name: table.take(name, str, default)
           for name, default in TEXTS.items()})
    if layout.clear == 'omit' and layout.update != 'put':
        raise ValueError('clear: "omit" is for update = "put"')
    told = [layout.since, layout.changes, layout.removed]
    if any(told[:2]) and not all(told):
        raise ValueError('since: expected "changes" and "removed", too')
    return RestAccessor(service, type, layout, paging)


def _names(type: Type, table: Options) -> dict[str, str]:
    """Return the places of fields.  Raises ValueError."""
    names = {field: field for field in type.fields}
    for field, place in table.take('map', dict, {}).items():
        if field not in names or not isinstance(place, str):
            raise ValueError(f'map: expected a place for a field of '
                             f'{type.name}, got {field} = {place!r}')
        names[field] = place
    return {field: place for field, place in names.items() if place}
