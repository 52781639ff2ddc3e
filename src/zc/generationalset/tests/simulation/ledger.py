"""The ledger: who wrote what, and what must be there as a result."""

from zc.generationalset.tests.simulation.history import GONE


class Write:
    """A write that is going on, or has copies on the way.

    changes
        path -> text.  If a path goes, everything below it goes, too.
    emptied
        The path of a set that is replaced.
    """

    def __init__(self, ledger, changes, emptied):
        self._ledger = ledger
        self.changes = changes
        self._emptied = emptied
        self.rewinds = ledger.rewinds
        #: Writes that were on the way at the same time.
        self.rivals = list(ledger.writes)
        for rival in self.rivals:
            rival.rivals.append(self)
        self.copies = 1  # the client's own request

    def outcome(self, path):
        """Return the text of a path after this; None if it isn't changed."""
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
    """What each path may be, as far as its writers know.

    Each path has one writer, but anybody may remove sets.  An acknowledged
    write leaves one possibility, and those of writes that were on the way at
    the same time.
    """

    def __init__(self, history, report):
        self._history = history
        self._report = report
        self.possible = {}
        self.writes = {}  # a dictionary, to keep the order
        #: How often changes were taken back.
        self.rewinds = 0

    def begin(self, changes, emptied=None):
        """Note a write before it is sent; ``drop_copy`` ends it."""
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
        """Note that the server has acknowledged a write.

        What it wrote was there, unless a rival replaced it, maybe in the same
        transaction.
        """
        self._report.count('commits acknowledged')
        self._report.note('acknowledged', list(write.changes))
        if all(self._history.had((path, text)) or _outcomes(path, write.rivals)
               for path, text in write.changes.items()):
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
        """Return the text of a path, and the texts it may have in a moment."""
        text = self._history.state.get(path, GONE)
        return {text, *_outcomes(path, self.writes)}

    def verify(self):
        """Check that everything acknowledged is there."""
        for path, texts in self.possible.items():
            text = self._history.state.get(path, GONE)
            if text not in texts:
                self._report.difference(
                    f'lost: {path} is {text}, not one of {sorted(texts)}')
        self._report.count('paths compared', len(self.possible))


def _outcomes(path, writes):
    outcomes = [write.outcome(path) for write in writes]
    return [text for text in outcomes if text is not None]
