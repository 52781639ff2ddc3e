"""The server's description says what its event streams are."""

import json

from zc.generationalset.client.eventstream import EventStream
from zc.generationalset.documents import Document
from zc.generationalset.tests.support.description import (
    operations,
    schema_named,
    validator,
)
from zc.generationalset.tests.support.serving import Served


class EventsTests(Served):
    """What the description says of event streams.

    They have no end, so tools that generate requests can't test them.
    """

    def first_event(self, **request):
        with self.http.stream('GET', '/events', **request) as response:
            stream = EventStream(10 ** 6)
            for piece in response.iter_raw():
                for event in stream.feed(piece):
                    return event
        return None

    def test_answers(self):
        self.put('ann', {'name': 'Ann'})
        epoch = self.epoch()
        for request in [
                {}, {'params': {'generation': 1, 'epoch': epoch}},
                {'params': {'generation': 1}},
                {'headers': {'Last-Event-ID': f'{epoch}:1'}},
                {'headers': {'Last-Event-ID': ''}},
                {'headers': {'Last-Event-ID': ':1'}},
                {'headers': {'Last-Event-ID': f'{"x" * 200}:{2 ** 53 - 1}'}}]:
            with self.subTest(**request):
                event = self.first_event(**request)
                self.assertEqual(event.type, 'updates')
                schema_named('Answer').validate(json.loads(event.data))

    def test_last_event_id(self):
        parameter, = [
            parameter for operation in operations()
            for parameter in operation.parameters
            if parameter['name'] == 'Last-Event-ID']
        is_valid = validator(parameter['schema']).is_valid
        for text in 'x', '1', 'x:', 'x:y', 'x:-1', f'{"x" * 201}:1':
            self.assertFalse(is_valid(text))
            response = self.http.get('/events', headers={
                'Last-Event-ID': text})
            self.refused(400, response)

    def test_ask(self):
        with self.changing() as things:
            for number in range(2000):
                things.add(Document(number, 'x' * 100))
        self.assertEqual(self.first_event(), ('ask', b'{}'))
