"""Reads stores into the inbox."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from zc.generationalset.merging import canonical, same
from zc.generationalset.sync.accessor import Changes, Found, Listed
from zc.generationalset.sync.data import Data
from zc.generationalset.sync.errors import Gone, Incomplete, Unreadable
from zc.generationalset.sync.hub import BATCH, Session
from zc.generationalset.sync.inbox import Seen
from zc.generationalset.sync.kinds import Unfit
from zc.generationalset.sync.numbers import Numbers
from zc.generationalset.sync.records import Progress
from zc.generationalset.sync.scratch import Scratch
from zc.generationalset.sync.side import Side
from zc.generationalset.sync.type import digest


def version_of(side: Side, known: str | None) -> str | None:
    """Return the version of what a store has, if it must list everything.

    That of a store that settles may be newer than what is listed then.

    Raises what the accessor raises.
    """
    if side.accessor.capabilities.deltas or side.store.settles:
        return None
    return side.accessor.version(known)


def read(
        session: Session, side: Side, now: Progress, is_first: bool,
) -> Progress:
    """Read what a store has, or what has changed, into the inbox.

    now
        The cursor from which to read, and the version of what there is.
    is_first
        Whether this was never read to its end.  Then all items are read,
        whatever their tokens.

    Returns how far it was read.  Raises Incomplete, and what the accessor
    raises; what was read until then is in the inbox.
    """
    cursor = now.cursor
    found = side.accessor.find(
        cursor if side.accessor.capabilities.deltas else None)
    changes = found if isinstance(found, Changes) else Changes(found)
    reading = _Reading(side, is_first)
    known = side.items.count(side.name)
    for number, each in enumerate(changes, 1):
        reading.note(each)
        if number % BATCH == 0:
            session.tell(f'reading {side.label}: {number:,}' + (
                f' of {known:,}' if number <= known else ''))
            session.commit()
    if not changes.complete:
        raise Incomplete('the reading has no end')
    if changes.snapshot:
        reading.find_missing(now.version is not None)
    side.is_complete = True
    if not reading.is_noted:
        return Progress(cursor)
    # What has changed since the version was told may change back.
    is_current = now.version is not None and not side.missing \
        and version_of(side, now.version) == now.version
    return Progress(changes.cursor, now.version if is_current else None)


class _Reading:
    """One reading of one store.

    is_noted
        Whether all that was read is in the inbox, or needs not be.
    """

    def __init__(self, side: Side, is_first: bool) -> None:
        self.is_noted = True
        self._is_first = is_first
        self._side = side
        #: What was read: the keys of items that are linked, and hashes of the
        #: ids of others.
        self._linked = Numbers()
        self._others: Scratch[int] = Scratch()

    def note(self, each: Found) -> None:
        if isinstance(each, Gone):
            self._note_gone(each.id)
            return
        key, token = self._side.items.linked(
            self._side.name, each.id) or (None, None)
        read = self._read(each, token) if isinstance(each, Listed) else each
        if isinstance(read, Gone):
            return  # since it was listed
        if key is None:
            self._others.add(hash(canonical(each.id)))
        else:
            self._linked.add(key)
        if isinstance(read, Unreadable):
            self._leave(read.id, str(read), None)
        elif read is not None:
            self._note_data(read, key, isinstance(each, Listed))

    def _read(
            self, listed: Listed, token: str | None,
    ) -> Data | Gone | Unreadable | None:
        """Read an item; return None if its token is known.

        token
            The last one of an item that is linked.
        """
        side = self._side
        known = side.inbox.get(listed.id)
        if known is not None:
            token = known.token
        if token == listed.token and not self._is_first:
            return None
        try:
            return side.accessor.get(listed.id)
        except (Gone, Unreadable) as error:
            return error

    def _leave(self, id: Any, reason: str, name: str | None) -> None:
        self.is_noted = False
        self._side.quarantine(id, reason, name)

    def _note_gone(self, id: Any) -> None:
        side = self._side
        if side.items.key_of_id(side.name, id) is None:
            side.inbox.drop(id)
        else:
            self._put(Seen(id, None))

    def _note_data(
            self, data: Data, key: int | None, was_listed: bool) -> None:
        side = self._side
        try:
            seen = side.seen(data)
        except Unfit as error:
            self._leave(data.id, str(error), self._name(data))
            return
        if key is None or seen.fields is None:
            self._put(seen)
            return
        if side.items.digest(side.name, key) != digest(seen.fields):
            self._put(seen)
            return
        if side.inbox.get(seen.id) is not None:
            # It is again as it was, so what waited for it may be over.
            side.is_touched = True
            side.inbox.drop(seen.id)
            side.items.remember(key, True)
        if was_listed:
            side.items.note_token(side.name, seen.id, seen.token)

    def _put(self, seen: Seen) -> None:
        old = self._side.inbox.get(seen.id)
        is_news = old is None or not same(old.fields, seen.fields)
        is_new = is_news or (old is not None and old.is_new)
        self._side.is_touched |= is_news
        self._side.inbox.put(replace(seen, is_new=is_new))

    def _name(self, data: Data) -> str | None:
        """Return the natural key of an item that doesn't fit, if it has
        one."""
        type = self._side.type
        try:
            return type.key_of(self._side.to_hub({
                field: type.fields[field].normal(data.fields[field])
                for field in type.key}))
        except (Unfit, KeyError, TypeError):
            return None

    def find_missing(self, must_count: bool) -> None:
        """Find what isn't there any more.  Raises Incomplete.

        must_count
            Whether nothing may be overlooked, as it isn't listed again soon.
        """
        side = self._side
        missing = Numbers()
        if len(self._linked) < side.items.count(side.name):
            missing.update(key for key in side.items.keys(side.name)
                           if key not in self._linked)
        read = len(self._linked) + len(self._others)
        if missing or self._is_first or not read or must_count:
            count = side.accessor.count()
            if count > read:
                raise Incomplete(f'expected {count} items, as the store '
                                 f'counts, got {read}')
        side.missing = missing
        side.is_touched |= bool(missing)
        for id in side.inbox.ids():
            if hash(canonical(id)) not in self._others \
                    and side.items.key_of_id(side.name, id) is None:
                side.inbox.drop(id)
