"""A scripted network, for tests of the protocol without sockets."""

import json

from zc.generationalset.client.errors import Unavailable
from zc.generationalset.client.replies import Reply
from zc.generationalset.client.server import Server
from zc.generationalset.client.session import Session
from zc.generationalset.client.steps import (
    Course,
    Deliver,
    Read,
    Request,
    Wait,
)
from zc.generationalset.replica import Replica

URL = 'http://host/sync'
JSON = {'content-type': 'application/json'}


def reply(status, body=b'', **headers):
    headers = {name.replace('_', '-'): value
               for name, value in headers.items()}
    return Reply(status, headers, body)


def answer(since, generation, **members):
    """Return an answer, as JSON."""
    return json.dumps({
        'format': 1, 'epoch': 'e', 'since': since, 'generation': generation,
        **members}).encode()


def updates(since, generation, **members):
    """Return the reply to GET /updates."""
    return Reply(200, JSON, answer(since, generation, **members))


def written(*arguments, **members):
    """Return the reply to a write."""
    text = answer(*arguments, **members) if arguments else b''
    return Reply(200, JSON, b'{"updates":%b}' % text if text else b'{}')


def event(*arguments, type='updates', **members):
    text = answer(*arguments, **members) if arguments else b'{}'
    return b'event: %b\ndata: %b\n\n' % (type.encode(), text)


STREAM = Reply(200, {'content-type': 'text/event-stream'}, stream=True)


def make_session(generation=3, parts=(), /, **items):
    """Return a session whose replica has items, at a generation."""
    replica = Replica()
    if generation:
        replica.apply({'epoch': 'e', 'since': 0, 'generation': generation,
                       'contents': list(items.items())})
    return Session(Server(URL, random=lambda: 1.0), replica, parts)


class End(Exception):
    """The script is at its end."""


class Script:
    """Takes steps, and notes them; a list has the result of each.

    Time passes only while a step waits, and before a result that is a tuple of
    seconds and the result proper.
    """

    def __init__(self, *answers):
        self.answers = list(answers)
        self.now = 0.0
        self.log = []
        self.requests = []

    def clock(self):
        return self.now

    def run(self, steps):
        """Return what the steps return; raise End after the last answer."""
        course = Course(steps)
        try:
            for step in course:
                self.take(step, course)
            return course.result
        finally:
            course.close()

    def take(self, step, course):
        if isinstance(step, Wait):
            self.now += step.seconds
            self.log.append(f'wait {step.seconds:g}')
        elif isinstance(step, Deliver):
            self.log.append(
                [f'{change.kind} {"/".join(map(str, change.path))}'
                 for change in step.changes])
        else:
            self.note(step)
            result = self.next_answer()
            if isinstance(result, Unavailable):
                course.fail(result)
            else:
                course.answer(result)

    def note(self, step):
        if isinstance(step, Request):
            self.requests.append(step)
            self.log.append(f'{step.method} {step.url.removeprefix(URL)}')
        else:
            assert isinstance(step, Read)

    def next_answer(self):
        if not self.answers:
            raise End
        result = self.answers.pop(0)
        if isinstance(result, tuple) and not isinstance(result, Reply):
            seconds, result = result
            self.now += seconds
        return result() if callable(result) else result
