"""Reports of ``gset sync``, as lines and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

from zc.generationalset import wire
from zc.generationalset.commands.terminal import escape
from zc.generationalset.sync import Report

Status = dict[str, list[tuple[Any, Any]]]
#: Returns what the hub knows, as ``Synchronizer.status`` does.
Ask = Callable[[], Status]
#: How many runs of the past, and steps of each, are lines.
RUNS, STEPS = 10, 5


def print_json(value: Any) -> None:
    print(wire.encode_value(value).decode(), flush=True)


def print_lines(lines: Iterable[str]) -> None:
    for line in lines:
        print(escape(line), flush=True)


def as_json(report: Report) -> dict[str, Any]:
    return {
        'steps': list(map(str, report.steps)), 'count': report.count,
        'failed': [{'step': str(step), 'reason': reason}
                   for step, reason in report.failed],
        'conflicts': report.conflicts, 'held': report.held,
        'overruled': report.overruled, 'problems': report.problems,
        'unavailable': report.unavailable, 'waiting': report.waiting,
        'code': report.code}


def done(report: Report) -> Iterator[str]:
    """Yield what a run has done, or would do."""
    yield from map(str, report.steps)
    if report.count > len(report.steps):
        yield f'... and {report.count - len(report.steps)} others'
    for text in report.overruled:
        yield f'overruled: {text}'


def left(report: Report, status: Ask) -> Iterator[str]:
    """Yield what isn't right yet."""
    for step, reason in report.failed:
        yield f'refused: {step}: {reason}'
    for text in report.problems:
        yield f'problem: {text}'
    for store, reason in report.unavailable.items():
        yield f'unavailable: {store}: {reason}'
    if report.conflicts or report.held:
        yield from opened(status(), report.conflicts, report.held)


def past(
        runs: Iterable[tuple[int, dict[str, Any]]]) -> Iterator[str]:
    """Yield what the latest runs have done."""
    for number, run in sorted(runs)[-RUNS:]:
        yield f'run {number}, {date(run)}: ' + _totals(
            {'step': run['count'], **run.get('left', {})})
        for step in run['steps'][:STEPS]:
            yield f'  {step}'
        if run['count'] > STEPS:
            yield f'  ... and {run["count"] - STEPS} others'
        for text in run['overruled']:
            yield f'  overruled: {text}'


def date(run: dict[str, Any]) -> str:
    """Return when a run has ended."""
    return datetime.fromtimestamp(run['at'], timezone.utc).isoformat(
        ' ', 'seconds')


def totals(report: Report) -> str:
    # Other lines tell of stores and problems.
    return _totals({'step': report.count, **{
        kind: count for kind, count in report.left.items()
        if kind not in ('unavailable', 'problem')}})


def _totals(counts: Mapping[str, int]) -> str:
    return ', '.join(
        counted(count, word) for word, count in counts.items())


def counted(count: int, word: str) -> str:
    """Return a number with what it counts.

    >>> counted(1, 'step'), counted(2, 'step'), counted(2, 'held')
    ('1 step', '2 steps', '2 held')
    """
    is_many = count != 1 and word in ('step', 'conflict', 'problem')
    return f'{count} {word}' + 's' * is_many


def opened(
        status: Status, conflicts: Iterable[str], held: Iterable[str],
) -> Iterator[str]:
    """Yield what waits for a person, with the command that ends it."""
    conflicts, held = set(conflicts), set(held)
    for id, value in status['conflicts']:
        if id in conflicts:
            sides = [f'{side}: {json.dumps(each, ensure_ascii=False)}'
                     for side, each in _sides(value)]
            yield (f'conflict: {value["type"]} {_name(value)} '
                   f'{value["field"]}: {", ".join(sides)}; '
                   f'gset sync resolve {id} --store STORE')
    for id, value in status['held']:
        if id in held:
            command = {
                'deletions': f'; gset sync release {id} {value.get("digest")}',
                'unmatched': f"; gset sync match '{id}' --new",
                'unreadable': ''}[value['kind']]
            yield f'held: {id}: {value["reason"]}{command}'


def _sides(value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for side, each in value['sides'].items():
        yield side, wire.plain(each)
    for side in value['cleared']:
        yield side, None


def _name(value: dict[str, Any]) -> str:
    return ' '.join(map(str, value['name']))


class News:
    """Tells of each report what reports before haven't told."""

    def __init__(self) -> None:
        self._left: list[str] = []
        self._unavailable: set[str] = set()

    def of(self, report: Report, status: Ask) -> list[str]:
        """Return new lines."""
        before, self._left = self._left, list(left(report, status))
        away, self._unavailable = self._unavailable, set(report.unavailable)
        return [
            *done(report),
            *(f'available: {store}'
              for store in sorted(away - self._unavailable)),
            *(line for line in self._left if line not in before)]
