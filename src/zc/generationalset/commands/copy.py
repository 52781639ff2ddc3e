"""The command ``gset copy``."""

from __future__ import annotations

import argparse
from typing import Any

from zc.generationalset.commands import add_command
from zc.generationalset.extras import need

DESCRIPTION = '''\
Copy a served set, or the tables of a served database, into tables of a SQL
database.

examples:
  gset copy https://example.org/sync sqlite:///copy.db
      copies what is new, into a file, which is made if there is none
  gset copy https://example.org/sync postgresql:///shop --follow
      does so, and then copies each change as it happens, until Ctrl-C
  gset copy https://example.org/people sqlite:///copy.db --table people
      copies the items at the top of a tree into a table

A set at the top of the source becomes a table of the same name, and an item in
it a row.  A table that isn't there is made, with types for the first rows that
come.  If you want others, make the table beforehand; it needs a primary key,
and must be empty.

The position is stored with the rows.  So if the command is cut, or killed, the
next one goes on.  Rows of the source are the copy's own: don't change them.
Nothing is stored of an answer that doesn't fit; the message names the table.

If the server wants a token, it is in the environment variable GSET_TOKEN, or
alone in a file, --token-file.

The exit code is 0 if all is copied, 1 if the server refused, 2 if it could not
be asked, or if something doesn't fit into the tables.
'''


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands, 'copy', 'copy a served set into a SQL database', DESCRIPTION)
    parser.add_argument('url', metavar='URL', help='the URL of the source')
    parser.add_argument(
        'database', metavar='DATABASE', help='sqlite:/// and the path of a '
        'file, or postgresql:// and a database')
    parser.add_argument(
        '--follow', action='store_true',
        help='go on with each change, as it happens')
    parser.add_argument(
        '--table', metavar='NAME',
        help='a table for items at the top of the source')
    parser.add_argument(
        '--token-file', metavar='FILE',
        help='has the token for the server, and nothing else')
    parser.set_defaults(run=copy)


def copy(options: argparse.Namespace) -> int:
    need('client')
    from zc.generationalset.commands.copying import copy
    return copy(options)
