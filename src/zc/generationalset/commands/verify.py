"""The command ``gset verify``."""

from __future__ import annotations

import argparse
from typing import Any

from zc.generationalset.commands import add_command

DESCRIPTION = '''\
Compare the tables of two SQL databases, and name the rows that differ.

examples:
  gset verify sqlite:///shop.db postgresql:///shop
      compares all tables
  gset verify sqlite:///shop.db sqlite:///copy.db --tables orders,items
      compares two tables
  gset verify sqlite:///shop.db sqlite:///copy.db --json
      prints a JSON object for each difference
  gset verify sqlite:///shop.db sqlite:///copy.db --repair
      makes copy.db like shop.db in the rows that differ

"Here" is the first database, "there" the second one.  Both may be in use: each
table is read from a snapshot, and rows that change meanwhile are left out.
The tables needn't be tracked.

Without --repair, nothing is written.  With it, there becomes like here in the
rows that were found, and in no other, in one transaction.  If that would
change or delete more than 10 rows of a table, and more than 5 % of them, it
needs --yes: the order of the databases may be wrong.

The exit code is 0 if the tables are equal, or have been repaired, 1 if they
differ, 2 if something could not be compared.
'''


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands, 'verify', 'compare two SQL databases', DESCRIPTION)
    parser.add_argument(
        'here', metavar='HERE', help='the URL of a database: sqlite:/// and '
        'the path of a file, or postgresql:// and a database')
    parser.add_argument(
        'there', metavar='THERE', help='the URL of another one')
    parser.add_argument(
        '--tables', metavar='TABLE,…', default='',
        help='the tables to compare (default: all)')
    parser.add_argument(
        '--json', action='store_true',
        help='print a JSON object for each difference, and for each table')
    parser.add_argument(
        '--repair', action='store_true',
        help='make the second database like the first, in rows that differ')
    parser.add_argument(
        '--dry-run', action='store_true',
        help='with --repair: say what would be repaired, and write nothing')
    parser.add_argument(
        '--yes', action='store_true',
        help='with --repair: also change or delete many rows')
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from zc.generationalset.commands.verifying import verify
    return verify(options)
