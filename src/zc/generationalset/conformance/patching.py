"""Checks of PATCH."""

from __future__ import annotations

import json
from typing import Any

import httpx

from zc.generationalset.conformance.peer import (
    Absent,
    Peer,
    Wrong,
    expect,
    problem,
    refused,
)

#: An item, a patch, and the result.
PATCHES: list[tuple[Any, Any, Any]] = [
    ({'a': 1, 'b': 2}, {'b': 3, 'c': 4}, {'a': 1, 'b': 3, 'c': 4}),
    ({'a': 1, 'b': 2}, {'a': None, 'x': None}, {'b': 2}),
    ({'a': {'b': 1, 'c': 2}}, {'a': {'b': None}}, {'a': {'c': 2}}),
    ({'a': [1, 2]}, {'a': [3]}, {'a': [3]}),
    ({'a': 1}, [2], [2]),
    ('text', {'a': {'b': None, 'c': 1}}, {'a': {'c': 1}}),
    ({'a': {'$date': '2026-11-21'}}, {'a': {'$date': '2026-11-22'}},
     {'a': {'$date': '2026-11-22'}})]


def patches(peer: Peer) -> None:
    """PATCH changes some members of an item, and leaves the others."""
    for item, changes, result in PATCHES:
        peer.put('patched', item=item)
        patch(peer, 200, changes)
        expect(f'{item!r} after {changes!r}', result, peer.get('patched'))
    problem(patch(peer, 404, {}, 'absent'))
    problem(patch(peer, 400, {'a': {'$int': 'x'}}))
    problem(patch(peer, 415, {'a': 1}, type='application/json'))


def conditions(peer: Peer) -> None:
    """PATCH has conditions, too."""
    peer.put('patched', item={'a': 1})
    before = peer.position()
    patch(peer, 200, {'a': 2}, condition=f'"{before}"')
    refused(patch(peer, 412, {'a': 3}, condition=f'"{before}"'),
            item={'a': 2})
    patch(peer, 200, {'a': 2}, condition=f'"{before}"')
    change = {'op': 'patch', 'path': [peer.name, 'patched'], 'item': {'b': 3}}
    peer.request('POST', 'batch', json={'changes': [
        {**change, 'unchanged_since': str(peer.position())}]})
    expect('the item', {'a': 2, 'b': 3}, peer.get('patched'))


def patch(
        peer: Peer, status: int, changes: Any, id: str = 'patched', *,
        type: str = 'application/merge-patch+json', condition: str = '',
) -> httpx.Response:
    response = peer.request(
        'PATCH', peer.items(id), None, content=json.dumps(changes).encode(),
        headers={'Content-Type': type} | (
            {'If-Match': condition} if condition else {}))
    if response.status_code == 405:
        if 'PATCH' in response.headers.get('allow', 'PATCH'):
            raise Wrong('405: expected Allow with the methods that there are')
        raise Absent('the server has no PATCH')
    expect('PATCH: the status', status, response.status_code)
    return response


CHECKS = [patches, conditions]
