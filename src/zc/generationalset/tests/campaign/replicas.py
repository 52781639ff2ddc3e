"""Replicas that count the updates that they get."""

from zc.generationalset.replica import Replica


class Counted:
    """A replica that counts updates, and never has half a transaction."""

    def __init__(self, replica=None):
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
        return changes
