"""Answers to clients, and the rules that say whether an answer fits.

A client presents its position, and asks what changed since.  The answer
repeats the question, and leads to a newer position.  A client may ask for
parts of the tree only.  docs/protocol.txt has the form of answers, and the
reasons.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias, TypedDict, cast

from zc.generationalset.parts import Path, check_parts

#: The highest generation: the highest integer that all JSON libraries keep.
HIGHEST = 2 ** 53 - 1

#: The form of an epoch, so that it survives in headers, events and logs.
EPOCH = re.compile(r'[!#-~]{1,200}')


class Position(NamedTuple):
    """How far a client, or a set, has come.

    >>> str(Position('e', 5)), Position('e', 5).etag
    ('e:5', 'W/"e:5"')
    """

    #: The name of the set, and of the history of its generations.
    epoch: str | None
    #: 0 for a client that has nothing.
    generation: int

    def __str__(self) -> str:
        return f'{self.epoch or ""}:{self.generation}'

    @property
    def etag(self) -> str:
        """The ETag of all answers that lead to this position."""
        return f'W/"{self}"'


#: The position of a new client.
NOTHING = Position(None, 0)


class SubsetUpdates(dict[str, Any]):
    """The updates of a subset, among the items of its superset.

    A SubsetUpdates equals a plain dictionary, and is printed as one.  The
    class distinguishes it from an item that is a dictionary.
    """


#: A pair of id and item, or the updates of a subset, which have its ``id``.
Entry: TypeAlias = tuple[Any, Any] | SubsetUpdates


class _Head(TypedDict):
    epoch: str | None
    since: int
    generation: int


_HEAD = frozenset(_Head.__annotations__)
#: What an answer, or a part of it, may say of a set.
MEMBERS = 'removals', 'adds', 'contents', 'keep'


class Answer(_Head, total=False):
    """An answer of the protocol.

    >>> answer: Answer = {'epoch': 'e', 'since': 3, 'generation': 5,
    ...                   'removals': ['ann'], 'adds': [('bob', 'Bob')]}
    >>> fits(answer, Position('e', 4)), covers(Position('e', 6), answer)
    (True, True)

    ``removals`` are ids.  If there is ``contents``, there are no ``removals``
    and ``adds``, and what ``contents`` doesn't list is gone.

    ``keep`` are ids of what isn't listed, because the client has it already.

    If there is ``parts``, there is none of these.  Each part is a dictionary
    with ``path``, and the members that say what changed in that subset.
    """

    since_epoch: str | None
    reset: str
    parts: Sequence[Mapping[str, Any]]
    removals: Iterable[Any]
    adds: Iterable[Entry]
    contents: Iterable[Entry]
    keep: Iterable[Any]
    #: Only a *page*, which is a part of an answer, has these: the cursor that
    #: the client presented, and that of the next page.
    cursor: str
    next: str


class LargeAnswer(dict[str, Any]):
    """An answer of which it is known that it is large.

    To read its first entries may take long.  It equals a plain dictionary.
    """


class Misfit(ValueError):
    """An answer that a replica can't apply at its position.

    The answer is late, or one before it is missing, or the replica is of
    another epoch.  Ignore it, and ask again when you like.
    """


class Subset(dict[Any, Any]):
    """The items of a subset, unlike an item that is a dictionary."""


class Change(NamedTuple):
    """What an answer changed in a replica.

    >>> Change('removed', ('people', 'ann'), {'name': 'Ann'}).path[-1]
    'ann'
    """

    #: 'added', 'changed' or 'removed'.
    kind: str
    #: The ids that lead to the item, from the top of the tree.
    path: tuple[Any, ...]
    #: The item; for a removal, the old item.  For a subset, a `Subset`.
    item: Any


# Whether an answer fits

def fits(answer: Answer, position: Position) -> bool:
    """Tell whether a replica at a position can apply an answer.

    >>> answer: Answer = {'epoch': 'e', 'since': 3, 'generation': 5}
    >>> [fits(answer, Position('e', number)) for number in range(2, 7)]
    [False, True, True, True, False]

    An answer since an earlier generation only lists more.  But a reset, and
    the first answer, must be to the very question.
    """
    if is_page(answer):
        return False  # ``pages.turn`` tells whether it does
    if 'reset' in answer or not position.generation:
        return is_to(answer, position)
    return answer['epoch'] == position.epoch and (
        answer['since'] <= position.generation <= answer['generation'])


def is_page(answer: Answer) -> bool:
    """Tell whether an answer is one of several pages."""
    return 'cursor' in answer or 'next' in answer


def is_to(answer: Answer, asked: Position) -> bool:
    """Tell whether an answer is to the question from a position."""
    return answer['since'] == asked.generation and (
        not asked.generation or _since_epoch(answer) == asked.epoch)


def fitting_parts(
        answer: Answer, position: Position, held: Mapping[Path, int] | None,
) -> Sequence[Mapping[str, Any]]:
    """Return the parts of an answer that a replica can apply.

    >>> answer: Answer = {
    ...     'epoch': 'e', 'since': 3, 'generation': 5, 'parts': [
    ...         {'path': ('a',)}, {'path': ('b',)}, {'path': ('c',)}]}
    >>> fitting_parts(answer, Position('e', 3), {('a',): 3, ('b',): 6})
    [{'path': ('a',)}]

    Each part fits by itself, as if it had a replica of its own.  A part that
    the replica doesn't have joins with an answer since 0.

    held
        The generation of each part that the replica has; None if it has the
        whole tree.

    Raises Misfit if there are none, and ValueError for a part within another.
    """
    parts = answer['parts']
    if 'reset' in answer or not position.generation:
        check_fits(answer, position)
        if held is not None or not position.generation:
            return parts
    elif held and answer['epoch'] == position.epoch:
        since, generation = answer['since'], answer['generation']
        parts = [part for part in parts
                 if since <= held.get(part['path'], 0) <= generation]
        if parts:
            check_parts(held.keys() | {part['path'] for part in parts})
            return parts
    raise _misfit(answer, position)


def check_whole(answer: Answer, held: Mapping[Path, int] | None) -> None:
    """Raise Misfit for an answer of the whole tree, if a replica has parts."""
    if held is not None:
        raise Misfit(f'expected an answer with parts, got {list(answer)}')


def covers(position: Position, answer: Answer) -> bool:
    """Tell whether a position is at or after the one an answer leads to."""
    return (position.epoch == answer['epoch']
            and position.generation >= answer['generation'])


def check_fits(answer: Answer, position: Position) -> None:
    """Raise Misfit unless a replica at a position can apply an answer."""
    if not fits(answer, position):
        raise _misfit(answer, position)


def _misfit(answer: Answer, position: Position) -> Misfit:
    return Misfit(
        f'expected an answer for {str(position)!r}, got one from '
        f'{str(Position(_since_epoch(answer), answer["since"]))!r} to '
        f'{str(Position(answer["epoch"], answer["generation"]))!r}')


def _since_epoch(answer: Answer) -> str | None:
    return answer.get('since_epoch', answer['epoch'])


# Whether something is an answer

def check_answer(updates: Any) -> Answer:
    """Return an answer; what it says of sets isn't checked yet.

    O(1).  ``read`` checks the rest.

    >>> check_answer({'epoch': 'e', 'since': 3, 'generation': 2})
    Traceback (most recent call last):
    ...
    ValueError: expected a generation of at least 3, or a reset, got 2

    Raises ValueError for what isn't an answer.
    """
    check_mapping(updates)
    _check_parts(updates)
    if not updates.keys() >= _HEAD:
        missing = ', '.join(sorted(_HEAD - updates.keys()))
        raise expected(f'updates with {missing}, as from client_updates or '
                       'wire.decode', updates)
    since = check_number(updates, 'since', 0)
    generation = check_number(updates, 'generation', 1)
    for name in 'epoch', 'since_epoch':
        value = updates.get(name)
        if value is not None and not isinstance(value, str):
            raise expected(f'{name}, a string or None', value)
    _check_cursors(updates)
    if updates['epoch'] is not None:
        _check_epoch(updates['epoch'])
    if 'reset' in updates:
        if not isinstance(updates['reset'], str):
            raise expected('reset, a string', updates['reset'])
        if 'next' not in updates and not all(
                'contents' in each for each in _sets(updates)):
            raise expected('contents with a reset', updates)
    elif generation < since:
        raise expected(
            f'a generation of at least {since}, or a reset', generation)
    elif 'since_epoch' in updates:
        raise expected('a reset with since_epoch', updates)
    return cast(Answer, updates)


def _check_parts(updates: Mapping[str, Any]) -> None:
    """Raise ValueError for parts that no answer has."""
    if 'parts' not in updates:
        return
    parts = updates['parts']
    if not isinstance(parts, list | tuple):
        raise expected('parts, a list', parts)
    if not updates.keys().isdisjoint(MEMBERS):
        raise expected('parts in the place of all else', list(updates))
    for part in parts:
        check_mapping(part)
        if not isinstance(part.get('path'), tuple):
            raise expected('the path of a part, a tuple', part.get('path'))
    check_parts([part['path'] for part in parts])


def _sets(updates: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the parts of an answer, or the answer itself."""
    parts: Sequence[Mapping[str, Any]] = updates.get('parts', (updates,))
    return parts


def _check_cursors(updates: Mapping[str, Any]) -> None:
    for name in {'cursor', 'next'} & updates.keys():
        value = updates[name]
        if not (isinstance(value, str) and value):
            raise expected(f'{name}, a string that is not empty', value)


def _check_epoch(epoch: str) -> None:
    if not EPOCH.fullmatch(epoch):
        raise ValueError(
            'expected an epoch, 1 to 200 characters of ASCII without spaces '
            f'and quotation marks, got {epoch[:40]!a}')


def check_mapping(updates: Any) -> None:
    """Raise ValueError for what isn't a dictionary or the like."""
    if not isinstance(updates, Mapping):
        raise expected('updates, a dictionary', updates)


def check_number(updates: Mapping[str, Any], name: str, least: int) -> int:
    """Return a member that is an integer, and at least ``least``."""
    value = updates.get(name)
    if type(value) is not int or value < least:
        raise expected(f'{name}, an integer of at least {least}', value)
    if value > HIGHEST:
        raise expected(f'{name}, an integer of at most {HIGHEST}', value)
    return value


def expected(what: str, got: Any) -> ValueError:
    return ValueError(f'expected {what}, got {reprlib.repr(got)}')
