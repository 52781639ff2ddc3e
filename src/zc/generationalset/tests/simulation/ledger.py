"""Who wrote what, and what must be there because of it."""

from zc.generationalset.tests.simulation.history import GONE


class Write:
    """A write that is going on, or of which copies are on the way.

    changes
        path -> text.  What is below a path that goes is gone, too.
    emptied
        The path of a set that is replaced.
    """

    def __init__(self, ledger, changes, emptied):
        self._ledger = ledger
        self.changes = changes
        self._emptied = emptied
        self.rewinds = ledger.rewinds
        #: Those that were on the way at the same time.
        self.rivals = list(ledger.writes)
        for rival in self.rivals:
            rival.rivals.append(self)
        self.copies = 1  # the client's own

    def outcome(self, path):
        """Return what a path is after this, None if it isn't about it."""
        for length in range(1, len(path)):
            superset = path[:length]
            if self.changes.get(superset) == GONE or superset == self._emptied:
                return GONE
        return self.changes.get(path)

    def drop_copy(self):
        self.copies -= 1
        if not self.copies:
            del self._ledger.writes[self]
            self.rivals.clear()


class Ledger:
    """What each path may be, as far as those know who wrote.

    Paths have one writer each, but sets are removed by anybody.  A write that
    was acknowledged leaves one possibility, and those of writes that were on
    the way at the same time.
    """

    def __init__(self, history, report):
        self._history = history
        self._report = report
        self.possible = {}
        self.writes = {}  # in their order
        #: How often changes were taken back.
        self.rewinds = 0

    def begin(self, changes, emptied=None):
        """Note a write before it is sent; ``drop_copy`` when it is done."""
        write = Write(self, changes, emptied)
        self.writes[write] = None
        for path, text in changes.items():
            if path in self.possible:
                self.possible[path].add(text)
            else:
                self.possible[path] = self._now(path)
        if emptied or GONE in changes.values():
            for path, texts in self.possible.items():
                if write.outcome(path) == GONE:
                    texts.add(GONE)
        return write

    def acknowledge(self, write):
        """Note that a write has succeeded, says the server."""
        self._report.count('commits acknowledged')
        self._report.note('acknowledged', list(write.changes))
        if all(map(self._history.had, write.changes.items())):
            self._report.count('commits found')
        else:
            self._report.difference(f'not found: {write.changes}')
        if write.rewinds == self.rewinds:
            for path, text in write.changes.items():
                self.possible[path] = {text, *_outcomes(path, write.rivals)}

    def rewind(self):
        """Note that changes were taken back, to what is there now."""
        self.rewinds += 1
        for path in self.possible:
            self.possible[path] = self._now(path)

    def _now(self, path):
        """Return what a path is, and what it may be in a moment."""
        text = self._history.state.get(path, GONE)
        return {text, *_outcomes(path, self.writes)}

    def verify(self):
        """Find all that was acknowledged."""
        for path, texts in self.possible.items():
            text = self._history.state.get(path, GONE)
            if text not in texts:
                self._report.difference(
                    f'lost: {path} is {text}, not one of {sorted(texts)}')
        self._report.count('paths compared', len(self.possible))


def _outcomes(path, writes):
    outcomes = [write.outcome(path) for write in writes]
    return [text for text in outcomes if text is not None]
