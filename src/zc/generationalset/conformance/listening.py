"""Checks of event streams and long polls."""

from __future__ import annotations

import json
import threading
import time

from zc.generationalset.answers import covers
from zc.generationalset.conformance.peer import Peer, Wrong, expect, updates
from zc.generationalset.conformance.reading import at, held, synced


def stream(peer: Peer) -> None:
    """An event stream brings each change."""
    replica = synced(peer)
    peer.put('e', item=0)
    with peer.events(at(replica)) as events:
        for number in range(3):
            while held(replica, peer.name).get('e') != number:
                answer = updates(events)
                expect('an event: since', replica.generation, answer['since'])
                replica.apply(answer)
            peer.put('e', item=number + 1)


def resumed(peer: Peer) -> None:
    """Last-Event-ID has precedence over the query."""
    replica = synced(peer)
    peer.put('e', item='later')
    with peer.events(
            at(replica)._replace(generation=1),
            {'Last-Event-ID': str(at(replica))}) as events:
        answer = updates(events)
    expect('an event: since', replica.generation, answer['since'])


def siblings(peer: Peer) -> None:
    """A stream of parts says nothing of siblings."""
    peer.make_set('p')
    parts = json.dumps([[peer.name, 'p']])
    replica = synced(peer)
    with peer.events(at(replica), parts=parts) as events:
        for number in range(3):
            peer.put('e', item=number)
        peer.put('p', 'x', item='of the part')
        answer = updates(events)
    [part] = answer['parts']
    expect('an event: what changed', [('x', 'of the part')],
           list(part.get('adds', part.get('contents', []))))
    if not answer['since'] <= replica.generation <= answer['generation']:
        raise Wrong(f'expected an event that fits, got {answer!r}')


def long_poll(peer: Peer) -> None:
    """A long poll waits for a change."""
    replica = synced(peer)
    began = time.monotonic()
    peer.ask(at(replica), wait='1')
    if time.monotonic() - began < .5:
        raise Wrong('wait=1: expected an answer after a second, got one at '
                    'once')
    write = threading.Timer(.5, lambda: peer.put('e', item='polled'))
    write.start()
    answer = peer.ask(at(replica), wait='15')
    write.join()
    if covers(at(replica), answer):
        raise Wrong(f'wait=15: expected what changed, got {answer!r}')


CHECKS = [stream, resumed, siblings, long_poll]
