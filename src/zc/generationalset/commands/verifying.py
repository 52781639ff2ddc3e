"""What ``gset verify`` does."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from zc.generationalset import wire
from zc.generationalset.commands import Failure, tables
from zc.generationalset.commands.databases import public
from zc.generationalset.commands.listing import show_path
from zc.generationalset.commands.terminal import cut, escape, progress
from zc.generationalset.sources import SourceError
from zc.generationalset.sql import DatabaseError, Difference, Verification

#: The most characters of a value that are shown.
SHOWN = 60


def verify(options: argparse.Namespace) -> int:
    """Print what differs; return the exit code."""
    names = [name for name in options.tables.split(',') if name]
    if (options.dry_run or options.yes) and not options.repair:
        raise Failure('expected --repair with --dry-run and --yes')
    write = _JSON() if options.json else _Text()
    with progress() as tell, _verification(
            options.here, options.there, names, tell) as verification:
        write.begin(public(options.here), public(options.there))
        for misfit in verification.misfits:
            write.misfit(misfit)
        for difference in verification.differences():
            tell('')
            write.difference(difference)
        tell('')
        for name, totals in verification.totals.items():
            write.totals(name, totals)
        is_equal = verification.is_equal
        if options.repair and not is_equal:
            is_equal = _repair(verification, options, write)
        if not is_equal:
            return 1
        return 2 if verification.misfits else 0


def _repair(
        verification: Verification, options: argparse.Namespace,
        write: _Text | _JSON) -> bool:
    """Repair what was found; tell whether all is equal then.

    Raises Failure if that would change or delete much.
    """
    for name, totals in verification.totals.items():
        if not totals.is_equal:
            write.plan(name, {
                'added': totals.missing_there, 'changed': totals.changed,
                'removed': totals.missing_here})
        if totals.is_large and not (options.yes or options.dry_run):
            raise Failure(
                f'{name}: expected --yes, to change or delete '
                f'{totals.changed + totals.missing_here:,} of '
                f'{totals.there:,} rows; is the order of the databases right?',
                1)
    if options.dry_run:
        return False
    for name, counts in verification.repair().items():
        write.repaired(name, counts)
    return not any(misfit.is_different for misfit in verification.misfits)


@contextmanager
def _verification(
        here: str, there: str, names: list[str], tell: Callable[[str], None],
) -> Iterator[Verification]:
    with tables.opened(here) as one, tables.opened(there) as other:
        try:
            with Verification(
                    one, other, names, _Progress(tell)) as verification:
                yield verification
        except (DatabaseError, SourceError,
                *one.failures, *other.failures) as error:
            # Only the error says which of both it was.
            raise Failure(public(here, public(there, str(error)))) from error


class _Progress:
    """Tells how many rows of a table were read."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._name = ''
        self._count = 0

    def __call__(self, name: str, count: int) -> None:
        if name != self._name:
            self._name, self._count = name, 0
        self._count += count
        self._tell(f'{name}: {self._count:,} rows read')


class _Text:
    """Prints lines for people."""

    def begin(self, here: str, there: str) -> None:
        print(escape(f'here {here}, there {there}'))

    def misfit(self, misfit: Any) -> None:
        print(escape(f'{misfit.where}: {misfit.text}'))

    def difference(self, difference: Difference) -> None:
        what = 'missing ' + (
            'here' if difference.here is None else 'there')
        if difference.here is not None and difference.there is not None:
            what = '; '.join(
                f'{name} {_shown(difference.here[name])} here, '
                f'{_shown(difference.there[name])} there'
                for name in difference.columns)
        print(f'{escape(difference.table)} {_row(difference)}: '
              f'{escape(what)}')

    def totals(self, name: str, totals: Any) -> None:
        parts = [f'{count:,} {what}' for what, count in (
            ('differ', totals.changed),
            ('missing here', totals.missing_here),
            ('missing there', totals.missing_there),
            ('changed meanwhile, and were left out', totals.left_out),
        ) if count]
        rows = f'{totals.here:,} rows' if totals.here == totals.there else (
            f'{totals.here:,} rows here, {totals.there:,} there')
        print(escape(f'{name}: {rows}; {", ".join(parts) or "equal"}'))


    def plan(self, name: str, counts: Mapping[str, int]) -> None:
        print(escape(f'{name}: rows to be {_listed(counts)} there'))

    def repaired(self, name: str, counts: Mapping[str, int]) -> None:
        if counts:
            print(escape(f'{name}: {_listed(counts)}'))


class _JSON:
    """Prints JSON objects."""

    def begin(self, here: str, there: str) -> None:
        pass

    def misfit(self, misfit: Any) -> None:
        _print(where=misfit.where, problem=misfit.text)

    def difference(self, difference: Difference) -> None:
        _print(**{name: wire.plain(_readable(value)) for name, value
                  in difference._asdict().items()})

    def plan(self, name: str, counts: Mapping[str, int]) -> None:
        _print(table=name, plan=counts)

    def repaired(self, name: str, counts: Mapping[str, int]) -> None:
        _print(table=name, repaired=counts)

    def totals(self, name: str, totals: Any) -> None:
        _print(table=name, totals=vars(totals))


def _listed(counts: Mapping[str, int]) -> str:
    return ', '.join(f'{kind}: {count:,}' for kind, count
                     in sorted(counts.items()) if count)


def _print(**members: Any) -> None:
    print(json.dumps(members))


def _row(difference: Difference) -> str:
    return escape(show_path((_readable(difference.id),)))


def _readable(value: Any) -> Any:
    """Return a value in which all text is Unicode."""
    if isinstance(value, str):
        return value.encode(errors='surrogateescape').decode(
            errors='backslashreplace')
    if isinstance(value, tuple):
        return tuple(map(_readable, value))
    if isinstance(value, dict):
        return {_readable(name): _readable(each)
                for name, each in value.items()}
    return value


def _shown(value: Any) -> str:
    """Return a value as people write it, with its type where that matters."""
    value = _readable(value)
    if value is None:
        return 'NULL'
    if isinstance(value, (str, list, dict, bool)):
        text = json.dumps(wire.plain(value), ensure_ascii=False)
    else:
        text = f"x'{value.hex()}'" if isinstance(value, bytes) else str(value)
    return cut(text, SHOWN)
