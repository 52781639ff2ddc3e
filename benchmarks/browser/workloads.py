"""The measurements in windows.

Times are seconds; bytes are those that pass a front, headers included.
"""

import json
import math
import random
import time
from statistics import median

from benchmarks.lib.connection import Connection, request
from benchmarks.lib.documents import document, item_id
from benchmarks.lib.measures import expect
from benchmarks.lib.processes import Failed

#: How many documents PouchDB gets at once in a first copy.  With its default
#: of 100, that takes several times as long.
QUERY = '?batch=1000'
#: A start that received more bytes wasn't from the store.
LITTLE = 10_000
#: Seconds until windows and server must be equal.
CONVERGENCE = 120
#: Writes before those that are measured.
WARMING = 5


def fill(server, count):
    """Put documents into a server."""
    with Connection(server.port) as connection:
        server.fill(server.dialect(), connection, count)


def pair(number, mark):
    return item_id(number), document(number, mark=mark)


class Appearance:
    """Writes in one window, and when they are visible in both."""

    def __init__(self, windows, server, settings):
        self._windows = windows
        self._server = server
        self._settings = settings

    def measure(self):
        fill(self._server, self._settings['documents'])
        figures = {}
        for where, other in ('windows', 1), ('tabs', 0):
            front = self._windows.front(self._server)
            with (self._open(front, 0) as one,
                  self._open(front, other) as two):
                figures |= self._figures(where, [one, two])
        return figures

    def _open(self, front, browser):
        return self._windows.open(front, self._server.name, browser)

    def _figures(self, where, pages):
        for page in pages:
            page.ask('current')
            page.ask('show')
        self._one_by_one(pages, self._pairs(f'{where} warm', WARMING))
        single = self._pairs(f'{where} single', self._settings['single'])
        self._one_by_one(pages, single)
        paced = self._pairs(f'{where} paced', self._settings['paced'])
        self._paced(pages, paced)
        times = [page.ask('times') for page in pages]
        return {**self._told(where, single, times),
                **self._told(f'{where}_paced', paced, times)}

    def _pairs(self, kind, count):
        # All documents differ, because putting an equal one is no change.
        return [pair(number % self._settings['documents'], f'{kind} {number}')
                for number in range(count)]

    def _one_by_one(self, pages, pairs):
        """Write in turns, each time after the last write is visible."""
        for number, (id, item) in enumerate(pairs):
            pages[number % 2].ask('write', [id, item])
            for page in pages:
                page.ask('seen', [item['mark']])

    def _paced(self, pages, pairs):
        """Write in turns, without waiting."""
        step = 1000 / self._settings['rate']
        start = pages[0].ask('now') + 500
        for turn, page in enumerate(pages):
            page.ask('startPace', pairs[turn::2], start + turn * step,
                     2 * step)
        for page in pages:
            page.ask('paced')
        for page in pages:
            page.ask('seen', [item['mark'] for _, item in pairs])

    def _told(self, where, pairs, times):
        figures = {'other': [], 'own': [], 'done': []}
        for number, (_, item) in enumerate(pairs):
            mark = item['mark']
            own, other = times[number % 2], times[1 - number % 2]
            start = own['started'][mark]
            figures['done'].append(own['done'][mark] - start)
            figures['own'].append(own['seen'][mark] - start)
            figures['other'].append(other['seen'][mark] - start)
        return {f'{where}_{what}_{name}': function(numbers) / 1000
                for what, numbers in figures.items()
                for name, function in (('median', median), ('most', most))}


def most(numbers):
    """Return what 99 % of the numbers don't exceed."""
    return sorted(numbers)[math.ceil(len(numbers) * 0.99) - 1]


class Stored:
    """A browser that has stored what a server has."""

    def __init__(self, windows, server, count):
        self._windows = windows
        self._count = count
        self._name = server.name
        fill(server, count)
        self._front = windows.front(server)
        with self._open() as window:
            window.ask('usable', count)
            # A window that closes stores nothing any more.
            self._wait_until_stored()

    def _open(self):
        return self._windows.open(self._front, self._name, query=QUERY)

    def _wait_until_stored(self):
        end = time.monotonic() + CONVERGENCE
        while self._start()[1] > LITTLE:
            if time.monotonic() > end:
                raise Failed(f'not stored in {CONVERGENCE} seconds')

    def measure(self):
        self._front.up = False
        try:
            with self._open() as window:
                offline = window.ask('usable', self._count) / 1000
        finally:
            self._front.up = True
        figures, received = self._start()
        if received > LITTLE:
            raise Failed(f'{received} bytes came, at most {LITTLE} expected')
        return {**figures, 'offline': offline}

    def _start(self):
        """Start with a server; return the figures and the bytes received."""
        _, before = self._front.settled()
        with self._open() as window:
            figures = {
                'online': window.ask('usable', self._count) / 1000,
                'current': window.ask('current') / 1000}
            _, after = self._front.settled()
        return figures, after - before


class First:
    """Browsers that have nothing stored."""

    def __init__(self, windows, server, count):
        self._windows = windows
        self._server = server
        self._count = count
        fill(server, count)

    def measure(self):
        front = self._windows.front(self._server)
        name = self._server.name
        with self._windows.open(front, name, query=QUERY) as window:
            seconds = window.ask('usable', self._count) / 1000
            window.ask('current')
            sent, received = front.settled()
        return {'time': seconds, 'sent': sent, 'received': received}


class Work:
    """Two windows that write to the same documents, as fast as they can.

    query
        What to add to the addresses of the windows.
    """

    def __init__(self, windows, server, settings, seed, query=''):
        self._windows = windows
        self._query = query
        self._server = server
        self._settings = settings
        self._random = random.Random(seed)

    def measure(self):
        fill(self._server, self._settings['documents'])
        front = self._windows.front(self._server)
        name = self._server.name
        with (self._windows.open(front, name, 0, self._query) as one,
              self._windows.open(front, name, 1, self._query) as two):
            pages = [one, two]
            for page in pages:
                page.ask('current')
                page.ask('show')
            sent, received = front.settled()
            figures = self._work(pages)
            all_sent, all_received = front.settled()
            return {**figures, 'sent': all_sent - sent,
                    'received': all_received - received}

    def _work(self, pages):
        for number, page in enumerate(pages):
            page.ask('startWork', self._pairs(number))
        worked = [page.ask('worked') for page in pages]
        start = min(times['start'] for times in worked)
        end = max(times['end'] for times in worked)
        state = self._converge(pages)
        last = max(end, *(page.ask('last') for page in pages))
        return {'work': (end - start) / 1000,
                'converged': (last - start) / 1000,
                'conflicts': sum(bool(item.get('_conflicts'))
                                 for item in state.values())}

    def _pairs(self, window):
        """Return ids with items to put, or without items, to remove."""
        pairs = []
        for version in range(self._settings['writes']):
            number = self._random.randrange(self._settings['documents'])
            removes = self._random.random() < self._settings['removals']
            pairs.append((item_id(number), None if removes else document(
                number, version, f'{window} {version}')))
        return pairs

    def _converge(self, pages):
        """Return the state that windows and server have in the end."""
        end = time.monotonic() + CONVERGENCE
        while True:
            states = [server_state(self._server),
                      *(page.ask('state') for page in pages)]
            # Revisions and conflicts included, if there are any.
            texts = {json.dumps(state, sort_keys=True) for state in states}
            if len(texts) == 1:
                return states[0]
            if time.monotonic() > end:
                raise Failed(f'not equal in {CONVERGENCE} seconds')
            time.sleep(0.1)


def server_state(server):
    """Return what a server has, as windows tell it."""
    with Connection(server.port) as connection:
        if server.name == 'this':
            answer = connection.ask(server.dialect().everything()).json()
            expect('removals', None, answer.get('removals'))
            return dict(answer['contents'])
        rows = connection.ask(request(
            'GET', '/things/_all_docs?include_docs=true&conflicts=true'))
        return {row['id']: row['doc'] for row in rows.json()['rows']}
