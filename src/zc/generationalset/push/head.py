"""The position of a set, followed by a client that keeps nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from zc.generationalset.answers import (
    NOTHING,
    Answer,
    Change,
    Misfit,
    Position,
    check_answer,
    check_fits,
    is_page,
    is_to,
)


class Head:
    """A replica without items.

    It keeps nothing of what the pages of an answer list.  So the first page is
    enough: it is there when that page was made.
    """

    #: Asks for pages, and always for the first one.
    cursor = ''

    def __init__(self) -> None:
        self.position = NOTHING

    @property
    def epoch(self) -> str | None:
        return self.position.epoch

    @property
    def generation(self) -> int:
        return self.position.generation

    def apply(self, updates: Mapping[str, Any]) -> list[Change]:
        """Move to where an answer, or its first page, leads.

        Raises Misfit, and ValueError for what isn't an answer.
        """
        answer = cast(Answer, updates)
        check_answer(answer)
        if not is_page(answer):
            check_fits(answer, self.position)
        elif 'cursor' in answer or not is_to(answer, self.position):
            raise Misfit('expected the first page of an answer')
        before = self.position
        self.position = Position(answer['epoch'], answer['generation'])
        moved = self.position != before
        return [Change('changed', (), None)] if moved else []
