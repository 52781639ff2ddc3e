"""Streams of events, as a client sees them."""

import json
import threading

from zope.testing.wait import Wait

from zc.generationalset.tests.support.serving import wait


class Stream:
    """An event stream, read in a thread."""

    def __init__(
            self, http, generation=0, epoch=None, *, parts=None, **headers):
        params = {
            'generation': generation, 'epoch': epoch,
            'parts': None if parts is None else json.dumps(parts)}
        self.lines = []
        self._events = []
        self._parsed = 0
        self.ended = False
        self.error = None
        self._response = http.stream('GET', '/events', params={
            name: value for name, value in params.items()
            if value is not None}, headers={
                name.replace('_', '-'): value
                for name, value in headers.items()})
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        try:
            with self._response as response:
                self.response = response
                for line in response.iter_lines():
                    self.lines.append(line)
        except Exception as error:
            self.error = error
        self.ended = True

    def events(self):
        """Return the events that came: id, name, data."""
        event, parsed = {}, 0
        for number, line in enumerate(self.lines[self._parsed:], 1):
            if not line:
                if event:
                    self._events.append((event.get('id'), event['event'],
                                         json.loads(event['data'])))
                event = {}
                parsed = number
            elif not line.startswith(':'):
                name, _, value = line.partition(': ')
                event[name] = value
        self._parsed += parsed
        return list(self._events)

    def comments(self):
        return self.lines.count(':')

    def wait_for(self, generation):
        try:
            wait(lambda: any(data.get('generation') == generation
                             for _, _, data in self.events()))
        except Wait.TimeOutWaitingFor:
            raise AssertionError(
                f'expected an event of generation {generation}, got '
                f'{self.events()}, ended: {self.ended}, {self.error!r}'
            ) from None
