"""What ``gset sync`` does."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zc.generationalset import wire
from zc.generationalset.commands import Failure, showing
from zc.generationalset.commands.databases import file_path, opened
from zc.generationalset.commands.terminal import progress
from zc.generationalset.extras import need
from zc.generationalset.process.signals import stopped_by_signals
from zc.generationalset.sync import (
    Decided,
    Hub,
    LeaseLost,
    Report,
    Store,
    Synchronizer,
)
from zc.generationalset.sync.configuration import Configuration, Mistake

#: How many connections to the hub are open while it is served.
SERVING = 20


def _configuration(options: argparse.Namespace) -> Configuration:
    try:
        return Configuration(options.config)
    except Mistake as error:
        raise Failure(str(error)) from error


@contextmanager
def _synchronizer(
        options: argparse.Namespace, may_make: bool = False,
) -> Iterator[Synchronizer]:
    """Open the hub.  A plan makes none where there is none."""
    found = _configuration(options)
    stores = found.stores()
    connections = SERVING if getattr(options, 'serve', False) else 2
    path = file_path(found.hub)
    is_made = may_make or path is None or os.path.exists(path)
    try:
        with opened(found.hub if is_made else None, connections) as db:
            hub = Hub(db, is_exclusive=path is not None)
            yield Synchronizer(hub, stores, found.types.values())
    except LeaseLost as error:
        raise Failure(str(error)) from error
    finally:
        for store in stores:
            store.close()


def _check_preferred(
        options: argparse.Namespace, synchronizer: Synchronizer) -> None:
    names = synchronizer.stores
    if options.prefer is not None and options.prefer not in names:
        raise Failure(f'expected --prefer to name a store: '
                      f'{", ".join(names)}; got {options.prefer}')


def plan(options: argparse.Namespace) -> int:
    with _synchronizer(options) as synchronizer:
        _check_preferred(options, synchronizer)
        with progress() as synchronizer.tell:
            report = synchronizer.plan(options.prefer)
        if options.output is not None:
            try:
                Path(options.output).write_text(
                    json.dumps({'steps': report.digests}, indent=2) + '\n')
            except OSError as error:
                raise Failure(f'can not write {options.output}: '
                              f'{error.strerror}') from error
        _show(report, synchronizer, options.json)
        return report.code


def run(options: argparse.Namespace) -> int:
    only = None if options.plan is None else _steps(options.plan)
    with _synchronizer(options, may_make=True) as synchronizer:
        _check_preferred(options, synchronizer)
        with progress() as synchronizer.tell:
            report = synchronizer.run(options.prefer, only)
        _show(report, synchronizer, options.json)
        return report.code


def _steps(path: str) -> dict[str, str]:
    """Return the steps of a file that ``plan`` has written."""
    try:
        steps = json.loads(Path(path).read_text('utf-8'))['steps']
        if isinstance(steps, dict):
            return steps
    except OSError as error:
        raise Failure(f'can not read {path}: {error.strerror}') from error
    except (ValueError, KeyError, TypeError):
        pass
    raise Failure(f'expected a plan of "gset sync plan -o", got {path}')


def watch(options: argparse.Namespace) -> int:
    with _synchronizer(options, may_make=True) as synchronizer:
        _check_preferred(options, synchronizer)
        if options.serve:
            need('server')
            from zc.generationalset.commands import hub
            hub.serve(options, synchronizer,
                      lambda: _watch(options, synchronizer))
            return 0
        with stopped_by_signals(synchronizer.stop):
            _watch(options, synchronizer)
    return 0


def _watch(options: argparse.Namespace, synchronizer: Synchronizer) -> None:
    news = showing.News()
    for report in synchronizer.watch(options.interval, options.prefer):
        lines = news.of(report, synchronizer.status)
        if lines and options.json:
            showing.print_json(showing.as_json(report))
        elif lines:
            showing.print_lines(lines)


def _show(report: Report, synchronizer: Synchronizer, as_json: bool) -> None:
    if as_json:
        showing.print_json(showing.as_json(report))
    else:
        showing.print_lines([
            *showing.done(report),
            *showing.left(report, synchronizer.status),
            showing.totals(report)])


def status(options: argparse.Namespace) -> int:
    with _synchronizer(options) as synchronizer:
        found = synchronizer.status()
        if options.json:
            showing.print_json({
                **{name: [{'id': id, **value} for id, value in pairs]
                   for name, pairs in found.items()},
                'runs': [{'id': id, **run, 'date': showing.date(run)}
                         for id, run in sorted(found['runs'])]})
        else:
            conflicts, held = ({id for id, _ in found[name]}
                               for name in ('conflicts', 'held'))
            showing.print_lines([
                *showing.opened(found, conflicts, held),
                *(f'store: {store}' for store, _ in sorted(found['stores'])),
                *showing.past(found['runs']),
                f'{showing.counted(len(conflicts), "conflict")}, '
                f'{len(held)} held'])
        return int(bool(found['conflicts'] or found['held']))


# Decisions


@contextmanager
def _deciding(options: argparse.Namespace) -> Iterator[Synchronizer]:
    with _synchronizer(options) as synchronizer:
        try:
            yield synchronizer
        except KeyError as error:
            raise Failure(f'there is no {error.args[0]}') from error
        except Decided as error:
            raise Failure(f'{error}; "gset sync undo" takes it back'
                          ) from error
        except ValueError as error:
            raise Failure(str(error)) from error


def resolve(options: argparse.Namespace) -> int:
    with _deciding(options) as synchronizer:
        if options.store is not None:
            synchronizer.resolve_as(options.conflict, options.store)
        elif options.clear:
            synchronizer.resolve(options.conflict)
        else:
            try:
                value = wire.decode_value(options.value.encode())
            except wire.WireError as error:
                raise Failure(f'expected --value to be JSON: {error}'
                              ) from error
            synchronizer.resolve(options.conflict, value)
        return 0


def release(options: argparse.Namespace) -> int:
    with _deciding(options) as synchronizer:
        synchronizer.release(options.held, options.digest)
        return 0


def match(options: argparse.Namespace) -> int:
    with _deciding(options) as synchronizer:
        synchronizer.match(options.held, options.key)
        return 0


def undo(options: argparse.Namespace) -> int:
    with _deciding(options) as synchronizer:
        synchronizer.hub.undo(options.id)
        return 0


# Trying a store


def check(options: argparse.Namespace) -> int:
    """Make the tests of stores with a store."""
    import unittest  # no other command needs it

    from zc.generationalset.sync.testing import StoreTests

    found = _configuration(options)

    def make() -> Store:
        for store in found.stores():
            if store.name == options.store:
                return store
        raise Failure(f'there is no store {options.store}')

    store = make()
    if store.read_only:
        raise Failure(f'{options.store} is read-only')
    suite = unittest.TestSuite()
    for name in store.accessors:
        class Trial(StoreTests, unittest.TestCase):
            type = found.types[name]

            def make_store(self) -> Store:
                return make()

        suite.addTests(
            unittest.defaultTestLoader.loadTestsFromTestCase(Trial))
    result = unittest.TextTestRunner(sys.stdout, verbosity=2).run(suite)
    return 0 if result.wasSuccessful() else 1
