"""The command ``gset``, also ``python -m zc.generationalset``."""

from __future__ import annotations

import argparse
import io
import os
import sys
from pathlib import Path

from zc.generationalset.commands import Failure
from zc.generationalset.commands.terminal import escape
from zc.generationalset.extras import Missing

DESCRIPTION = '''\
Generational sets: a server's data, and copies that follow its changes.

examples:
  gset serve --demo
      serves a board to try it out, in two windows of a browser
  gset serve Data.fs
      serves the set in a database to clients
  gset watch https://example.org/sync
      shows what is there, and each change as it happens
  gset put https://example.org/sync people/ann '{"name": "Ann"}'
      writes an item
  gset import https://example.org/sync all.jsonl
      writes what "gset get --json" printed
  gset mirror https://example.org/sync Mirror.fs
      keeps a copy, and serves it
  gset check Data.fs
      audits a database
  gset sync plan
      shows what would make the stores of sync.toml equal
  gset renew Data.fs
      makes all clients start over, after a backup was restored
  gset serve sqlite:///shop.db --tables orders,items
      serves tables of a SQL database
  gset verify sqlite:///shop.db postgresql:///shop
      names the rows in which two databases differ
  gset copy https://example.org/sync sqlite:///copy.db
      copies it into tables
  gset peer sync sqlite:///shop.db tcp://127.0.0.1:5984 --tables orders
      makes tables equal that programs change on both sides
  gset push run Push.fs https://example.org/sync
      tells subscribers, by webhooks, when it has changed

"gset COMMAND --help" explains each command.
'''


class _Version(argparse.Action):
    """Looks the version up only when asked, because that takes a while."""

    def __call__(
            self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version
        print(f'zc.generationalset {version("zc.generationalset")}')
        parser.exit()


def main(arguments: list[str] | None = None) -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors='backslashreplace')
    try:
        options = _parser().parse_args(arguments)
        code: int = options.run(options)
        sys.stdout.flush()
    except Failure as error:
        print(f'gset: {escape(str(error))}', file=sys.stderr)
        return error.code
    except Missing as error:
        print(f'gset: {error}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader has closed the pipe.  Without this, Python would fail at
        # its end, when it writes what is left.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return code


def _parser() -> argparse.ArgumentParser:
    # These are imported here so that Ctrl-C is silent.
    from zc.generationalset.commands import (
        check,
        client,
        completion,
        copy,
        mirror,
        peer,
        push,
        renew,
        serve,
        sync,
        track,
        verify,
    )

    name = Path(sys.argv[0]).stem
    parser = argparse.ArgumentParser(
        prog=name if name == 'gset' else 'python -m zc.generationalset',
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--version', action=_Version, nargs=0, default=argparse.SUPPRESS,
        help="show program's version number and exit")
    commands = parser.add_subparsers(required=True, metavar='COMMAND')
    # Each command sets ``run`` to a function that takes the options and
    # returns the exit code, or raises Failure.
    for module in (
            serve, mirror, client, check, renew, track, verify, copy, peer,
            sync, push):
        module.add_parser(commands)
    completion.add_parser(commands, lambda: parser)
    return parser


if __name__ == '__main__':
    sys.exit(main())
