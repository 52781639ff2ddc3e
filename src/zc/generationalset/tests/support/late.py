"""A ZEO server that tells of commits as late as it may.

``python -m zc.generationalset.tests.support.late -a HOST:PORT -f FILE`` starts
it.  It answers at once.  But what it sends without being asked, above all
invalidations, waits a random moment, and stays in order: an event loop
promises no more.
"""

import random
from collections import deque

from ZEO.asyncio.server import ServerProtocol
from ZEO.runzeo import main

SEED = 7
#: Seconds that a callback may wait.
PAUSES = 0, 0, 0.001, 0.005, 0.02

_rnd = random.Random(SEED)
_waiting = deque()


def _call_later(protocol, function, *arguments):
    """Do what call_soon_threadsafe does, later."""
    _waiting.append((function, arguments))
    protocol.loop.call_soon_threadsafe(
        protocol.loop.call_later, _rnd.choice(PAUSES), _call_next)


def _call_next():
    function, arguments = _waiting.popleft()
    function(*arguments)


if __name__ == '__main__':
    ServerProtocol.call_soon_threadsafe = _call_later
    main()
