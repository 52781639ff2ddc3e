"""The command ``gset serve``."""

from __future__ import annotations

import argparse
import os
from typing import Any

from zc.generationalset.commands import Failure, add_command, logs, number
from zc.generationalset.commands.arguments import add_serving
from zc.generationalset.extras import need

DESCRIPTION = '''\
Serve a generational set: answers, event streams, and writes of documents.

examples:
  gset serve --demo
      serves a board with cards and messages; open it in two windows
  gset serve --demo Board.fs
      keeps the board in a file, which is made if there is none
  gset serve
      serves an empty set at http://127.0.0.1:8080, kept in memory only
  gset serve Data.fs
      serves the only set in the root of a database; makes a file, and a set
      in it, if there is none
  gset serve Data.fs --pages site
      also serves site/index.html at /, and the other files of the folder
  gset serve zeo://localhost:8100 --set app/sets/users --token-file tokens
      serves root['app']['sets']['users'] of a database server, to those who
      have a token

  gset serve postgresql://gset@db.example/gset --workers 4
      serves a PostgreSQL database by four processes, of which each client gets
      one (needs zc.generationalset[postgresql])

  gset serve sqlite:///shop.db --tables orders,items
      serves tables of a SQL database, to which any program may write; "gset
      track --help" says what that needs (docs/sql.txt)
  gset serve sqlite:///shop.db --views views.toml --token-file tokens
      serves to each user some rows and columns, as a file says:
        [orders]
        columns = ["id", "customer", "total"]
        where = "seller = :user"

A token file has a line for each user: the name, a space, and the token, and
after another space "read", if the user may only read.  Instead, the
environment variable GSET_TOKEN may have a single token; if there is a file,
GSET_TOKEN is ignored.  Without tokens, everybody on this machine may read and
write, and nobody else.

/openapi.json of the server describes its requests and responses; so does
docs/protocol.txt in the sources of this package.

A database has Python objects, which can run any code when they are loaded, so
serve only databases that you trust.
'''


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands, 'serve', 'serve a set over HTTP', DESCRIPTION)
    parser.add_argument(
        'data', metavar='DATA.fs|URI', nargs='?',
        help='a FileStorage, or a URI as zodburi understands it; in memory '
        'if left out')
    parser.add_argument(
        '--demo', action='store_true',
        help='serve a board that several people share, with its page: '
        "the set 'board', unless --set names one; if the default port is "
        'taken, use any other')
    parser.add_argument(
        '--set', metavar='NAME', dest='path',
        help='path of the set in the root, with slashes; by default the only '
        'set in the root')
    parser.add_argument(
        '--tables', metavar='NAMES', type=lambda text: text.split(','),
        help='serve tables of a SQL database, sqlite:///FILE or '
        'postgresql://, with commas between them; begins to track those that '
        'are not tracked yet')
    parser.add_argument(
        '--views', metavar='FILE',
        help='serve tables of a SQL database as a file of TOML says, which '
        'may choose columns, and rows for each user (docs/sql.txt)')
    parser.add_argument(
        '--read-only', action='store_true',
        help='let nobody write over HTTP')
    parser.add_argument(
        '--pages', metavar='DIR',
        help='serve the files of a folder, too, to everybody: index.html at /')
    parser.add_argument(
        '--push', metavar='FILE',
        help='let browsers subscribe, and push to them: a file of "gset push '
        'keys" (docs/push.txt)')
    parser.add_argument(
        '--workers', type=number(1), default=1, metavar='N',
        help='the number of processes; they need a database that they can '
        'share: zeo://, postgresql:// or sqlite:// (default: %(default)s)')
    add_serving(parser)
    parser.set_defaults(run=serve)


def serve(options: argparse.Namespace) -> int:
    """Serve until stopped.  Raises Failure if that can't be done."""
    need('server')
    from zc.generationalset.commands.serving import (
        announce,
        check_access,
        listen,
        opened,
        pushing,
    )
    from zc.generationalset.commands.tokens import VARIABLE, Tokens
    from zc.generationalset.process.running import run

    logs.configure(options.log_format, options.log_level)
    tokens = Tokens(options.token_file, os.environ.get(VARIABLE))
    check_access(options, tokens)
    check_pages(options)
    check_push(options)
    if options.tables is not None or options.views is not None:
        from zc.generationalset.commands import tables
        tables.check(options)
        options.tables = tables.served(options.tables, options.views)
        tables.begin(options.data, options.tables, tokens.users.values())
    if options.workers > 1:
        from zc.generationalset.commands import workers
        return workers.serve(options, tokens)
    # Fails before a database is made, if the address can't be had.
    listen(options).close()
    with opened(options, tokens) as (app, found), tokens.kept_current():
        listening = listen(options)
        address = listening.getsockname()[:2]
        with pushing(found, address, tokens):
            run(app, listening, lambda: announce(options, found, *address))
    return 0


def check_pages(options: argparse.Namespace) -> None:
    if options.pages is None:
        return
    if options.demo:
        raise Failure('expected --demo or --pages, got both')
    if not os.path.isdir(options.pages):
        raise Failure('expected --pages to be a folder, got '
                      f'{options.pages}')


def check_push(options: argparse.Namespace) -> None:
    if options.push is None:
        return
    need('push')
    if options.tables is not None or options.views is not None:
        raise Failure('expected a ZODB database for --push: subscriptions are '
                      'kept in it')
    if options.workers > 1:
        raise Failure('expected --push without --workers; with several '
                      'processes, "gset push run" pushes')
