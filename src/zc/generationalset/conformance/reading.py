"""Checks of ``GET /updates``, and of parts."""

from __future__ import annotations

import json
import random
from typing import Any

from zc.generationalset.answers import NOTHING, Position
from zc.generationalset.conformance.peer import Peer, Wrong, expect, problem
from zc.generationalset.replica import Replica


def first_answer(peer: Peer) -> None:
    """A first answer has everything."""
    peer.put('a', item={'name': 'Ann'})
    answer = peer.ask()
    if 'contents' not in answer:
        raise Wrong(f'expected contents, got {list(answer)}')
    replica = Replica()
    replica.apply(answer)
    expect('the contents', {'a': {'name': 'Ann'}}, held(replica, peer.name))


def what_changed(peer: Peer) -> None:
    """A later answer has what changed."""
    peer.put('b')
    replica = synced(peer)
    peer.put('a', item=2)
    peer.remove('b')
    peer.put('c', item=3)
    answer = peer.ask(at(replica))
    replica.apply(answer)
    expect('the contents', {'a': 2, 'c': 3}, held(replica, peer.name))


def nothing_changed(peer: Peer) -> None:
    """Nothing changed: the answer says so, or is 304."""
    position = peer.position()
    answer = peer.ask(position)
    if answer['generation'] == position.generation:
        expect('the members', {'epoch', 'since', 'generation'}, set(answer))
        query = {'generation': position.generation, 'epoch': position.epoch}
        peer.request('GET', 'updates', 304, params=query,
                     headers={'If-None-Match': position.etag})
        peer.request('GET', 'updates', 200,
                     headers={'If-None-Match': position.etag})


def another_epoch(peer: Peer) -> None:
    """A client of another epoch starts over."""
    generation = peer.position().generation
    answer = peer.ask(Position('another', generation))
    expect('reset', 'epoch', answer.get('reset'))
    expect('since_epoch', 'another', answer.get('since_epoch'))
    answer = peer.ask(Position(answer['epoch'], generation + 1000))
    expect('reset', 'ahead', answer.get('reset'))


def bad_questions(peer: Peer) -> None:
    """Malformed questions are refused."""
    for query in [{'generation': 'x'}, {'generation': '-1'},
                  {'generation': '9007199254740992'}, {'wait': 'x'}]:
        problem(peer.request('GET', 'updates', 400, params=query))


def any_history(peer: Peer) -> None:
    """Clients from any generation have the same in the end."""
    chance = random.Random(1)  # noqa: S311, always the same
    replicas = [synced(peer)]
    peer.make_set('sub')
    for number in range(40):
        place = ['sub'] if chance.random() < .4 else []
        id = f'i{chance.randrange(6)}'
        if chance.random() < .3:
            peer.request('DELETE', peer.items(*place, id), None)
        elif chance.random() < .1:
            peer.request('DELETE', f'{peer.items("sub")}/', None)
            peer.make_set('sub')
        else:
            peer.put(*place, id, item=number)
        new = synced(peer)
        for replica in chance.sample(replicas, len(replicas) // 3):
            replica.apply(peer.ask(at(replica)))
            expect(f'the contents after change {number}',
                   held(new, peer.name), held(replica, peer.name))
        replicas.append(new)


def parts(peer: Peer) -> None:
    """Parts: answers repeat them, and say what changed in each."""
    peer.make_set('p')
    peer.put('p', 'x')
    paths = [[peer.name, 'p'], [peer.name, 'no', 'way']]
    query = {'parts': json.dumps(paths)}
    replica = Replica()
    replica.apply(peer.ask(NOTHING, **query))
    expect('the contents', {'p': {'x': 1}, 'no': {'way': {}}},
           held(replica, peer.name))
    peer.put('a', item='sibling')
    answer = peer.ask(at(replica), **query)
    expect('the members of parts in which nothing changed',
           [{'path'}, {'path'}], [set(part) for part in answer['parts']])
    peer.put('p', 'y')
    peer.make_set('no')
    peer.make_set('no', 'way')
    peer.put('no', 'way', 'z')
    replica.apply(peer.ask(at(replica), **query))
    expect('the contents', {'p': {'x': 1, 'y': 1}, 'no': {'way': {'z': 1}}},
           held(replica, peer.name))
    peer.remove('p', end='/')
    replica.apply(peer.ask(at(replica), **query))
    expect('the contents', {'p': {}, 'no': {'way': {'z': 1}}},
           held(replica, peer.name))
    answer = peer.ask(Position('another', 3), **query)
    expect('reset', 'epoch', answer.get('reset'))


def bad_parts(peer: Peer) -> None:
    """Parts that are too many, the same, or within each other are refused."""
    for paths in [[], [['a'], ['a']], [['a'], ['a', 'b']], [[]],
                  [[str(number)] for number in range(101)], 'a', ['a']]:
        problem(peer.request('GET', 'updates', 400, params={
            'parts': json.dumps(paths)}))


def synced(peer: Peer) -> Replica:
    replica = Replica()
    replica.apply(peer.ask())
    return replica


def at(replica: Replica) -> Position:
    return Position(replica.epoch, replica.generation)


def held(replica: Replica, name: str) -> Any:
    return replica.items.get(name)


CHECKS = [first_answer, what_changed, nothing_changed, another_epoch,
          bad_questions, any_history, parts, bad_parts]
