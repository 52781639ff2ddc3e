"""The command ``gset check``."""

from __future__ import annotations

import argparse
from typing import Any

from zc.generationalset.commands import Failure, add_command
from zc.generationalset.extras import need

DESCRIPTION = '''\
Audit the generational sets of a database.

examples:
  gset check Data.fs
      checks all sets that are in the root of the database
  gset check Data.fs app/sets/users
      checks the set that is root['app']['sets']['users']; parts of the path
      may be keys or attributes

  gset check zeo://localhost:8100
      checks the sets of a database server; the URI is one of zodburi

  gset check https://example.org/sync --replica copy.sqlite
      compares the copy that "gset watch --replica" keeps with the server

A file is opened read-only, and nothing is ever written, so applications may go
on.  Objects in a database can run any code when they are loaded.  So the
command loads only the classes of sets and of ZODB, and placeholders for all
others.  With --trust, it loads classes of applications, too; sets of such
classes need that.  To serve a database is to trust it.

The exit code is 0 if all is well, 1 if something is broken, 2 if something
could not be checked.
'''


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands, 'check', 'audit the sets of a database', DESCRIPTION)
    parser.add_argument(
        'data', metavar='DATA.fs|URI|URL',
        help='a FileStorage, or a URI as zodburi understands it; with '
        '--replica, the URL of a server')
    parser.add_argument(
        'path', nargs='?', metavar='path/in/root',
        help='path of the set in the root; all sets in the root if left out')
    parser.add_argument(
        '--trust', action='store_true',
        help='load classes of applications, from a database that you trust')
    parser.add_argument(
        '--replica', metavar='FILE.sqlite',
        help='compare this copy with a server, whose URL is given')
    parser.add_argument(
        '--token-file', metavar='FILE',
        help='has the token for the server, and nothing else')
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    if options.replica is not None:
        need('client')
        from zc.generationalset.commands.comparing import compare
        return compare(options.data, options.token_file, options.replica)
    if options.data.startswith(('http://', 'https://')):
        raise Failure('expected --replica FILE.sqlite, a copy that is '
                      'compared with the server')
    from zc.generationalset.commands.auditing import audit
    return audit(options.data, options.path, options.trust)
