"""A process that writes at random through a server.

Its arguments are the URL, a seed, and the number of writes.  It goes on while
the server is away, and in the end prints what it has.
"""

import json
import random
import sys

from zc.generationalset import wire
from zc.generationalset.client import (
    Client,
    MaybeWritten,
    Refused,
    Unavailable,
)

IDS = [f'item {number}' for number in range(15)]
SETS = [(), ('a',), ('b',), ('a', 'deep')]


def change(random, number):
    """Return a change as Client.batch takes it."""
    path = (*random.choice(SETS), random.choice(IDS))
    if random.random() < .35:
        return 'remove', path
    return 'put', path, {'n': number, 'text': 'x' * random.randrange(200)}


def write(client, random, number):
    kind = random.random()
    if kind < .1:
        client.add(random.choice(SETS), {'n': number})
    elif kind < .2:
        client.batch([change(random, number) for _ in range(5)])
    elif kind < .25:
        client.remove_set(random.choice(SETS[1:]), missing_ok=True)
    elif kind < .4:
        client.make_set(random.choice(SETS[1:]))
    elif kind < .5:
        client.sync()
    else:
        op, *rest = change(random, number)
        if op == 'put':
            client.put(*rest)
        else:
            client.remove(*rest, missing_ok=True)


def main(url, seed, count):
    source = random.Random(int(seed))
    with Client(url) as client:
        for number in range(int(count)):
            try:
                write(client, source, number)
            except (MaybeWritten, Unavailable, Refused) as error:
                if isinstance(error, Refused) and error.status not in (
                        404, 409):
                    raise
        print('written', flush=True)
        sys.stdin.readline()
        while True:
            try:
                client.sync()
            except Unavailable:
                continue
            break
        print(json.dumps([client.replica.generation, wire.plain(
            client.replica.items)]))


if __name__ == '__main__':
    main(*sys.argv[1:])
