"""Plays clients that listen to one worker.

    python -m benchmarks.crowd.player ADDRESS PORT COUNT

The clients have this address.  Tells how many streams are open, then, for each
mark that it is told, an empty list when it listens, and later when the change
came to each client: by ``time.perf_counter``, which all processes share.
"""

import json
import sys
import time
from contextlib import closing

from benchmarks.lib.processes import allow_many_connections
from benchmarks.lib.streams import Audience, following, without_pauses


def tell(message):
    print(json.dumps(message), flush=True)


def main():
    address, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    allow_many_connections()
    with closing(Audience(
            [port], following(port), count, address)) as audience, \
            without_pauses():
        tell(count)
        for line in sys.stdin:
            start = time.perf_counter()
            delays = audience.beat(
                lambda: tell([]), json.loads(line).encode())
            tell([start + delay for delay in delays])


if __name__ == '__main__':
    main()
