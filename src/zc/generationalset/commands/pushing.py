"""``gset push``: what it does."""

from __future__ import annotations

import argparse
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import transaction
from transaction.interfaces import TransientError

from zc.generationalset.client.tokens import read_token
from zc.generationalset.commands import Failure, databases, logs
from zc.generationalset.commands.terminal import escape
from zc.generationalset.process.signals import stopped_by_signals
from zc.generationalset.push import VAPID, Pusher, Subscriptions
from zc.generationalset.sources.attempts import repeated

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from zc.generationalset.commands.tokens import Tokens

T = TypeVar('T')

#: Where the subscriptions are in the root of their database.
NAME = 'push'


def keys(options: argparse.Namespace) -> int:
    """Make a key for Web Push."""
    try:
        print(VAPID.make(options.file, options.contact).public)
    except (OSError, ValueError) as error:
        raise Failure(str(error)) from error
    return 0


def add(options: argparse.Namespace) -> int:
    """Subscribe."""
    def change(subscriptions: Subscriptions) -> str:
        new = subscriptions.add(options.user, options.url, options.private)
        return f'{new.id}\n{new.secret}'

    with _opened(options.data) as db:
        try:
            print(_changed(db, change))
        except ValueError as error:
            raise Failure(str(error)) from error
    return 0


def remove(options: argparse.Namespace) -> int:
    """End a subscription."""
    with _opened(options.data) as db:
        try:
            _changed(db, lambda subscriptions: subscriptions.remove(
                options.id))
        except KeyError as error:
            raise Failure(
                f'there is no subscription {options.id}', 1) from error
    return 0


def list(options: argparse.Namespace) -> int:
    """Print all subscriptions, one in a line."""
    with _opened(options.data) as db:
        for line in _changed(db, lambda subscriptions: [
                _line(each) for each in subscriptions]):
            print(line)
    return 0


def _line(each: Any) -> str:
    position = 'never' if each.position is None else each.position[1]
    return f'{each.id} {escape(each.user)} {each.url} {position}'


def run(options: argparse.Namespace) -> int:
    """Push until stopped."""
    logs.configure(options.log_format, options.log_level)
    with _opened(options.data) as db:
        prepare(db)
        try:
            read_token(options.token_file)
            pusher = Pusher(
                db, lambda root: root[NAME], options.url,
                lambda: read_token(options.token_file),
                vapid=load(options.keys) if options.keys else None,
                private=options.private)
        except (OSError, ValueError) as error:
            raise Failure(str(error)) from error
        with stopped_by_signals(pusher.stop):
            print(f'pushing changes of {options.url}', flush=True)
            pusher.run()
    return 0


def prepare(db: Any) -> None:
    """Make the object with the subscriptions, if there is none."""
    _changed(db, len)


def routes(db: Any, vapid: VAPID) -> Sequence[BaseRoute]:
    """Return routes with which browsers subscribe."""
    from zc.generationalset.push.endpoint import routes

    return routes(db, lambda root: root[NAME], vapid)


@contextmanager
def beside(db: Any, vapid: VAPID, url: str, tokens: Tokens) -> Iterator[None]:
    """Push what a server of this process has, while it runs."""
    prepare(db)
    pusher = Pusher(db, lambda root: root[NAME], url,
                    lambda: next(iter(tokens.users), None), vapid=vapid)
    thread = threading.Thread(target=pusher.run)
    thread.start()
    try:
        yield
    finally:
        pusher.stop()
        thread.join()


def load(path: str) -> VAPID:
    """Read a key.  Raises Failure."""
    try:
        return VAPID.load(path)
    except (OSError, ValueError) as error:
        raise Failure(str(error)) from error


@contextmanager
def _opened(data: str) -> Iterator[Any]:
    """Open the database; a new file is for its owner only."""
    if databases.to_be_made(data):
        os.umask(0o077)
    with databases.opened(data) as db:
        yield db


def _changed(db: Any, change: Callable[[Subscriptions], T]) -> T:
    """Return what a function returns, which may change the subscriptions."""
    return repeated(lambda: _change(db, change), TransientError)


def _change(db: Any, change: Callable[[Subscriptions], T]) -> T:
    manager = transaction.TransactionManager(explicit=True)
    connection = db.open(manager)
    try:
        with manager:
            root = connection.root()
            found = root.get(NAME)
            if found is None:
                found = root[NAME] = Subscriptions()
            if not isinstance(found, Subscriptions):
                raise Failure(f'expected subscriptions in root[{NAME!r}], got '
                              f'{type(found).__name__}')
            return change(found)
    finally:
        connection.close()
