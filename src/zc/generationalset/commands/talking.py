"""The commands ``gset get``, ``watch``, ``put`` and so on: what they do."""

from __future__ import annotations

import argparse
import logging
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from zc.generationalset import wire
from zc.generationalset.client import (
    Client,
    ClientError,
    Position,
    Refused,
)
from zc.generationalset.client.tokens import read_token
from zc.generationalset.commands import Failure
from zc.generationalset.commands.listing import (
    MARKS,
    Path,
    columns,
    indented,
    json_line,
    line,
    show_path,
)
from zc.generationalset.commands.screen import Screen
from zc.generationalset.commands.terminal import escape
from zc.generationalset.replica import Change, Subset

if TYPE_CHECKING:
    from zc.generationalset.replica import SQLiteReplica


def get(options: argparse.Namespace) -> int:
    path, is_set = parse_path(options.path)
    with _client(options) as client:
        if path and not is_set:
            item, position = client.get_with_position(path)
            print(json_line(None, path, item, str(position)) if options.json
                  else indented(item))
            return 0
        client.sync()
        items = client.replica.items
        for id in path:
            items = items.get(id)
            if not isinstance(items, Subset):
                raise Failure(f'{options.path}: there is no such set', 1)
        _print_set(path, items, options.json)
    return 0


def _print_set(path: Path, items: Mapping[Any, Any], as_json: bool) -> None:
    width = columns()
    for id, item in items.items():
        print(json_line(None, (*path, id), item) if as_json
              else line('', (*path, id), item, width))
        if isinstance(item, Subset):
            _print_set((*path, id), item, as_json)


def watch(options: argparse.Namespace) -> int:
    with _replica(options.replica) as replica, \
            _client(options, replica) as client, warnings():
        show = _liner(client, options.json)
        for changes in client.watch():
            for change in changes:
                print(show(change))
            sys.stdout.flush()
    return 0


def _liner(client: Client, as_json: bool) -> Callable[[Change], str]:
    """Return a function that makes the lines of changes."""
    if as_json:
        return lambda change: json_line(*change)
    if columns() is None:
        return lambda change: line(
            MARKS[change.kind], change.path, change.item, None)
    return Screen(client.replica.items).line


def put(options: argparse.Namespace) -> int:
    if not options.path:  # such as an unset variable of the shell
        raise Failure('expected a path; / is the top')
    path, is_set = parse_path(options.path)
    since = _since(options)
    if is_set and since is not None:
        raise Failure('expected --unchanged-since with an item that is there')
    if is_set and options.item is None:
        _check_path(path)
        with _client(options) as client:
            client.make_set(path)
        print(show_path(path) + '/')
        return 0
    item = _read_item(options.item)
    with _client(options) as client:
        if is_set:
            print(show_path((*path, client.add(path, item))))
        else:
            client.put(path, item, unchanged_since=since)
    return 0


def patch(options: argparse.Namespace) -> int:
    path, is_set = parse_path(options.path)
    _check_path(path)
    if is_set:
        raise Failure(f'{options.path}: expected the path of an item')
    item = _read_item(options.item)
    with _client(options) as client:
        client.patch(path, item, unchanged_since=_since(options))
    return 0


def _since(options: argparse.Namespace) -> Position | None:
    text = options.unchanged_since
    position = None if text is None else wire.decode_position(text)
    if text is not None and position is None:
        raise Failure('expected a position, as gset get --json prints it, '
                      f'got {text}')
    return position


def rm(options: argparse.Namespace) -> int:
    path, is_set = parse_path(options.path)
    _check_path(path)
    since = _since(options)
    with _client(options) as client:
        remove = client.remove_set if is_set else client.remove
        remove(path, unchanged_since=since)
    return 0


def parse_path(text: str) -> tuple[Path, bool]:
    """Return the ids in a path, and whether it is of a set."""
    text = text.removeprefix('/')
    try:
        return wire.decode_path(text.removesuffix('/')), text[-1:] in ('', '/')
    except wire.WireError as error:
        raise Failure(f'{text}: {error}') from error


def _check_path(path: Path) -> None:
    if not path:
        raise Failure('expected a path, such as people/ann; the set at the '
                      'top is always there')


def _read_item(text: str | None) -> Any:
    try:
        data = (sys.stdin.buffer.read() if text in (None, '-')
                else str(text).encode())
        return wire.decode_value(data, strict=True)
    except ValueError as error:
        raise Failure(f'the item: {error}') from error


def _read_token(path: str | None) -> str | None:
    try:
        return read_token(path)
    except (OSError, ValueError) as error:
        raise Failure(f'can not read the token: {error}') from error


@contextmanager
def _replica(path: str | None) -> Iterator[SQLiteReplica | None]:
    """Open the file for a copy, if the user wants one."""
    if path is None:
        yield None
        return
    from zc.generationalset.replica import SQLiteReplica
    try:
        try:
            replica = SQLiteReplica(path)
        except ValueError as error:
            raise Failure(str(error)) from error
        with replica:
            yield replica
    except sqlite3.Error as error:
        text = str(error).removeprefix(f'{path}: ')
        raise Failure(f'{path}: {text}') from error


def _client(
        options: argparse.Namespace, replica: Any = None,
) -> AbstractContextManager[Client]:
    return connect(options.url, options.token_file, replica)


@contextmanager
def connect(
        url: str, token_file: str | None, replica: Any) -> Iterator[Client]:
    """Make a client, and turn its errors into failures of the command."""
    try:
        client = Client(url, _read_token(token_file), replica)
    except ValueError as error:
        raise Failure(str(error)) from error
    # The file may be replaced while this runs.
    client.token = lambda: _read_token(token_file)
    with client:
        try:
            yield client
        except ClientError as error:
            is_refused = isinstance(error, Refused)
            raise Failure(
                f'{error}{_hint(error)}', 1 if is_refused else 2) from error


def _hint(error: ClientError) -> str:
    """Return a text that says what to do about an error, or ''."""
    if isinstance(error, Refused) and error.status == 401:
        return '; give one in the environment, GSET_TOKEN, or in a file'
    return ''


@contextmanager
def warnings() -> Iterator[None]:
    """Show problems that the client survives."""
    logger = logging.getLogger('zc.generationalset.client')
    handler = logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    handler.format = lambda record: (  # type: ignore[method-assign]
        f'gset: {escape(record.getMessage())}')
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)


