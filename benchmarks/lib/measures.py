"""The measurements of a server, by one client or a few.

Figures are seconds, bytes of bodies, or things a second.  Answers are checked,
too: a server that answers wrongly has no figures.
"""

import itertools
import random
import selectors
import socket
import time
from collections import deque
from statistics import median

from benchmarks.lib.connection import END, HOST, Connection, parse_head
from benchmarks.lib.documents import document, documents, item_id
from benchmarks.lib.processes import Failed
from benchmarks.lib.servers import load

#: The numbers of changes in the small delta, and in the large one.
FEW, MANY = 10, 1000


def expect(what, expected, got):
    if expected != got:
        raise Failed(f'{what}: expected {expected}, got {got}')


class Collection:
    """A filled collection of a running server, and a client of it."""

    def __init__(self, server, count, repeats):
        self._server = server
        self._count = count
        self._repeats = repeats
        self._client = server.dialect()
        order = list(range(count))
        random.Random(1).shuffle(order)
        self._order = itertools.cycle(order)
        self._versions = itertools.count(1)
        # Tokens of the past, FEW changes from each to the next.
        self._tokens = deque(maxlen=MANY // FEW)

    def fill(self):
        """Put the documents in, and make MANY changes, which clients miss."""
        with Connection(self._server.port) as connection:
            self._server.fill(self._client, connection, self._count)
            self._ask(connection, self._client.everything(), self._count)
            while len(self._tokens) < MANY // FEW:
                self._small_delta(connection)

    def measure(self):
        """Return the figures of one round."""
        # A new connection, since some servers close those that rest.
        with Connection(self._server.port) as connection:
            for _ in range(3):
                self._small_delta(connection)
            return {**self._deltas(connection), **self._polls(connection),
                    **self._copies(connection)}

    def _change(self, connection):
        """Make FEW changes, and nothing else; return their seconds."""
        times = []
        for number in itertools.islice(self._order, FEW):
            message = self._client.put(
                item_id(number), document(number, next(self._versions)))
            response = connection.ask(message)
            times.append(response.last)
            self._client.learn(response)
        return times

    def _ask(self, connection, message, count):
        """Get the first answer after changes; keep its token."""
        response = connection.ask(message)
        expect('items', count, self._client.count(response))
        self._tokens.append(self._client.token(response))
        return response

    def _small_delta(self, connection):
        times = self._change(connection)
        message = self._client.changes(self._tokens[-1])
        return times, self._ask(connection, message, FEW), message

    def _deltas(self, connection):
        updates, few, again, many, many_again = [], [], [], [], []
        for _ in range(self._repeats['few']):
            times, response, message = self._small_delta(connection)
            updates += times
            few.append(response)
            again += [connection.ask(message) for _ in range(3)]
        for _ in range(self._repeats['many']):
            updates += self._change(connection)
            message = self._client.changes(self._tokens[0])
            many.append(self._ask(connection, message, MANY))
            many_again.append(connection.ask(message))
        return {'update': median(updates), 'few': _time(few),
                'few_again': _time(again), 'few_bytes': _size(few),
                'many': _time(many), 'many_again': _time(many_again),
                'many_bytes': _size(many)}

    def _polls(self, connection):
        message = self._client.poll(connection, self._tokens[-1])
        responses = [connection.ask(message, expected=(304,))
                     for _ in range(self._repeats['polls'])]
        return {'poll': _time(responses),
                'poll_rate': rate(self._server.port, message, 304,
                                  self._repeats['seconds'])}

    def _copies(self, connection):
        responses = []
        for _ in range(self._repeats['copies']):
            self._change(connection)
            responses.append(self._ask(
                connection, self._client.everything(), self._count))
        return {'copy': _time(responses), 'copy_bytes': _size(responses),
                'copy_first': median(response.first
                                     for response in responses)}


def _time(responses):
    return median(response.last for response in responses)


def _size(responses):
    return median(len(response.body) for response in responses)


def hello(server, repeats):
    """Return the figures of a server that says hello."""
    message = server.dialect.hello()
    with Connection(server.port) as connection:
        responses = [connection.ask(message)
                     for _ in range(repeats['polls'] + 50)]
    return {'poll': _time(responses[50:]),
            'poll_rate': rate(server.port, message, 200,
                              repeats['seconds'])}


def bulk(server, count, seconds):
    """Load ``count`` documents, or as many as fit into a time."""
    client = server.dialect()
    pairs = documents(count)
    with Connection(server.port) as connection:
        # The first request of all isn't counted.
        load(client, connection, documents(client.batch, count))
        start = time.perf_counter()
        done, now = 0, start
        while done < count and now < start + seconds:
            part = pairs[done:done + client.batch]
            load(client, connection, part)
            done += len(part)
            now = time.perf_counter()
    return {'bulk': done / (now - start)}


def churn(server, cycles, count, step=100):
    """Create and delete documents again and again; return bytes."""
    client = server.dialect()
    with Connection(server.port) as connection:
        load(client, connection, documents(count))
        before = connection.ask(client.everything())
        token = client.token(before)
        for start in range(count, count + cycles, step):
            pairs = documents(step, start)
            load(client, connection, pairs)
            response = connection.ask(client.remove([id for id, _ in pairs]))
            expect('removed', True, client.all_right(response))
            client.learn(response)
        new = connection.ask(client.everything())
        behind = connection.ask(client.changes(token))
        token = client.token(new)
        current = connection.ask(client.changes(token))
    return {'new_before_bytes': len(before.body),
            'new_bytes': len(new.body), 'new': new.last,
            'behind_bytes': len(behind.body), 'behind': behind.last,
            'current_bytes': len(current.body), 'current': current.last}


def mixed(server, count, changed=900, removed=100):
    """Miss changes and removals; return the bytes and the time to hear of
    them."""
    client = server.dialect()
    with Connection(server.port) as connection:
        load(client, connection, documents(count))
        token = client.token(connection.ask(client.everything()))
        ids = [item_id(number) for number in range(changed + removed)]
        random.Random(2).shuffle(ids)
        gone, kept = ids[:removed], ids[removed:]
        load(client, connection, [
            (id, document(number, 1)) for number, id in enumerate(kept)])
        response = connection.ask(client.remove(gone))
        expect('removed', True, client.all_right(response))
        client.learn(response)
        missed = connection.ask(client.changes(token))
    return {'mixed_bytes': len(missed.body), 'mixed': missed.last}


def cut(server, count, piece=2 ** 20):
    """Copy all, page by page, as if connections ended after some bytes.

    A page that doesn't fit any more counts as far as it would have come, and
    is asked for again.  But it is read to its end, so the time is a little too
    long.  Return the bytes, and the time.
    """
    client = server.dialect()
    with Connection(server.port) as connection:
        load(client, connection, documents(count))
    start = time.perf_counter()
    came = found = 0
    message = client.page()
    while message is not None:
        left = piece
        with Connection(server.port) as connection:
            while message is not None and left > 0:
                response = connection.ask(message)
                if len(response.body) > left:  # the rest would be lost
                    came += left
                    break
                left -= len(response.body)
                came += len(response.body)
                found += client.count(response)
                message = client.page(response)
    expect('copied', count, found)
    return {'cut_bytes': came, 'cut': time.perf_counter() - start}


def rate(port, message, status, seconds, connections=8):
    """Return how many requests a second are answered.

    Each of the connections asks again as soon as it has its answer.
    """
    selector = selectors.DefaultSelector()
    for _ in range(connections):
        asker = socket.create_connection((HOST, port))
        asker.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        asker.sendall(message)
        selector.register(asker, selectors.EVENT_READ)
    start = time.perf_counter()
    done, now = 0, start
    while now < start + seconds:
        for key, _ in selector.select():
            _finish(key.fileobj, status)
            key.fileobj.sendall(message)
            done += 1
        now = time.perf_counter()
    for key in list(selector.get_map().values()):
        key.fileobj.close()
    selector.close()
    return done / (now - start)


def _finish(asker, status):
    """Read a small response to its end."""
    data = asker.recv(65536)
    while END not in data:
        more = asker.recv(65536)
        if not more:
            raise Failed('the server has closed a kept connection')
        data += more
    head, _, rest = data.partition(END)
    got, headers = parse_head(head)
    expect('status', status, got)
    missing = 0 if got == 304 else int(headers['content-length'])
    while len(rest) < missing:
        rest += asker.recv(65536)
