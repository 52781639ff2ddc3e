"""What a look at the source brings: who has to be told of changes."""

from __future__ import annotations

from collections.abc import Hashable

from zc.generationalset.answers import Position
from zc.generationalset.parts import Path
from zc.generationalset.server.answer import changed_parts
from zc.generationalset.server.tree import Tree
from zc.generationalset.sources import NoTree, Snapshot


class News:
    """The news of a tree, and of the parts that are listened to.

    However many listen, each part is looked at once.
    """

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        #: The position of the tree, once it is read.
        self.position: Position | None = None
        self.count = -1
        self._groups = [group for group in tree.groups.values()
                        if group.parts and group.position is not None]
        self._since = min(
            [group.position for group in self._groups if group.position],
            key=lambda position: position.generation, default=None)
        self._paths = {path for group in self._groups for path in group.parts}
        self._changed: set[Path] = set()

    def read(self, snapshot: Snapshot) -> None:
        """Read the source, in a thread."""
        name = self.tree.name
        self.count, self.position = snapshot.count, position(snapshot, name)
        if self.position is not None and self._since is not None:
            self._changed = changed_parts(snapshot.updates(
                name, self._since, tuple(self._paths)))

    def tell(self) -> None:
        """Tell the groups of parts."""
        for group in self._groups:
            group.learn(self.position, self.count,
                        not self._changed.isdisjoint(group.parts))


def position(snapshot: Snapshot, name: Hashable) -> Position | None:
    """Return the position of a tree; None if there is no tree."""
    try:
        return snapshot.position(name)
    except NoTree:
        return None
