"""The command ``gset renew``."""

from __future__ import annotations

import argparse
from typing import Any

import transaction
from ZODB.POSException import POSError

from zc.generationalset.commands import Failure, add_command, databases
from zc.generationalset.commands.check import find_sets

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
    parser.set_defaults(run=renew)


def renew(options: argparse.Namespace) -> int:
    if (missing := databases.to_be_made(options.data)) is not None:
        raise Failure(f'expected a database, but there is no {missing}')
    with databases.opened(options.data) as db:
        manager = transaction.TransactionManager()
        connection = db.open(manager)
        try:
            for attempt in manager.attempts(5):
                with attempt:
                    text = _renew(connection.root(), options.path)
        except POSError as error:
            raise Failure(
                f'{databases.public(options.data)}: {error}') from error
        finally:
            connection.close()
    print(text)
    return 0


def _renew(root: Any, path: str | None) -> str:
    sets = find_sets(root, path)
    if len(sets) > 1:
        raise Failure('expected --set, one of ' + ', '.join(sets))
    [(name, gset)] = sets.items()
    if not hasattr(gset, 'renew'):
        raise Failure(f'{name}: expected a set, got a mirror; renew its '
                      f'source, {gset.source}')
    before = gset.epoch
    gset.renew()
    return f'{name}: the epoch was {before}, and is {gset.epoch} now'
