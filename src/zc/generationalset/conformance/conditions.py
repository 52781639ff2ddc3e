"""Checks of conditions."""

from __future__ import annotations

from typing import Any

from zc.generationalset.answers import Position
from zc.generationalset.conformance.peer import (
    Peer,
    document,
    expect,
    problem,
    refused,
)


def conditions(peer: Peer) -> None:
    """A write is made only if nobody has changed the item since."""
    peer.put('c', item='old')
    before = peer.position()
    peer.put('sibling', item=str(before))
    write(peer, 200, 'c', 'mine', before)
    now = peer.position()
    for wrong in before, now._replace(epoch='another'), now._replace(
            generation=now.generation + 1000):
        refused(write(peer, 412, 'c', 'lost', wrong), item='mine')
    refused(write(peer, 412, 'c', 'lost', now, weak='W/'), item='mine')
    write(peer, 200, 'c', 'mine', before)  # this changes nothing
    write(peer, 412, 'c', None, before)
    expect('the item', 'mine', peer.get('c'))
    tag = peer.request('GET', peer.items('c')).headers.get('etag')
    peer.request('DELETE', peer.items('c'), headers={'If-Match': f'{tag}'})
    refused(write(peer, 412, 'c', 'again', before))


def absence(peer: Peer) -> None:
    """Conditions say that there is something, or nothing."""
    before = peer.position()
    write(peer, 201, 'n', 1, before)
    refused(write(peer, 412, 'n', 2, before), item=1)
    refused(write(peer, 412, 'n', 2, Position('', 0)), item=1)
    for header, id, status in [
            ('If-None-Match', 'n', 412), ('If-None-Match', 'm', 201),
            ('If-Match', 'o', 412), ('If-Match', 'n', 200)]:
        body = document(3)
        body['headers'][header] = '*'
        peer.request('PUT', peer.items(id), status, **body)


def in_sets(peer: Peer) -> None:
    """A set has changed if anything in it has, or if it is another one."""
    peer.make_set('set')
    peer.put('set', 'x', item=1)
    before = peer.position()
    peer.put('set', 'y', item=1)
    peer.request('DELETE', f'{peer.items("set")}/', 412, headers={
        'If-Match': f'"{before}"'})
    write(peer, 200, ('set', 'x'), 2, before)
    before = peer.position()
    peer.remove('set', end='/')
    peer.make_set('set')
    refused(write(peer, 412, ('set', 'x'), 3, before))


def in_batches(peer: Peer) -> None:
    """If a condition in a batch doesn't hold, nothing is written."""
    peer.put('b', item='old')
    before = peer.position()
    peer.put('b', item='new')
    put = {'op': 'put', 'path': [peer.name, 'a'], 'item': str(before)}
    late = {'op': 'put', 'path': [peer.name, 'b'], 'item': 'lost',
            'unchanged_since': str(before)}
    refused(peer.request('POST', 'batch', 412, json={
        'changes': [put, late]}), item='new', change=1)
    problem(peer.request('POST', 'batch', 400, json={
        'changes': [{**put, 'unknown': 1}]}))
    problem(peer.request('POST', 'batch', 400, json={'changes': [put]},
                         headers={'If-Match': f'"{before}"'}))
    late['unchanged_since'] = str(peer.position())
    first = {**late, 'item': 'first'}
    peer.request('POST', 'batch', json={'changes': [first, late]})
    expect('the item', 'lost', peer.get('b'))


def write(
        peer: Peer, status: int, path: Any, item: Any, since: Position,
        *, weak: str = '') -> Any:
    """PUT an item, or DELETE it if it is None, with If-Match."""
    body = {'headers': {}} if item is None else document(item)
    body['headers']['If-Match'] = f'{weak}"{since}"'
    path = path if isinstance(path, tuple) else (path,)
    return peer.request('DELETE' if item is None else 'PUT',
                        peer.items(*path), status, **body)


CHECKS = [conditions, absence, in_sets, in_batches]
