"""The set within a mirror, and the writing of answers into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from zc.generationalset import GenerationalSet
from zc.generationalset.answers import SubsetUpdates
from zc.generationalset.documents import Document
from zc.generationalset.parts import Path
from zc.generationalset.sets.changes import (
    forget,
    remember_more,
    remove,
    unchanged,
)
from zc.generationalset.updates import Lacking, Updates
from zc.generationalset.wire import decode_id, encode_id, encode_value

#: How many removals a set of a mirror remembers.  A mirror doesn't know how
#: many its source remembers, and to remember more costs little.
REMOVALS = 1000
#: How many entries are written between two pauses.
PAUSE = 10_000
_NOTHING = object()


class MirroredSet(GenerationalSet):
    """A set of documents, with any ids that JSON can say.

    An id is kept as its JSON text.  Another kind of server may have sets with
    ids that ZODB can't put in order, such as numbers and strings.
    """

    __module__ = 'zc.generationalset.mirror'  # for pickles

    def stored_id(self, id: Any) -> Any:
        return None if id is None else encode_id(id).decode()

    def get_id(self, ob: Any) -> Any:
        return self.stored_id(super().get_id(ob))


class Listing(NamedTuple):
    """What the pages of an answer have listed so far."""

    #: The generation of the set before.  What is listed is newer.
    start: int
    #: Paths of sets, and keys of what is kept there.
    kept: set[tuple[Path, Any]]


class Writer:
    """Writes an answer into a mirrored set.

    A client may have been at the source at any time between this mirror's last
    answer and the new one, and may have seen what this mirror hasn't.  So
    everything that the answer lists is recorded, even if it changes nothing
    here: an item that is as it was, or the removal of an item that isn't
    there.  What the answer keeps didn't change at the source, either.  If the
    answer has contents, it doesn't say what is gone, so older clients have to
    get contents, too.

    pause
        Called now and then, so that memory can be freed.
    """

    def __init__(self, pause: Callable[[], object]) -> None:
        self._pause = pause
        self._count = 0

    def update(self, gset: MirroredSet, updates: Updates) -> None:
        """Change a set as updates say."""
        self.put(gset, updates, self.listing(gset))

    def listing(self, gset: MirroredSet) -> Listing:
        """Begin with the first page of an answer."""
        return Listing(gset.generation, set())

    def put(
            self, gset: MirroredSet, updates: Updates, listing: Listing,
            path: Path = ()) -> None:
        """Change a set as a page says.

        With the last page of its contents, what no page has listed goes.

        Raises Lacking if the set hasn't what it should keep.
        """
        for id in updates.removals:
            self._remove(gset, id)
        for id in updates.kept:
            if gset.get(id, _NOTHING) is _NOTHING:
                raise Lacking
            listing.kept.add((path, gset.stored_id(id)))
        for id, ob in updates.entries:
            if isinstance(ob, Updates):
                self._change_subset(gset, id, ob, partial(
                    self.put, listing=listing, path=(*path, id)))
            else:
                self._put(gset, id, encode_value(ob))
        if updates.whole:
            for key in map(gset.get_id, unchanged(gset, listing.start)):
                if (path, key) not in listing.kept:
                    remove(gset, key)
            forget(gset)
            self._note()

    def replace(self, gset: MirroredSet, updates: Updates) -> None:
        """Make a set what updates list; clients have nothing of it.

        Raises Lacking if they keep anything.
        """
        if updates.kept:
            raise Lacking
        old = set(gset.ids())
        for id, ob in updates.entries:
            key = gset.stored_id(id)
            if isinstance(ob, Updates):
                change = self.replace if key in old else self.update
                self._change_subset(gset, id, ob, change)
            else:
                self._put_if_new(gset, id, encode_value(ob))
            old.discard(key)
        for key in old:
            remove(gset, key)
        forget(gset)
        self._note()

    def _put_if_new(self, gset: MirroredSet, id: Any, json: bytes) -> None:
        old = gset.get(id)
        if isinstance(old, Document) and old.json == json:
            self._note()
        else:
            self._put(gset, id, json)

    def _put(self, gset: MirroredSet, id: Any, json: bytes) -> None:
        old = gset.get(id)
        if isinstance(old, Document):
            if old.json != json:
                old.json = json
            gset.changed(old, id)
        else:
            gset.add(Document.of_json(id, json), id)
            remember_more(gset)
        self._note()

    def _remove(self, gset: MirroredSet, id: Any) -> None:
        if gset.get(id, _NOTHING) is _NOTHING:
            gset.add(None, id)
        del gset[id]
        self._note()

    def _change_subset(
            self, gset: MirroredSet, id: Any, updates: Updates,
            change: Callable[[MirroredSet, Updates], None]) -> None:
        subset = gset.get(id)
        if not isinstance(subset, MirroredSet):
            subset = MirroredSet(id, maximum_removals=REMOVALS)
            gset.add(subset)
            self._note()
        count = self._count
        change(subset, updates)
        if self._count == count:
            gset.add(subset)  # this records that a subset changed
            self._note()

    def _note(self) -> None:
        """Count an entry; pause now and then."""
        self._count += 1
        if self._count % PAUSE == 0:
            self._pause()


def with_ids(updates: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of a mirrored set's updates, with ids as values."""
    members: dict[str, Any] = {}
    if 'removals' in updates:
        members['removals'] = [decode_id(key) for key in updates['removals']]
    for name in 'adds', 'contents':
        if name in updates:
            members[name] = _Entries(updates[name])
    if 'keep' in updates:
        members['keep'] = map(decode_id, updates['keep'])
    if 'parts' in updates:
        members['parts'] = [{'path': part['path'], **with_ids(part)}
                            for part in updates['parts']]
    return members


class _Entries:
    """Entries that are read while you iterate over them."""

    def __init__(self, entries: Any) -> None:
        self._entries = entries

    def __iter__(self) -> Iterator[Any]:
        for entry in self._entries:
            if isinstance(entry, SubsetUpdates):
                yield SubsetUpdates(
                    id=decode_id(entry['id']), **with_ids(entry))
            else:
                _, document = entry
                yield document.id, document
