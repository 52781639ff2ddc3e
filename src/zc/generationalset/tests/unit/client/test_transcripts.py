"""A client does what the transcripts say; see docs/protocol.txt, Conformance.

Transition 12, a part that is added, and 16, a new token, need more than a
server: unit.server.test_parts and unit.client.test_access have them, and
unit.client.test_writes has 11, the updates of a write.
"""

import json
import re
import unittest
from urllib.parse import parse_qs, urlsplit

from zc.generationalset.client.errors import Lost, Refused
from zc.generationalset.client.replies import Reply
from zc.generationalset.client.watch import Watch
from zc.generationalset.tests.support.places import CHECKOUT, VECTORS
from zc.generationalset.tests.support.scripts import (
    JSON,
    STREAM,
    URL,
    End,
    Script,
    make_session,
)

CASES = json.loads((VECTORS / 'transcripts.json').read_bytes())['cases']
#: Those that other tests have.
ELSEWHERE = {11, 12, 16}


def result(step):
    """Return what a step brings to the client."""
    if 'bytes' in step:
        return step['bytes'].encode()
    if 'event' in step:
        answer = step['event']
        kind, data = ('ask', {}) if answer == 'ask' else ('updates', answer)
        return f'event: {kind}\ndata: {json.dumps(data)}\n\n'.encode()
    response = step['response']
    if response == 'lost':
        return Lost('lost')
    if response.get('stream'):
        return STREAM
    if response['status'] != 200:
        return Reply(response['status'], {})
    text = response.get('text', json.dumps(response.get('answer')))
    return Reply(200, JSON, text.encode())


def nested(entries):
    """Return the items of a set, with its subsets."""
    return dict(
        (entry['id'], nested(entry['contents'])) if isinstance(entry, dict)
        else entry for entry in entries)


class TranscriptTests(unittest.TestCase):

    def test_transcripts(self):
        for case in CASES:
            with self.subTest(case['name']):
                self.play(case)

    def play(self, case):
        session = make_session(0, tuple(map(tuple, case.get('parts', ()))))
        script = Script(*map(result, case['steps']))
        with self.assertRaises((End, Refused)):
            script.run(Watch(session, script.clock).steps())
        self.assertEqual(script.answers, [])
        replica = session.replica
        self.assertEqual(
            (replica.epoch, replica.generation, replica.items),
            (case['epoch'], case['generation'], nested(case['contents'])))
        expected = [step for step in case['steps'] if 'request' in step]
        for step, request in zip(expected, script.requests, strict=False):
            url = urlsplit(request.url.removeprefix(URL))
            self.assertEqual(url.path, step['request'])
            query = {name: value for name, [value]
                     in parse_qs(url.query, keep_blank_values=True).items()}
            self.assertEqual(query, query | step['query'])
            self.assertEqual('generation' in query,
                             'generation' in step['query'])

    def test_all_transitions_are_there(self):
        text = (CHECKOUT / 'docs' / 'protocol.txt').read_text('utf-8')
        [table] = re.findall(
            r'^No\. .*?\n=[= ]+\n(.*?)\n=[= ]+$', text, re.M | re.S)
        numbers = {int(number) for number in re.findall(
            r'^([0-9]+) ', table, re.M)}
        self.assertEqual(numbers, set(range(1, 19)))
        self.assertEqual(
            numbers - ELSEWHERE,
            {number for case in CASES for number in case['transitions']})
