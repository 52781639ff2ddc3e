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
        events, event = [], {}
        for line in list(self.lines):
            if not line:
                if event:
                    events.append((event.get('id'), event['event'],
                                   json.loads(event['data'])))
                event = {}
            elif not line.startswith(':'):
                name, _, value = line.partition(': ')
                event[name] = value
        return events

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
