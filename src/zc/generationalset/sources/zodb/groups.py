"""Groups of changes: several in one transaction, each with its outcome."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

from transaction.interfaces import TransientError

from zc.generationalset.sources.errors import Unavailable, Uncertain
from zc.generationalset.sources.interface import Outcome, Write
from zc.generationalset.sources.zodb.editor import ZODBEditor
from zc.generationalset.sources.zodb.transactions import Transactions

#: The most changes in a group.
MOST = 64
#: How many changes more the next group may have after each commit.  A group
#: that conflicts is halved.  So groups grow where nobody else writes.  Where
#: others do, they come to a size with few conflicts.
GROWTH = 2

#: Returns the editor of a tree, from the root of a database and a name.
Edit = Callable[[Any, Hashable], ZODBEditor]


class Groups:
    """Makes several changes in one transaction."""

    def __init__(self, transactions: Transactions, edit: Edit) -> None:
        self._transactions = transactions
        self._edit = edit
        self._most = MOST

    def write(self, write: Write) -> Any:
        """Make a change in a transaction of its own."""
        return self._transactions.repeated(
            lambda root: write.change(self._edit(root, write.name)))

    def write_all(self, writes: Sequence[Write]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        while len(outcomes) < len(writes):
            start = len(outcomes)
            outcomes += self._first(writes[start:start + self._most])
        return outcomes

    def _first(self, group: Sequence[Write]) -> list[Outcome]:
        """Make the first changes of a group; return their outcomes.

        These may be all, or, after a conflict, none.
        """
        if len(group) == 1:
            outcomes = [Outcome.of(self.write, group[0])]
        else:
            try:
                outcomes = self._together(group)
            except TransientError:
                self._most = len(group) // 2
                return []
        self._most = min(self._most + GROWTH, MOST)
        return outcomes

    def _together(self, group: Sequence[Write]) -> list[Outcome]:
        """Do the same in one transaction.  Raises TransientError."""
        try:
            return self._transactions.once(
                lambda root: self._made(root, group))
        except _Halfway as halfway:
            # Those before it are not to blame.  It will be the first of the
            # next group, so that it is refused for what is stored.
            if halfway.index:
                return self._together(group[:halfway.index])
            return [Outcome(error=halfway.__cause__)]
        except (Unavailable, Uncertain) as error:
            return [Outcome(error=error)] * len(group)
        except TransientError:
            raise
        except Exception:
            # One of them can't be committed, and nobody knows which.
            return [Outcome.of(self.write, write) for write in group]

    def _made(self, root: Any, group: Sequence[Write]) -> list[Outcome]:
        """Make all changes; return the outcomes, if the commit succeeds."""
        return [self._outcome(root, index, write)
                for index, write in enumerate(group)]

    def _outcome(self, root: Any, index: int, write: Write) -> Outcome:
        """Make a change.  Raises _Halfway if it fails after it wrote."""
        editor = None
        try:
            editor = self._edit(root, write.name)
            return Outcome(write.change(editor))
        except TransientError:
            raise
        except BaseException as error:
            if editor is None or not editor.has_written:
                return Outcome(error=error)
            raise _Halfway(index) from error


class _Halfway(Exception):
    """A change has failed after it wrote, so the transaction is of no use."""

    def __init__(self, index: int) -> None:
        super().__init__(index)
        #: How many changes of the group came before it.
        self.index = index
