"""A watch does what the table of its states says, row by row."""

import re
import unittest

from zc.generationalset.client import watch
from zc.generationalset.client.errors import (
    ClientError,
    Lost,
    Silence,
    Unavailable,
)
from zc.generationalset.client.replies import Reply
from zc.generationalset.client.watch import Watch
from zc.generationalset.tests.support.scripts import (
    JSON,
    STREAM,
    End,
    Script,
    event,
    make_session,
    reply,
    updates,
)

SAME = reply(304)
NO_STREAM = reply(404)
CHANGED = {'adds': [['a', 1]]}
BAD = Reply(200, JSON, b'<html>')
#: A stream that brings nothing of use, and the answer to the question then.
USELESS = [STREAM, b':\n\n', b'', SAME]

#: Requests, and the state of a watch that makes them.
STATES = {'ask': 'asking', 'listen': 'listening', 'poll': 'polling'}
#: What the server does until a watch is in a state; streams aren't open yet.
BEFORE = {'asking': [], 'listening': [SAME], 'polling': [SAME, NO_STREAM]}

#: What the server does before an event of the table, in that state, and what
#: the event is.
EVENTS = {
    'the answer fits': ([], [updates(3, 4, **CHANGED)]),
    'the request fails': ([], [Unavailable('away')]),
    'an event fits': ([STREAM], [event(2, 4, **CHANGED)]),
    'an event brings nothing new': ([STREAM], [event(1, 2, **CHANGED)]),
    "an event doesn't fit": (
        [STREAM], [event(4, 5), updates(3, 5, **CHANGED)]),
    'an event says that it must ask': (
        [STREAM], [event(type='ask'), updates(3, 4, **CHANGED)]),
    'a stream that worked ends': ([STREAM, event(3, 4)], [b'']),
    'a useless stream ends': ([], USELESS),
    'a third useless stream ends': (USELESS * 2, USELESS),
    'a stream brings not one byte': ([], [STREAM, Silence('silent'), SAME]),
    'the server has no streams': ([], [NO_STREAM]),
    'a poll brings changes': ([], [updates(3, 4, **CHANGED)]),
    'a poll brings nothing': ([], [updates(3, 3)]),
    'a poll fails': ([], [Lost('lost')]),
    'it is time to try a stream': ([], [(600, updates(3, 3))]),
    'the server refuses the request': ([], [reply(403)]),
    'ten bad answers come in a row': ([], [BAD] * 10),
}
#: While it listens, it asks after each stream that makes no sense.
BAD_STREAMS = [STREAM, b'event: updates\ndata: {\n\n', BAD] * 10


def rows():
    """Yield state, what happens, what the watch does, and its next state."""
    table = re.split('^=[= ]+\n', watch.__doc__, flags=re.MULTILINE)[2]
    for line in table.splitlines():
        state, what, does, then = re.split(' {2,}', line)
        for each in STATES.values() if state == 'all' else [state]:
            yield each, what, does, then


def word(entry):
    """Return what an entry of a script's log is called in the table."""
    if isinstance(entry, list):
        return 'deliver'
    if entry.startswith('wait'):
        return 'wait'
    return ('listen' if '/events' in entry
            else 'poll' if '&wait=' in entry else 'ask')


def play(answers):
    """Watch a server; return what was done, and the error that ended it."""
    script = Script(*answers)
    try:
        script.run(Watch(make_session(3), script.clock).steps())
    except (ClientError, End) as error:
        return [word(entry) for entry in script.log], error


class TransitionTests(unittest.TestCase):

    def test_table(self):
        found = list(rows())
        self.assertEqual({row[1] for row in found}, set(EVENTS))
        for state, what, does, then in found:
            with self.subTest(state=state, what=what):
                self.assertEqual(self.transition(state, what), (does, then))

    def transition(self, state, what):
        """Return what a watch does when something happens, and its state."""
        first, answers = EVENTS[what]
        if (state, what) == ('listening', 'ten bad answers come in a row'):
            answers = BAD_STREAMS
        before = [*BEFORE[state], *first]
        log, error = play([*before, *answers])
        if not isinstance(error, End):
            return f'raise {type(error).__name__}', 'ended'
        new = log[len(play(before)[0]):]
        if new and new[-1] in STATES:
            state = STATES[new.pop()]
        return ', '.join(new) or 'nothing', state
