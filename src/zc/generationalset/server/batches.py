"""Several edits in one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from zc.generationalset.server.edits import Edit, Editing
from zc.generationalset.server.problems import Problem, problem_of
from zc.generationalset.sources import NoItem, Path, SourceError


class Batch:
    """Edits that are made together, or not at all.

    A client may send a batch again when its response was lost.  So a batch
    that was made already is no change, and no error.
    """

    def __init__(self, edits: list[Edit]) -> None:
        self._edits = edits
        # The last edit, and the last removal, of each path, found once: a
        # batch may be long.
        self._last = {edit.path: index for index, edit in enumerate(edits)
                      if edit.op != 'add'}
        self._of_paths: dict[Path, list[Edit]] = defaultdict(list)
        for edit in edits:
            if edit.op != 'add':
                self._of_paths[edit.path].append(edit)
        self._removals = {edit.path: index for index, edit in enumerate(edits)
                          if edit.op == 'remove'}

    @property
    def size(self) -> int:
        """The number of edits."""
        return len(self._edits)

    def make(self, editing: Editing) -> list[tuple[Any, bool]]:
        """Make all edits; return the id of each, and whether it is new.

        Conditions are of what was there before.  Raises a Problem that says
        which change is to blame.
        """
        @cache
        def is_made(path: Path) -> bool:
            return editing.is_made(self._deciding(path))

        for index, edit in enumerate(self._edits):
            try:
                editing.check(edit, is_made)
            except (Problem, SourceError) as error:
                raise _to_blame(error, index) from error
        return [self._make(editing, edit, index)
                for index, edit in enumerate(self._edits)]

    def _make(
            self, editing: Editing, edit: Edit, index: int,
    ) -> tuple[Any, bool]:
        try:
            return editing.make_unchecked(edit)
        except NoItem as error:
            # Sent again, a batch finds what it removed gone.
            if not self._is_gone_after(edit, index):
                raise _to_blame(error, index) from error
            return edit.path[-1], False
        except (Problem, SourceError) as error:
            raise _to_blame(error, index) from error

    def _deciding(self, path: Path) -> Sequence[Edit]:
        """Return the edits that decide what a path has after the batch."""
        removed = max(self._removed(_above(path)), default=-1)
        return [Edit('remove', path)] if removed > self._last[path] \
            else self._of_paths[path]

    def _is_gone_after(self, edit: Edit, index: int) -> bool:
        """Tell whether edits remove what an edit writes, or a set above."""
        removed = self._removed([*_above(edit.path), edit.path])
        return edit.op != 'add' and max(removed, default=-1) >= index

    def _removed(self, paths: Iterable[Path]) -> Iterable[int]:
        return [self._removals[path] for path in paths
                if path in self._removals]


def _above(path: Path) -> list[Path]:
    """Return the paths of the sets above a path."""
    return [path[:length] for length in range(1, len(path))]


def _to_blame(error: Problem | SourceError, index: int) -> Problem:
    """Return the problem of a batch, which says what change is to blame."""
    problem = problem_of(error)
    problem.members['change'] = index
    return problem
