"""The report of a simulation."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field

SHOWN = 20


@dataclass
class Report:
    """Counts, differences, and a hash of everything that happened."""

    seed: int
    counts: Counter = field(default_factory=Counter)
    faults: Counter = field(default_factory=Counter)
    differences: list = field(default_factory=list)

    def __post_init__(self):
        self._trace = hashlib.blake2b(digest_size=12)

    @property
    def trace(self):
        """The hash, which is equal for two runs of the same seed."""
        return self._trace.hexdigest()

    def note(self, *what):
        self._trace.update(repr(what).encode())

    def count(self, what, number=1):
        self.counts[what] += number

    def difference(self, text):
        self.counts['differences'] += 1
        self.note(text)
        if len(self.differences) < SHOWN:
            self.differences.append(text)

    def error(self, text):
        """Report an error that was logged, which there should never be."""
        self.difference(f'error: {text}')

    @property
    def figures(self):
        """Return all figures that can be compared and kept, in order."""
        names = ['hours', 'clients', 'mirrors', 'workers',
                 'commits acknowledged', 'commits found',
                 'commits in the database', 'updates delivered',
                 'replicas compared', 'differences']
        others = sorted(self.counts.keys() - set(names))
        return {'seed': self.seed, 'trace': self.trace,
                **{name: self.counts[name] for name in [*names, *others]},
                'faults': dict(sorted(self.faults.items()))}

    def __str__(self):
        figures = self.figures
        faults = figures.pop('faults')
        rows = [*figures.items(),
                *[(f'fault: {name}', count) for name, count in faults.items()]]
        width = max(len(name) for name, _ in rows)
        lines = [f'{name:<{width}}  {value:>12,}' if name != 'seed' and
                 isinstance(value, int) else f'{name:<{width}}  {value:>12}'
                 for name, value in rows]
        return '\n'.join([*lines, *self.differences])
