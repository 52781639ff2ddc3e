"""Holds changes that would remove too much."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from hashlib import blake2b

from zc.generationalset.merging import ABSENT, canonical
from zc.generationalset.sync.deciding import is_empty
from zc.generationalset.sync.errors import Unreadable
from zc.generationalset.sync.hub import BATCH, Session
from zc.generationalset.sync.inbox import Seen
from zc.generationalset.sync.kinds import Unfit
from zc.generationalset.sync.numbers import Numbers
from zc.generationalset.sync.side import Side

#: So many deletions pass in any case.
FEW = 10
#: Of the items of a store, this share may be deleted in a day.
SHARE = 0.05
DAY = 86400.0
#: How many ids of what is held are listed.
SAMPLE = 20


def guard(session: Session, side: Side, spent: list[list[float]]) -> bool:
    """Hold deletions of a store, if they are too many.

    Cleared fields count, too.  If everything has changed, everything is held.
    What passes is looked for once more; only what is gone counts as gone.
    This comes in each round, whether the store was read or not, because what
    an earlier run has read waits in the inbox.

    spent
        When deletions passed, and how many.

    Returns whether somebody has approved what would have been held.  Raises
    what the store raises.
    """
    found = _Suspects(side)
    since = session.clock() - DAY
    before = sum(count for when, count in spent if when > since)
    reason = found.reason(side.items.count(side.name), before)
    is_held = session.documents('held').get(side.label) is not None
    if reason is None and is_held and not side.is_complete:
        # What was held may be what couldn't be read.
        side.held.update(found.new)
        return False
    if reason is None:
        session.drop('held', side.label)
        _confirm(session, side)
        return False
    digest = _digest(side, found.keys)
    if session.decision(f'held/{side.label}') == {'digest': digest}:
        session.forget_decision(f'held/{side.label}')
        session.drop('held', side.label)
        _confirm(session, side)
        return True
    side.held.update(found.keys)
    session.put('held', side.label, {
        'kind': 'deletions', 'store': side.name, 'type': side.type.name,
        'reason': reason, 'digest': digest,
        'ids': [canonical(side.items.id_in(side.name, key))
                for key in itertools.islice(found.keys, SAMPLE)]})
    return False


class _Suspects:
    """What a store has lost.

    keys
        The keys of items that are gone, or of which fields are; of all items,
        once these are found to have changed.
    new
        The keys of items about whose changes nothing was decided yet.
    changed
        Those of them that had been agreed on.
    """

    def __init__(self, side: Side) -> None:
        self.keys = Numbers(side.missing)
        self.new = Numbers()
        self.changed = Numbers()
        self._gone = len(side.missing)
        self._cleared = 0
        self._weight = self._gone
        for seen in side.inbox.select(
                lambda text: side.items.knows(side.name, text)):
            key = side.items.key_of_id(side.name, seen.id)
            if key is not None and (seen.is_new or seen.fields is None):
                self._add(side, seen, key)

    def _add(self, side: Side, seen: Seen, key: int) -> None:
        shadow = side.items.shadow(side.name, key)
        # A new link has the fields of its key alone.
        is_agreed = not set(shadow) <= set(side.type.key)
        if seen.is_new:
            self.new.add(key)
            if is_agreed:
                self.changed.add(key)
        if seen.fields is None:
            is_another = key not in self.keys
            self._gone += is_another
            self._weight += is_another
            self.keys.add(key)
        elif is_agreed:
            count = sum(
                1 for field, value in shadow.items()
                if not is_empty(value) and is_empty(
                    seen.fields.get(field, ABSENT)))
            if count and key not in self.keys:
                self.keys.add(key)
                self._cleared += 1
                self._weight += count

    def reason(self, linked: int, before: float) -> str | None:
        """Say why all this is held; None if it passes.

        linked
            How many items of the store are linked.
        before
            How many deletions have passed lately.
        """
        total = linked + before
        reason = None
        if self._weight and self._weight + before > max(FEW, SHARE * total):
            reason = f'{self._gone} of {total:.0f} items removed'
            if self._cleared:
                reason += f', fields of {self._cleared} cleared'
        if FEW < total <= len(self.changed):
            if self._gone < len(self.changed):
                reason = f'all {len(self.changed)} items changed'
            self.keys.update(self.changed)
        return reason


def _digest(side: Side, keys: Iterable[int]) -> str:
    """Identify what is held, with the new fields of each item."""
    digest = blake2b(digest_size=8)
    for key in keys:
        id = side.items.id_in(side.name, key)
        seen = side.inbox.get(id)
        digest.update(canonical([id, seen and seen.fields]).encode())
    return digest.hexdigest()


def _confirm(session: Session, side: Side) -> None:
    """Look once more for what a snapshot lacked."""
    for number, key in enumerate(side.missing, 1):
        id = side.items.id_in(side.name, key)
        try:
            seen = side.get(id)
        except (Unfit, Unreadable) as error:
            side.quarantine(id, str(error), None)
        else:
            side.inbox.put(seen)
        if number % BATCH == 0:
            session.commit()
    side.missing = Numbers()
