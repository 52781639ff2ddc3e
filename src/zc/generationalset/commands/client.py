"""The commands ``gset get``, ``watch``, ``put`` and so on: their options."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from zc.generationalset.commands import add_command
from zc.generationalset.extras import need

ACCESS = '''
If the server wants a token, it is in the environment variable GSET_TOKEN, or
alone in a file, --token-file.  It is not an argument, because others could see
it in the list of processes.

The exit code is 0 if all went well, 1 if the server refused, 2 if it could not
be asked.
'''
PATHS = '''
Each segment of a path is an id: a string, or after ~ the id as JSON, such as
rooms/~42.  %2F is a slash in an id.
'''
SINCE = '''
With --unchanged-since, it is done only if nobody has changed what is there
since "gset get --json" printed this position.
'''
GET = '''\
Print an item, or all that is in a set.

examples:
  gset get https://example.org/sync
      prints everything, one item in a line
  gset get https://example.org/sync people/ann
      prints an item, as JSON
  gset get https://example.org/sync people/
      prints what is in the set "people"
  gset get --json https://example.org/sync people/ | jq .item.name
      prints JSON objects with "path", and "item" or "set"
  gset get --json https://example.org/sync people/ann
      prints such an object with "position", too: see gset put --help
''' + PATHS + ACCESS
WATCH = '''\
Show all that is there, and then each change as it happens.

examples:
  gset watch https://example.org/sync
      shows + for an addition, ~ for a change, - for a removal; on a terminal
      with times and colours (none if NO_COLOR is set), and of an item that
      changes only the fields that do, as in "state: open -> done"; for that,
      it keeps all items in memory
  gset watch https://example.org/sync --replica copy.sqlite
      keeps a copy in a file; the next time, it begins with what was missed
  gset watch --json https://example.org/sync | ./program
      prints JSON objects with "change" ("added", "changed", "removed"),
      "path", and "item" (the old one, if it was removed) or "set"

It goes on until Ctrl-C.  If the server is away, it says so, and waits.  It
never shows again what is in the file, even if it was stopped before it had
shown that.
''' + ACCESS
IMPORT = '''\
Put into a served set what "gset get --json" printed.

examples:
  gset get --json https://example.org/sync > all.jsonl
  gset import https://other.example.org/sync all.jsonl
      copies everything from one server to another
  gset import https://example.org/sync all.jsonl --replace --dry-run
      shows what going back to the file would add (+) and replace (~)
  jq -c '{path: ["people", .id], item: .}' people.jsonl |
    gset import https://example.org/sync
      imports other JSON lines, into the set "people"

Sets that are missing are made.  What is equal stays as it is, and so does what
the file doesn't have.  If the server has another item at one of the paths,
nothing is written, unless --replace is given.  Large files are written in
several transactions; if that is interrupted, run the command again.
''' + ACCESS
PUT = '''\
Write an item.

examples:
  gset put https://example.org/sync people/ann '{"name": "Ann"}'
      writes the item, and replaces the item that has that id
  gset put https://example.org/sync people/ann < ann.json
  gset put https://example.org/sync people/ann - < ann.json
      the same, with the item from a file
  gset put https://example.org/sync people/ '{"name": "Bob"}'
      adds the item to the set "people" under a new id, and prints its path
  gset put https://example.org/sync people/ - < bob.json
      the same, with the item from a file
  gset put https://example.org/sync rooms/
      makes a set, and prints its path
''' + SINCE + PATHS + ACCESS
PATCH = '''\
Change some members of an item, and leave the others as they are.

examples:
  gset patch https://example.org/sync people/ann '{"age": 43, "address": null}'
      changes the age, and removes the address: JSON merge patch, RFC 7396
  gset patch https://example.org/sync people/ann - < patch.json
      the same, with the patch from a file
''' + SINCE + PATHS + ACCESS
RM = '''\
Remove an item, or a set.

examples:
  gset rm https://example.org/sync people/ann
      removes an item
  gset rm https://example.org/sync people/
      removes the set "people" with all that is in it
''' + SINCE + PATHS + ACCESS


def add_parser(commands: Any) -> None:
    _add_get(commands)
    _add_watch(commands)
    _add_import(commands)
    _add_put(commands)
    _add_patch(commands)
    _add_rm(commands)


def _add_get(commands: Any) -> None:
    parser = add_command(commands, 'get', 'print an item or a set', GET)
    _add_access(parser)
    parser.add_argument(
        'path', metavar='PATH', nargs='?', default='',
        help='path of an item or a set; everything if left out')
    _add_json(parser)
    parser.set_defaults(run=_run('get'))


def _add_watch(commands: Any) -> None:
    parser = add_command(commands, 'watch', 'show what changes', WATCH)
    _add_access(parser)
    parser.add_argument(
        '--replica', metavar='FILE.sqlite', help='a file for a copy')
    _add_json(parser)
    parser.set_defaults(run=_run('watch'))


def _add_import(commands: Any) -> None:
    parser = add_command(
        commands, 'import', 'write what get --json printed', IMPORT)
    _add_access(parser)
    parser.add_argument(
        'file', metavar='FILE', nargs='?', default='-',
        help='JSON objects, one in a line; the input if it is - or left out')
    parser.add_argument(
        '--replace', action='store_true',
        help='replace items that differ from those of the file')
    parser.add_argument(
        '--dry-run', action='store_true',
        help='show what would be written, and write nothing')
    parser.set_defaults(run=_import)


def _import(options: argparse.Namespace) -> int:
    need('client')
    from zc.generationalset.commands.importing import bring
    return bring(options)


def _add_put(commands: Any) -> None:
    parser = add_command(commands, 'put', 'write an item', PUT)
    _add_access(parser)
    parser.add_argument('path', metavar='PATH', help='with a slash: of a set')
    parser.add_argument(
        'item', metavar='JSON', nargs='?',
        help='the item; read from the input if it is -, or if it is left out '
        'and PATH is not of a set')
    _add_since(parser)
    parser.set_defaults(run=_run('put'))


def _add_patch(commands: Any) -> None:
    parser = add_command(commands, 'patch', 'change a part of an item', PATCH)
    _add_access(parser)
    parser.add_argument('path', metavar='PATH', help='of an item')
    parser.add_argument(
        'item', metavar='JSON', nargs='?',
        help='the patch; read from the input if it is - or left out')
    _add_since(parser)
    parser.set_defaults(run=_run('patch'))


def _add_rm(commands: Any) -> None:
    parser = add_command(commands, 'rm', 'remove an item or a set', RM)
    _add_access(parser)
    parser.add_argument('path', metavar='PATH', help='with a slash: of a set')
    _add_since(parser)
    parser.set_defaults(run=_run('rm'))


def _add_access(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('url', metavar='URL', help='the URL of the server')
    parser.add_argument(
        '--token-file', metavar='FILE',
        help='a file with the token, and nothing else')


def _add_since(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--unchanged-since', metavar='POSITION',
        help='refuse what somebody has changed since')


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--json', action='store_true', help='one JSON object in a line')


def _run(name: str) -> Callable[[argparse.Namespace], int]:
    """Return a function that runs a command, which needs an extra."""
    def run(options: argparse.Namespace) -> int:
        need('client')
        from zc.generationalset.commands import talking

        command: Callable[[argparse.Namespace], int] = getattr(
            talking, name)
        return command(options)
    return run
