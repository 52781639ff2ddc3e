"""Replicas that check each answer that they get."""

import json
import threading

from zc.generationalset.replica import Replica
from zc.generationalset.tests.support.followers import state


class Answers:
    """What replicas had at each generation: the same, whoever had it."""

    def __init__(self):
        self._lock = threading.Lock()
        self._known = {}  # (epoch, generation) -> (summary, name)
        #: Replicas that had something else than another one.
        self.differences = []
        #: How many answers another replica had, too.
        self.compared = 0

    def note(self, name, epoch, generation, items):
        """Note what a replica has after an answer."""
        summary = hash(json.dumps(state(items), sort_keys=True))
        with self._lock:
            known, other = self._known.setdefault(
                (epoch, generation), (summary, name))
            self.compared += other != name
            if known != summary:
                self.differences.append(
                    f'{name} and {other} differed at {epoch}:{generation}')


class Counted:
    """A replica that counts updates, and never has half a transaction.

    name
        Whose it is.
    answers
        The Answers of the system.
    """

    def __init__(self, name, answers, replica=None):
        self._name = name
        self._answers = answers
        self._replica = replica or Replica()
        self.updates = 0

    @property
    def generation(self):
        return self._replica.generation

    @property
    def epoch(self):
        return self._replica.epoch

    @property
    def items(self):
        return self._replica.items

    def apply(self, updates):
        changes = self._replica.apply(updates)
        self.updates += bool(changes)
        for change in changes:
            left = change.path[-1] if change.path else ''
            if left.endswith(' left'):
                right = f'{left.removesuffix("left")}right'
                pair = [self.items.get(id) for id in (left, right)]
                if pair[0] != pair[1]:
                    raise AssertionError(f'half a transaction: {pair}')
        self._answers.note(
            self._name, self.epoch, self.generation, self.items)
        return changes
