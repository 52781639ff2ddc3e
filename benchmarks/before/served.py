"""How long a client of ``gset serve`` waits, in microseconds."""

import json
import os
import random
import sys
from pathlib import Path
from statistics import median

from benchmarks.lib.connection import Connection, request
from benchmarks.lib.documents import document
from benchmarks.lib.processes import Process, answers, free_port

ITEMS = 2_000
#: How many requests of each kind are counted, after as many that aren't.
REQUESTS = 150


def waits(connection, message):
    """Return the median wait; a function returns the request of a number."""
    times = [connection.ask(message(number), (200, 201, 304)).last
             for number in range(2 * REQUESTS)]
    return median(times[REQUESTS:]) * 1e6


def since(answer, changes=0, wait=''):
    return (f'/updates?generation={answer["generation"] - changes}'
            f'&epoch={answer["epoch"]}{wait}')


def measured(connection):
    """Return the figures of a server that is empty."""
    connection.ask(request('POST', '/batch', {'changes': [
        {'op': 'put', 'path': [f'{number}'], 'item': document(number)}
        for number in range(ITEMS)]}))
    chance = random.Random(1)
    figures = {'PUT': waits(connection, lambda number: request(
        'PUT', f'/items/{chance.randrange(ITEMS)}', document(number)))}
    answer = connection.ask(request('GET', '/updates')).json()

    def put_and(path):
        """Write, as an answer is kept until then; return a request."""
        nonlocal answer
        connection.ask(request(
            'PUT', f'/items/{chance.randrange(ITEMS)}', document(0)))
        answer['generation'] += 1
        return request('GET', path())

    figures['GET of an item'] = waits(connection, lambda number: request(
        'GET', f'/items/{chance.randrange(ITEMS)}'))
    figures['updates, nothing new'] = waits(
        connection, lambda number: request('GET', since(answer)))
    for changes in 10, 100:
        figures[f'updates, {changes} changes'] = waits(
            connection, lambda number, changes=changes: put_and(
                lambda: since(answer, changes)))
    figures['updates, everything, again'] = waits(
        connection, lambda number: request('GET', '/updates'))
    return figures


def main():
    port = free_port()
    process = Process(
        [sys.executable, '-m', 'zc.generationalset', 'serve', 'data.fs',
         '--port', str(port)], Path.cwd(),
        PYTHONPATH=os.environ['PYTHONPATH'])
    try:
        process.wait_for(lambda: answers(port, request('GET', '/updates')))
        with Connection(port) as connection:
            figures = measured(connection)
    finally:
        process.stop()
    print(json.dumps(figures))


if __name__ == '__main__':
    main()
