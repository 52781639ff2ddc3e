"""Tables of servers beside each other."""

from dataclasses import dataclass
from statistics import median

from benchmarks.lib.servers import SERVERS
from benchmarks.lib.table import Goal, figure, framed

#: The servers that keep data as a user would; ratios are to the better one.
PEERS = 'kinto_postgresql', 'pouch'


@dataclass
class Row:
    title: str
    unit: str
    measure: str
    goal: Goal | None = None
    against: tuple = PEERS

    @property
    def best(self):
        """The function that finds the better of two figures."""
        return max if self.unit == '/s' else min

    def text(self, number):
        if self.unit == 'ms':
            number *= 1000
        return figure(number, self.unit)


def compared(title, rows, measured):
    """Return a table with the figures of each server, as lines."""
    names = [name for name in SERVERS if name in measured]
    table = [(title, *(SERVERS[name].title for name in names),
              'ratio', 'lowest..highest', 'goal', 'met')]
    table += [_cells(row, measured, names) for row in rows]
    return ['', *framed(table)]


def _cells(row, measured, names):
    numbers = {name: [result[row.measure] for result in measured[name]
                      if row.measure in result] for name in names}
    texts = [row.text(median(numbers[name])) if numbers[name] else ''
             for name in names]
    ratios = _ratios(row, numbers)
    spread = ('', '')
    if ratios:
        spread = (f'{median(ratios):.2f}',
                  f'{min(ratios):.2f}..{max(ratios):.2f}')
    return row.title, *texts, *spread, _goal(row), _met(row, numbers, ratios)


def _met(row, numbers, ratios):
    goal, mine = row.goal, numbers.get('this')
    if goal is None or not (ratios if goal.of == 'ratio' else mine):
        return ''
    is_met = goal.is_met(median(ratios or [1]), median(mine))
    return 'yes' if is_met else 'NO'


def _goal(row):
    if row.goal is None:
        return ''
    if row.goal.of == 'value':
        return f'{row.goal.sign} {row.text(row.goal.limit)}'
    return str(row.goal)


def _ratios(row, numbers):
    """Return a ratio for each round, to the better peer in that round."""
    peers = [numbers[name] for name in row.against if numbers.get(name)]
    if not peers or not numbers.get('this'):
        return []
    better = [row.best(figures) for figures in zip(*peers, strict=True)]
    return [mine / other
            for mine, other in zip(numbers['this'], better, strict=True)]
