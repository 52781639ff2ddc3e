"""Tables of a SQL database as a replica."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from zc.generationalset.answers import (
    NOTHING,
    Answer,
    Change,
    Misfit,
    Position,
    check_answer,
    check_fits,
    is_page,
)
from zc.generationalset.pages import starts_over, turn
from zc.generationalset.sources.attempts import repeated
from zc.generationalset.sql.database import Database
from zc.generationalset.sql.errors import Conflict, DatabaseError
from zc.generationalset.sql.replica.state import State
from zc.generationalset.sql.replica.transfer import Transfer
from zc.generationalset.updates import Lacking, Updates, held, read

#: The name of the state among the notes of a copy.
_STATE = 'state'


class SQLReplica:
    """Tables that follow a served set, or another database.

    .. code-block:: python

        database = open_database('sqlite:///copy.db')
        replica = SQLReplica(database, 'https://example.org/sync')
        with Client('https://example.org/sync', token, replica) as client:
            client.sync()

    A set at the top of the source is the table of the same name, and an item
    in it is a row: an object with a member for each column.  Its id is the
    primary key, a tuple if that has several columns.  A table that isn't there
    is made when rows come for it.

    An answer and its position are one transaction, also if it is a page.  So
    a copy that is cut goes on where it was, whatever happens.  Rows that are
    there already aren't written.

    database
        From ``open_database``.
    source
        The name of what is copied, such as its URL.  Several sources may be
        copied into the tables of one database.
    top
        The name of the table for items at the top of the source, if any.

    ``apply`` raises errors that name the table, with nothing applied:
    WrongValue for an item that can't be a row; Refused if a constraint doesn't
    hold, or if the first copy finds rows; DatabaseError if the tables can't be
    written to in this way.
    """

    def __init__(
            self, database: Database, source: str, top: str | None = None,
    ) -> None:
        self._database = database
        self._group = f'copy of {source}'
        self._top = top
        self._state = State()
        repeated(self._look, Conflict)

    def _look(self) -> None:
        with self._database.applying() as applying:
            text = applying.notes.get(self._group, _STATE)
        self._state = State() if text is None else State.load(text)

    @property
    def generation(self) -> int:
        """The generation to present."""
        return self._state.position.generation

    @property
    def epoch(self) -> str | None:
        """The history that the generation belongs to."""
        return self._state.position.epoch

    @property
    def cursor(self) -> str:
        """The cursor of the next page, if pages are missing; else empty."""
        return '' if self._state.copy is None else self._state.copy.cursor

    def apply(self, updates: Mapping[str, Any]) -> Sequence[Change]:
        """Apply an answer, and return what it changed here, in order.

        O(log n) for each entry of the answer; with ``contents``, O(n).

        The changes are those of ``SQLiteReplica.apply``, with the values that
        the columns have.

        updates
            From ``wire.decode``: an answer to this replica's generation and
            epoch, or to an earlier one, if it leads at least as far.

        Raises Misfit for an answer that doesn't fit, also if another process
        was faster; ValueError for what isn't an answer, and the errors that
        this class describes.  Then nothing is changed.
        """
        answer = check_answer(updates)
        if 'parts' in answer:
            raise Misfit('expected an answer of the whole tree, got parts')
        news = held(read(answer))
        try:
            try:
                return repeated(
                    partial(self._apply, answer, news), Conflict)
            except Lacking:
                return repeated(self._start_over, Conflict)
        except Exception:
            # Another process may have been faster.
            with suppress(DatabaseError, *self._database.failures):
                self._look()
            raise

    def _apply(self, answer: Answer, news: Updates) -> Sequence[Change]:
        with self._database.applying() as applying:
            text = applying.notes.get(self._group, _STATE)
            before = State() if text is None else State.load(text)
            transfer = Transfer(applying, self._group, before, self._top)
            if is_page(answer):
                _turn(transfer, answer, news)
            else:
                _replace(transfer, answer, news)
            after = transfer.state
            applying.notes.put(self._group, [(_STATE, after.dump())])
        self._state = after
        return transfer.changes.result()

    def _start_over(self) -> Sequence[Change]:
        """Forget the position: what is here isn't what the answer says."""
        with self._database.applying() as applying:
            after = self._state._replace(position=NOTHING, copy=None)
            applying.notes.put(self._group, [(_STATE, after.dump())])
        self._state = after
        return []


def _replace(transfer: Transfer, answer: Answer, news: Updates) -> None:
    """Apply an answer that isn't a page."""
    state = transfer.state
    check_fits(answer, state.position)
    transfer.update(news, is_all=news.whole or starts_over(answer, state.copy))
    transfer.settle()
    transfer.state = transfer.state._replace(
        position=Position(answer['epoch'], answer['generation']), copy=None)


def _turn(transfer: Transfer, answer: Answer, news: Updates) -> None:
    """Apply a page."""
    state = transfer.state
    copy = turn(answer, state.position, state.copy)
    if 'cursor' not in answer:
        transfer.begin_pages(
            is_anew=not state.position.generation or 'reset' in answer)
    if starts_over(answer, state.copy):
        state = transfer.state = transfer.state._replace(position=NOTHING)
    transfer.page(news)
    if copy.cursor:
        transfer.state = transfer.state._replace(copy=copy)
        return
    transfer.end_pages()
    if copy.generation == answer['generation']:
        transfer.settle()
    transfer.state = transfer.state._replace(
        position=Position(*copy[1:]), copy=None)
