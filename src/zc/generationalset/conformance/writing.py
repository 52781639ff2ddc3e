"""Checks of writes, items and problems."""

from __future__ import annotations

import json
from typing import Any

from zc.generationalset.conformance.peer import (
    Peer,
    Wrong,
    document,
    expect,
    params,
    problem,
    read,
)
from zc.generationalset.conformance.reading import at, held, synced

ITEMS: list[Any] = [
    None, True, '', 'Zoë', 0.5, -1, [], {}, [1, [2]], {'a': {'b': None}},
    {'$int': '9007199254740993'}, {'$float': 'nan'}, {'$bytes': 'AAEC'},
    {'$decimal': '12.50'}, {'$date': '2026-11-21'}, {'$tuple': [1, 'a']},
    {'$set': ['a', 'b']}, {'$map': [[1, 'a']]}, {'$object': {'$x': 5}}]
MALFORMED: list[Any] = [
    {'$int': 'x'}, {'$unknown': 1}, {'$bytes': '?'}, {'$unreadable': 'x'},
    [{'$date': 'x'}]]
IDS: list[Any] = ['i', 'a/b', '', '..', '~x', 'ü', '%', 42]


def items(peer: Peer) -> None:
    """Items come back as they were written."""
    for item in ITEMS:
        peer.put('v', item=item)
        expect('GET of an item', item, peer.request(
            'GET', peer.items('v')).json())
    expect('GET of a set, its id', peer.name, peer.request(
        'GET', f'{peer.items()}/').json().get('id'))


def malformed(peer: Peer) -> None:
    """Malformed values are refused, and nothing is written."""
    peer.put('v', item='was')
    for item in MALFORMED:
        problem(peer.request('PUT', peer.items('v'), 400, **document(item)))
    for text in b'', b'{', b'[1,]', b'{"a":1,"a":2}', b'\xff':
        response = peer.request(
            'PUT', peer.items('v'), None, content=text,
            headers={'Content-Type': 'application/json'})
        if response.status_code not in (400, 415):
            raise Wrong(f'PUT of {text!r}: expected 400, got {response}')
    expect('the item', 'was', peer.request('GET', peer.items('v')).json())
    problem(peer.request('PUT', peer.items('v'), 415, content=b'1',
                         headers={'Content-Type': 'text/plain'}))


def ids(peer: Peer) -> None:
    """Ids in paths."""
    for id in IDS:
        name = 'numbers' if isinstance(id, int) else 'texts'
        peer.make_set(name)
        peer.put(name, id, item=repr(id))
        replica = synced(peer)
        expect(f'the item with the id {id!r}', repr(id),
               held(replica, peer.name)[name].get(id))


def statuses(peer: Peer) -> None:
    """The statuses of writes."""
    peer.make_set('s')
    peer.put('new', status=201)
    peer.put('new', status=200)
    peer.request('PUT', f'{peer.items("s")}/', 200)
    peer.remove('new')
    for method, path, status in [
            ('GET', peer.items('new'), 404),
            ('DELETE', peer.items('new'), 404),
            ('PUT', peer.items('absent', 'x'), 404),
            ('PUT', peer.items('s'), 409), ('DELETE', peer.items('s'), 409)]:
        body = document(1) if method == 'PUT' else {}
        problem(peer.request(method, path, status, **body))


def own_updates(peer: Peer) -> None:
    """The response to a write has what is new for the client."""
    replica = synced(peer)
    peer.put('other', item='of another client')
    response = peer.request(
        'PUT', peer.items('mine'), 201, json='mine', params=params(
            at(replica), {}))
    replica.apply(read(json.dumps(response.json()['updates'])))
    expect('the own item', 'mine', held(replica, peer.name).get('mine'))
    expect('the other item', 'of another client',
           held(replica, peer.name).get('other'))
    id = peer.request('POST', f'{peer.items()}/', 201, json='new').json()['id']
    expect('POST: the item', 'new', peer.request(
        'GET', peer.items(id)).json())


def batches(peer: Peer) -> None:
    """A batch is made as a whole, or not at all."""
    put = {'op': 'put', 'path': [peer.name, 'x'], 'item': 'batch'}
    add = {'op': 'add', 'path': [peer.name], 'item': 'added'}
    gone = {'op': 'remove', 'path': [peer.name, 'x']}
    wrong = {'op': 'put', 'path': [peer.name, 'absent', 'x'], 'item': 1}
    response = peer.request('POST', 'batch', 404, json={
        'changes': [put, wrong]})
    problem(response)
    expect('change', 1, response.json().get('change'))
    peer.request('GET', peer.items('x'), 404)
    made = peer.request('POST', 'batch', json={'changes': [put, add]}).json()
    expect('the first id', 'x', made['ids'][0])
    expect('the item', 'added', peer.request(
        'GET', peer.items(made['ids'][1])).json())
    for _ in range(2):  # what is gone already is no error
        peer.request('POST', 'batch', json={'changes': [put, gone]})
        peer.request('POST', 'batch', json={'changes': [gone]})


CHECKS = [items, malformed, ids, statuses, own_updates, batches]
