"""Serves a set to thousands of event streams of one address.

    python served.py DATA.fs PORT

That is more than ``gset serve`` allows; otherwise this does the same.
"""

import sys

from zc.generationalset.commands.databases import opened
from zc.generationalset.commands.serving import prepare
from zc.generationalset.process.running import run
from zc.generationalset.process.sockets import listen
from zc.generationalset.server import Limits, application

#: Event streams of one address, which is where all clients come from.
STREAMS = 20_000


def main():
    path, port = sys.argv[1:]
    with opened(path) as db:
        (name,), _ = prepare(db, 'things')
        app = application(db, lambda root: root[name], write=True,
                          limits=Limits(streams=STREAMS))
        run(app, listen('127.0.0.1', int(port)), lambda: None)


if __name__ == '__main__':
    main()
