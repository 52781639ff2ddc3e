"""Serves a set to thousands of event streams of one address.

    python -m benchmarks.lib.served [asgi] DATA.fs|URI PORT

That is more than ``gset serve`` allows; otherwise this does the same.  With
``asgi``, streams go through ASGI as on other servers.
"""

import sys

from zc.generationalset.commands.databases import opened
from zc.generationalset.commands.serving import prepare
from zc.generationalset.process.running import run
from zc.generationalset.process.sockets import listen
from zc.generationalset.server import Limits, application
from zc.generationalset.server.jobs import CONNECTIONS

#: Event streams of one address, which is where all clients come from.
STREAMS = 20_000


class WithoutExtensions:
    """ASGI middleware that hides what only this package's server can do."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        await self.app({**scope, 'extensions': {}}, receive, send)


def main():
    *through, path, port = sys.argv[1:]
    with opened(path, CONNECTIONS) as db:
        (name,), _ = prepare(db, 'things')
        app = application(db, lambda root: root[name], write=True,
                          limits=Limits(streams=STREAMS))
        if through == ['asgi']:
            app.add_middleware(WithoutExtensions)
        run(app, listen('127.0.0.1', int(port)), lambda: None)


if __name__ == '__main__':
    main()
