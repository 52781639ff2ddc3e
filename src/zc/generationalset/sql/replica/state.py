"""How far a copy has come, as a text that the database keeps."""

from __future__ import annotations

import json
from typing import NamedTuple

from zc.generationalset.answers import NOTHING, Position
from zc.generationalset.pages import Copy


class Known(NamedTuple):
    """A set that is copied into a table.

    columns
        Those that items have had.  An item that has no member for one of these
        has NULL there; other columns belong to whoever has added them.
    """

    table: str
    columns: tuple[str, ...] = ()


class State(NamedTuple):
    """How far a copy has come.

    copy
        How far pages have come, if some are missing.
    is_anew
        Whether what no page lists is gone.
    sets
        The sets of the copy, by their ids as JSON.
    paged
        The sets that pages have listed, of those.
    is_settled
        Whether all rows are of one moment.  They aren't while pages come, and
        until the answer after these.
    """

    position: Position = NOTHING
    copy: Copy | None = None
    is_anew: bool = False
    sets: dict[str, Known] = {}
    paged: tuple[str, ...] = ()
    is_settled: bool = True

    def dump(self) -> str:
        """Return the state as text.

        >>> State.load(State(Position('e', 5)).dump()).position
        Position(epoch='e', generation=5)
        """
        return json.dumps(self._asdict())

    @classmethod
    def load(cls, text: str) -> State:
        state = json.loads(text)
        return cls(
            Position(*state['position']),
            None if state['copy'] is None else Copy(*state['copy']),
            state['is_anew'],
            {set: Known(table, tuple(columns))
             for set, (table, columns) in state['sets'].items()},
            tuple(state['paged']), state['is_settled'])
