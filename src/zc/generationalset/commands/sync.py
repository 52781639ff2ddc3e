"""The command ``gset sync``."""

from __future__ import annotations

import argparse
from typing import Any

from zc.generationalset.commands import add_command, number
from zc.generationalset.commands.arguments import add_serving
from zc.generationalset.extras import need

DESCRIPTION = '''\
Keep stores of any kind equal: folders, files, and others.  A file of TOML,
sync.toml unless --config names another one, says which: docs/sync.txt in the
sources of this package describes it.

examples:
  gset sync plan
      shows what a run would do; nothing is written
  gset sync run
      brings all stores up to date
  gset sync plan -o plan.json
  gset sync run plan.json
      does what was planned, but for what has changed since
  gset sync watch
      goes on, and runs whenever a store has changed
  gset sync watch --serve
      also serves a page: conflicts, what is held, and what was done
  gset sync status
      shows conflicts, what is held, and the latest runs
  gset sync resolve issue/17/state --store tracker
      takes the value that a store has
  gset sync release files/issue 5a1f03d2c9e88b47
      lets deletions go that were held
  gset sync match files/issue/"17.md" --new
      says that an item in quarantine is a new one
  gset sync undo issue/17/state
      takes back what was decided about this, before a run has followed it
  gset sync check files
      tries a store, with items that are removed again

The exit code is 0 if all is settled, 1 if there are conflicts or something is
held, 2 if something is wrong or unavailable.
'''


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands, 'sync', 'keep stores of any kind equal', DESCRIPTION)
    parser.add_argument(
        '--config', metavar='FILE', default='sync.toml',
        help='describes the stores (default: %(default)s)')
    verbs = parser.add_subparsers(required=True, metavar='VERB')
    plan = _verb(verbs, 'plan', 'show what a run would do')
    plan.add_argument('-o', '--output', metavar='FILE',
                      help='write the plan to a file, too')
    run = _verb(verbs, 'run', 'bring all stores up to date')
    run.add_argument('plan', metavar='FILE', nargs='?',
                     help='do only what is in this plan')
    watch = _verb(verbs, 'watch', 'run whenever a store has changed')
    watch.add_argument(
        '--interval', type=number(1), default=60, metavar='SECONDS',
        help='run at least so often: not all stores tell of changes '
        '(default: %(default)s)')
    watch.add_argument(
        '--serve', action='store_true', help='serve a page meanwhile, on '
        'which people decide; the options below are for this')
    watch.add_argument(
        '--read-only', action='store_true', help='let nobody decide there')
    add_serving(watch)
    watch.set_defaults(workers=1)
    for each in plan, run, watch:
        each.add_argument(
            '--prefer', metavar='STORE', help='in each conflict, take the '
            'value of this store')
    _verb(verbs, 'status', 'show conflicts, what is held, and the latest runs')
    _add_decisions(verbs)
    check = _verb(verbs, 'check', 'try a store')
    check.add_argument('store', metavar='STORE')


def _add_decisions(verbs: Any) -> None:
    resolve = _verb(verbs, 'resolve', 'resolve a conflict in the next run')
    resolve.add_argument('conflict', metavar='CONFLICT')
    choice = resolve.add_mutually_exclusive_group(required=True)
    choice.add_argument('--store', metavar='STORE',
                        help='take the value of this store')
    choice.add_argument('--value', metavar='JSON', help='take this value')
    choice.add_argument('--clear', action='store_true',
                        help='remove the field')
    release = _verb(verbs, 'release', 'let go what is held, in the next run')
    release.add_argument('held', metavar='STORE/TYPE')
    release.add_argument('digest', metavar='DIGEST',
                         help='says what was looked at')
    match = _verb(verbs, 'match', 'say which item one in quarantine is')
    match.add_argument('held', metavar='STORE/TYPE/ID')
    which = match.add_mutually_exclusive_group(required=True)
    which.add_argument('--new', action='store_true', help='it is a new one')
    which.add_argument('--key', type=number(1), metavar='N',
                       help='it is the item that has this number in the hub')
    undo = _verb(verbs, 'undo', 'take back what was decided')
    undo.add_argument('id', metavar='ID', help='what it was about')


def _verb(verbs: Any, name: str, help: str) -> Any:
    verb = verbs.add_parser(name, help=help, allow_abbrev=False)
    verb.add_argument('--json', action='store_true',
                      help='write JSON, for programs')
    verb.set_defaults(run=run, verb=name)
    return verb


def run(options: argparse.Namespace) -> int:
    need('sync')
    from zc.generationalset.commands import syncing

    verb: Any = getattr(syncing, options.verb)
    code: int = verb(options)
    return code
