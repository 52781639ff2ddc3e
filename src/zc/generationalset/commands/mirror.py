"""The command ``gset mirror``."""

from __future__ import annotations

import argparse
import os
from typing import Any

from zc.generationalset.commands import Failure, add_command, logs
from zc.generationalset.commands.arguments import add_serving
from zc.generationalset.extras import need

DESCRIPTION = '''\
Keep a copy of a served set, and serve the copy, for reading, to any number of
clients and further mirrors.

examples:
  gset mirror https://example.org/sync Mirror.fs
      keeps the copy in a file, which is made if there is none, and serves it
      at http://127.0.0.1:8080
  gset mirror https://example.org/sync Mirror.fs --source-token-file token \\
      --host 0.0.0.0 --token-file tokens
      the same if the source wants a token; serves everybody who has one of
      the tokens in a file, with lines of a name and a token

The source is the server that is copied.  A mirror has the generations and the
epoch of its source, so clients may move between them, and go on.  A mirror
refuses writes; its response says where the source is.  When the source is
away, the mirror serves what it has.

If the source wants a token, it is in the environment variable GSET_TOKEN, or
alone in a file, --source-token-file.  The file is read for each request, so
you may write a new token into it at any time.

The first copy is made before anything is served.  If the source then refuses,
the exit code is 1; if it can't be asked, 2.  While the mirror doesn't run, you
may delete the file: the set is copied again.
'''

#: Where the mirror is in the root of its database.
NAME = 'mirror'


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands, 'mirror', 'keep a copy of a served set, and serve it',
        DESCRIPTION)
    parser.add_argument('url', metavar='URL', help='the URL of the source')
    parser.add_argument(
        'data', metavar='DATA.fs|URI',
        help='a FileStorage, or a URI as zodburi understands it')
    parser.add_argument(
        '--source-token-file', metavar='FILE',
        help='a file with the token for the source, and nothing else')
    add_serving(parser)
    parser.set_defaults(
        run=mirror, demo=False, workers=1, read_only=False, pages=None)


def mirror(options: argparse.Namespace) -> int:
    """Follow and serve until stopped."""
    need('mirror')
    from zc.generationalset.commands import databases
    from zc.generationalset.commands.serving import (
        check_access,
        listen,
        make_application,
        serving,
        url_of,
    )
    from zc.generationalset.commands.talking import connect
    from zc.generationalset.commands.tokens import Tokens
    from zc.generationalset.mirror import Follower, StoredMirror
    from zc.generationalset.process.running import run
    from zc.generationalset.server.jobs import CONNECTIONS

    logs.configure(options.log_format, options.log_level)
    tokens = Tokens(options.token_file)
    check_access(options, tokens)
    if tokens:  # Data of users isn't for everybody on this machine.
        os.umask(0o077)
    made = databases.to_be_made(options.data)
    with databases.opened(options.data, CONNECTIONS) as db:
        try:
            stored = StoredMirror(db, NAME, options.url)
        except ValueError as error:
            raise Failure(
                f'{databases.public(options.data)}: {error}') from error
        with connect(
                options.url, options.source_token_file, stored) as client:
            if not stored.generation:
                client.sync()
            app = make_application(
                db, tokens, options, find=lambda root: root[NAME])
            listening = listen(options)
            text = serving(f'a mirror of {options.url}',
                           url_of(*listening.getsockname()[:2]))
            if made:
                text += f'\nmade {made}'
            with Follower(client), tokens.kept_current():
                run(app, listening, lambda: print(text, flush=True))
    return 0
