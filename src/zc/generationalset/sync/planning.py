"""Says which steps bring stores up to date."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from zc.generationalset.merging import ABSENT, same
from zc.generationalset.sync.report import Step, shown
from zc.generationalset.sync.side import Side
from zc.generationalset.sync.state import Link, State


def steps_for(
        state: State, sides: Iterable[Side],
        undecided: Collection[str], origins: Mapping[str, str],
) -> Iterator[Step]:
    """Yield the steps that stores need for one item.

    What a store has already counts as given.

    undecided
        The fields in conflict, which no store is given.
    origins
        Where new values are from.
    """
    for side in sides:
        if not side.can_write:
            continue
        link = state.links.get(side.name)
        if state.is_gone:
            if link is not None:
                yield _step(side, state, 'remove', origins)
        elif link is None:
            yield _step(side, state, 'add', origins, {
                field: value for field, value in state.agreed.items()
                if field not in undecided})
        else:
            patch = _patch(side, state, link, undecided)
            if patch:
                yield _step(side, state, 'update', origins, patch)


def _patch(
        side: Side, state: State, link: Link, undecided: Collection[str],
) -> dict[str, Any]:
    """Return what a store is to be given of an item that it has."""
    wanted = {field: state.agreed.get(field, ABSENT)
              for field in sorted(link.behind) if field not in undecided}
    ready = side.to_store(wanted)
    known = side.expected(link).fields or {}
    patch = {}
    for field, value in ready.items():
        if same(known.get(field, ABSENT), value):
            link.settle(field, value)
        else:
            patch[field] = wanted[field]
    return patch


def _step(
        side: Side, state: State, verb: Any, origins: Mapping[str, str],
        fields: Mapping[str, Any] | None = None) -> Step:
    fields = fields or {}
    link = state.links.get(side.name)
    before = {} if link is None else side.to_hub(
        side.expected(link).fields or {})
    return Step(
        side.name, side.type.name, state.key, verb, name_of(side, state),
        fields=fields,
        before={field: before[field] for field in fields if field in before},
        origin=origins.get('', '') or ', '.join(sorted(
            {store for field in fields if origins.get(field)
             for store in origins[field].split(', ')})))


def name_of(side: Side, state: State) -> str:
    """Return how people know an item."""
    return ' '.join(shown(state.agreed.get(field))
                    for field in side.type.key)


def is_waiting(
        state: State, sides: Iterable[Side], undecided: Collection[str],
) -> bool:
    """Tell whether some store is still to be told of an item."""
    for side in sides:
        if side.can_write:
            link = state.links.get(side.name)
            if state.is_gone:
                if link is not None:
                    return True
            elif link is None or link.behind - set(undecided):
                return True
    return False
