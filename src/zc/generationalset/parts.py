"""Parts: the subsets that a client wants, without the rest of the tree."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

#: The ids that lead from the top of the tree to a set or an item.
Path: TypeAlias = tuple[Any, ...]
#: Paths of the subsets that a client wants; () means the whole tree.
Parts: TypeAlias = tuple[Path, ...]

#: The most parts of one client.
PARTS = 100


def check_parts(paths: Iterable[Iterable[Any]]) -> Parts:
    """Return the paths of parts as tuples.

    O(length of the paths).

    >>> check_parts([['people'], ['rooms', 42]])
    (('people',), ('rooms', 42))

    Raises ValueError unless there are 1 to 100 different paths, none of which
    leads into another part, or to the top.
    """
    parts = tuple([tuple(path) for path in paths])
    if not 0 < len(parts) <= PARTS:
        raise _expected(f'1 to {PARTS} parts', len(parts))
    known = set(parts)
    if () in known:
        raise _expected('the path of a part, with one id or more', ())
    if len(known) < len(parts):
        raise _expected('different parts', parts)
    for path in parts:
        if any(path[:size] in known for size in range(1, len(path))):
            raise _expected('parts that are not within each other', path)
    return parts


def _expected(what: str, got: object) -> ValueError:
    return ValueError(f'expected {what}, got {reprlib.repr(got)}')


def lowest(held: Mapping[Path, int]) -> int:
    """Return the generation that a replica with parts presents."""
    return min(held.values(), default=0)


def parts_after(
        answer: Mapping[str, Any], fitting: Iterable[Path],
        held: Mapping[Path, int] | None) -> dict[Path, int]:
    """Return the parts of a replica after an answer, with their generations.

    A reset leaves no other parts.

    fitting
        The paths of the parts that the replica applies.
    held
        The parts that it has; None if it has none.
    """
    others = {} if 'reset' in answer else held or {}
    return {**others, **dict.fromkeys(fitting, answer['generation'])}
