"""The command ``gset push``: its options."""

from __future__ import annotations

import argparse
from typing import Any

from zc.generationalset.commands import add_command
from zc.generationalset.commands.arguments import add_logs

DESCRIPTION = '''\
Tell servers, by webhooks, and browsers, by Web Push, that a served set has
changed.  They hold no connection meanwhile, and ask the server when they are
told.

examples:
  gset push add Push.fs https://ann.example/hook --user ann
      prints the id of the new subscription, and its secret
  gset push list Push.fs
  gset push remove Push.fs 3f0c2a9b1d5e7788
  gset push run Push.fs https://example.org/sync
      follows the set, and pushes until it is stopped
  gset push keys vapid.json --contact mailto:ann@example.org
      makes the key by which push services know you, and prints what browsers
      subscribe with
  gset push run zeo://localhost:8100 https://example.org/sync --keys vapid.json
      also pushes to browsers

The subscriptions are in a database: a FileStorage, or a URI as zodburi
understands it.  Only one process can open a FileStorage, so while "run" has
it, the other commands can't; ZEO and RelStorage have no such limit.

A push has no data of the set, only its position.  The header
webhook-signature has its HMAC, with the secret, as standardwebhooks.com says;
what goes to a browser is encrypted for it.
'''

KEYS = '''\
Make the key by which push services know you, in a file for its owner only, and
print the public part, with which browsers subscribe.  Keep the file: browsers
that subscribed with one key can't be pushed to with another.
'''


def add_parser(commands: Any) -> None:
    parser = add_command(
        commands, 'push', 'tell servers and browsers that a set has changed',
        DESCRIPTION)
    actions = parser.add_subparsers(required=True, metavar='ACTION')
    add = _action(actions, 'add', 'subscribe with a URL')
    add.add_argument('url', metavar='URL', help='where to post to')
    add.add_argument(
        '--user', required=True, help='whose subscription it is')
    _add_private(add)
    remove = _action(actions, 'remove', 'end a subscription')
    remove.add_argument('id', metavar='ID', help='as "add" has printed it')
    _action(actions, 'list', 'print id, user, URL and the last position')
    run = _action(actions, 'run', 'follow a set, and push')
    run.add_argument('url', metavar='URL', help='the URL of the server')
    run.add_argument(
        '--token-file', metavar='FILE',
        help='a file with the token for the server, and nothing else; by '
        'default it is in the environment, GSET_TOKEN')
    run.add_argument(
        '--keys', metavar='FILE',
        help='a file of "gset push keys", to push to browsers, too')
    _add_private(run)
    add_logs(run)
    keys = add_command(
        actions, 'keys', 'make a key for Web Push', KEYS)
    keys.add_argument('file', metavar='FILE', help='a new file')
    keys.add_argument(
        '--contact', required=True, metavar='URL',
        help='whom push services tell of trouble, such as '
        'mailto:ann@example.org')
    keys.set_defaults(run=_run, action='keys')


def _action(actions: Any, name: str, help: str) -> argparse.ArgumentParser:
    parser = add_command(actions, name, help, help.capitalize() + '.')
    parser.add_argument(
        'data', metavar='DATA.fs|URI', help='where the subscriptions are')
    parser.set_defaults(run=_run, action=name)
    return parser


def _add_private(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--private', action='store_true',
        help='allow subscribers in private networks, and on this machine')


def _run(options: argparse.Namespace) -> int:
    from zc.generationalset.extras import need
    need('push')
    from zc.generationalset.commands import pushing
    action: int = getattr(pushing, options.action)(options)
    return action
