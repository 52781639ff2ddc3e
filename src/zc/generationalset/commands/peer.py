"""The command ``gset peer``: its options."""

from __future__ import annotations

import argparse
from typing import Any

from zc.generationalset.commands import add_command
from zc.generationalset.commands.arguments import add_logs
from zc.generationalset.extras import need

#: Where a server listens unless it is told.
ADDRESS = 'tcp://127.0.0.1:5984'
#: What becomes of a row that both sides have changed.
POLICIES = 'server', 'client', 'columns'

DESCRIPTION = '''\
Keep tables of two SQL databases equal, though programs change both: rows are
added, changed and deleted on both sides.  Each side is SQLite or PostgreSQL.

examples:
  gset peer serve postgresql:///shop --tables orders
      lets others keep a table equal with theirs
  gset peer sync sqlite:///shop.db tcp://127.0.0.1:5984 --tables orders
      makes both equal, once

"gset peer serve --help" and "gset peer sync --help" explain both.
docs/databases.txt in the sources of this package says what becomes of a row
that both sides have changed, and which tables fit each other.
'''
SERVE = '''\
Let any number of databases be kept equal with this one, by "gset peer sync".
The command runs until it is stopped.

examples:
  gset peer serve postgresql:///shop --tables orders,items
      listens on tcp://127.0.0.1:5984, for everybody on this machine
  gset peer serve sqlite:///shop.db --tables orders --at unix:shop.sock
      listens on a socket that only its owner may open
  gset peer serve postgresql:///shop --tables orders --at tls://0.0.0.0:5984 \\
      --cert server.pem --key server.key --token-file tokens
      listens for other machines, too, which must show a token
  gset peer serve postgresql:///shop --tables orders --token-file tokens \\
      --at http://127.0.0.1:8080/sync
      speaks HTTP, behind a proxy that has https:
  gset peer serve sqlite:///shop.db --views views.toml --token-file tokens
      gives each user some rows and columns, as a file says

A row that both sides have changed since their last sync is a conflict.  It
gets the server's version, or what --policy says: the client's, or the changed
columns of both, of which the server's win.  If a version loses something, the
table gset.conflicts has both, gset_conflicts in SQLite.

A token file has a line for each user: the name, a space, and the token.
Instead, the environment variable GSET_TOKEN may have a single token.  The
tokens are read once.  Whoever may connect may write all these tables.

The tables are tracked from then on, as by "gset track"; "gset untrack" removes
that, and what is known of clients.  The exit code is 0 if the command was
stopped, 2 if it can't begin.
'''
SYNC = '''\
Make tables of a database equal with those of "gset peer serve", once.

examples:
  gset peer sync sqlite:///shop.db tcp://127.0.0.1:5984 --tables orders,items
      sends what has changed here, and gets what has changed there
  gset peer sync sqlite:///shop.db unix:shop.sock --tables orders
      asks a server on this machine
  gset peer sync sqlite:///shop.db tls://shop.example:5984 --tables orders \\
      --token-file token --ca server.pem
      trusts the certificates in a file, instead of the system's
  gset peer sync sqlite:///shop.db https://shop.example/sync --tables orders
      speaks HTTP; the token is in the environment, GSET_TOKEN

The tables must be there, with the same names, keys and columns as those of the
server.  They are tracked from then on, as by "gset track"; "gset untrack"
removes that, and what is known of servers.

If the command is cut, or killed, nothing is half done, and the next one goes
on.  What the server decides of conflicts is the outcome; it keeps what lost.

The exit code is 0 if both sides are equal, 1 if the server refuses something,
such as tables that don't fit, 2 if it can't be reached, or if this side can't
write what came.
'''


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands, 'peer', 'keep two SQL databases equal', DESCRIPTION)
    actions = parser.add_subparsers(required=True, metavar='ACTION')
    serve = _action(actions, 'serve', 'let others be kept equal', SERVE)
    _add_tables(serve.add_mutually_exclusive_group(required=True)).add_argument(
        '--views', metavar='FILE',
        help='a file of TOML that says which rows and columns each user has '
        '(docs/sql.txt)')
    serve.add_argument(
        '--at', metavar='ADDRESS', default=ADDRESS,
        help='where to listen: tcp://HOST:PORT, tls://HOST:PORT, unix:PATH or '
        'http://HOST:PORT/PATH (default: %(default)s)')
    serve.add_argument(
        '--policy', metavar='POLICY', choices=POLICIES, default='server',
        help='who wins a conflict: server, client or columns (default: '
        '%(default)s)')
    _add_secrets(serve, 'the users: lines with a name and a token',
                 'with tls: certificates that clients must have, or that have '
                 'signed theirs')
    add_logs(serve)
    sync = _action(actions, 'sync', 'make both sides equal', SYNC)
    sync.add_argument(
        'server', metavar='SERVER', help='tcp://HOST:PORT, tls://HOST:PORT, '
        'unix:PATH, or the URL of a server of HTTP')
    _add_tables(sync, required=True)
    sync.add_argument(
        '--name', help='with tls: the name that the certificate of the server '
        'must have (default: its host)')
    _add_secrets(sync, 'has the token for the server, and nothing else',
                 'certificates to trust, instead of those of the system')


def _action(
        actions: Any, name: str, help: str, description: str,
) -> argparse.ArgumentParser:
    parser = add_command(actions, name, help, description)
    parser.add_argument(
        'database', metavar='DATABASE', help='sqlite:/// and the path of a '
        'file, or postgresql:// and a database')
    parser.set_defaults(run=run, action=name)
    return parser


def _add_tables(parser: Any, **options: Any) -> Any:
    parser.add_argument(
        '--tables', metavar='NAMES', type=lambda text: text.split(','),
        help='the names of the tables, with commas between them', **options)
    return parser


def _add_secrets(
        parser: argparse.ArgumentParser, tokens: str, ca: str) -> None:
    parser.add_argument('--token-file', metavar='FILE', help=tokens)
    parser.add_argument(
        '--cert', metavar='FILE', help='with tls: a certificate of one\'s own')
    parser.add_argument(
        '--key', metavar='FILE', help='its key, if that is in another file')
    parser.add_argument('--ca', metavar='FILE', help=ca)


def run(options: argparse.Namespace) -> int:
    need('client')
    from zc.generationalset.commands import peering
    action: int = getattr(peering, options.action)(options)
    return action
