"""The command ``gset renew``."""

from __future__ import annotations

import argparse
from typing import Any

from zc.generationalset.commands import add_command

DESCRIPTION = '''\
Give a set a new epoch, after its database was restored from a backup.  The
restored set gives generations again that clients know for other changes.  With
a new epoch, all clients start over when they come back.

examples:
  gset renew Data.fs
      renews the only set in the root of the database
  gset renew zeo://localhost:8100 --set app/sets/users
      renews the tree in which root['app']['sets']['users'] is

The command prints the old epoch and the new one.  Run it before you serve the
set again.  A running server that sees a generation fall renews the epoch by
itself.  A mirror has the epoch of its source, and is not renewed.
'''


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands, 'renew', 'have all clients start over', DESCRIPTION)
    parser.add_argument(
        'data', metavar='DATA.fs|URI',
        help='a FileStorage, or a URI as zodburi understands it')
    parser.add_argument(
        '--set', metavar='NAME', dest='path',
        help='path of the set in the root, with slashes; by default the only '
        'set in the root')
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from zc.generationalset.commands.renewing import renew
    print(renew(options.data, options.path))
    return 0
