"""The commands ``gset track`` and ``gset untrack``."""

from __future__ import annotations

import argparse
from typing import Any

from zc.generationalset.commands import add_command

TRACK = '''\
Track tables of a SQL database, so that "gset serve --tables" can serve them:
whatever program writes, triggers note the key of each row that it touches.

examples:
  gset track sqlite:///shop.db orders items
      tracks two tables of a file
  gset track postgresql:///shop orders
      tracks a table of PostgreSQL (needs zc.generationalset[sql])
  gset track sqlite:///shop.db log --add-key
      gives a table without a primary key a column of UUIDs, gset_key
  gset track sqlite:///shop.db orders --dry-run
      prints the statements, and executes none

The command says what it does, and does it in one transaction.  Tables that are
tracked already stay as they are.  "gset untrack" removes everything.
'''
UNTRACK = '''\
Remove everything that "gset track" has made in a SQL database, also columns
that --add-key has added.

examples:
  gset untrack sqlite:///shop.db
'''


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands, 'track', 'track tables of a SQL database', TRACK)
    _add_url(parser)
    parser.add_argument(
        'tables', metavar='TABLE', nargs='+', help='the name of a table')
    parser.add_argument(
        '--add-key', action='store_true',
        help='give tables without a primary key a column of UUIDs; programs '
        'that insert without naming columns fail then')
    parser.add_argument(
        '--note', metavar='COLUMN', action='append', default=[],
        help='note old values of this column, so that an application can '
        'show each user some rows (docs/sql.txt); may be repeated')
    parser.add_argument(
        '--dry-run', action='store_true',
        help='print the SQL statements, and execute none')
    parser.set_defaults(run=track)
    parser = add_command(
        commands, 'untrack', 'remove what track has made', UNTRACK)
    _add_url(parser)
    parser.set_defaults(run=untrack)


def _add_url(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'url', metavar='URL', help='sqlite:/// and the path of a file, or '
        'postgresql:// and a database')


def track(options: argparse.Namespace) -> int:
    from zc.generationalset.commands import tables
    tables.track(options)
    return 0


def untrack(options: argparse.Namespace) -> int:
    from zc.generationalset.commands import tables
    tables.untrack(options.url)
    return 0
