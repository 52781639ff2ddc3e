"""Goals beside the peers, and the tables that say whether they are met."""

from dataclasses import dataclass
from statistics import median

from servers import SERVERS
from table import Goal, figure, framed, ratio, value

#: Those that keep data as a user would: the ratio is to the better of them.
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


THIRD, NO_MORE = ratio('<=', 0.33), ratio('<=', 1)

ITEMS = [
    Row('10 changes', 'ms', 'few', THIRD),
    Row('10 changes, again', 'ms', 'few_again', THIRD),
    Row('10 changes, bytes', 'B', 'few_bytes', NO_MORE),
    Row('1,000 changes', 'ms', 'many', THIRD),
    Row('1,000 changes, again', 'ms', 'many_again', THIRD),
    Row('1,000 changes, bytes', 'B', 'many_bytes', NO_MORE),
    Row('nothing changed (304)', 'ms', 'poll', THIRD),
    Row('the same, 8 connections', '/s', 'poll_rate', value('>=', 3000)),
    Row('one update', 'ms', 'update', THIRD),
    Row('full copy', 'ms', 'copy', NO_MORE, ('kinto_postgresql',)),
    Row('full copy, first byte', 'ms', 'copy_first', value('<', 0.02)),
    Row('full copy, bytes', 'B', 'copy_bytes', NO_MORE),
]
BULK = [Row('bulk load', '/s', 'bulk', ratio('>=', 3))]
CHURN = [
    Row('new client, before', 'B', 'new_before_bytes'),
    Row('new client, after', 'B', 'new_bytes', NO_MORE),
    Row('new client, after', 'ms', 'new'),
    Row('client of before', 'B', 'behind_bytes'),
    Row('client of before', 'ms', 'behind'),
    Row('client that has all', 'B', 'current_bytes'),
    Row('client that has all', 'ms', 'current'),
]


def lines(settings, results):
    """Return all tables, as lines in reStructuredText."""
    found = []
    for size, measured in results.get('items', {}).items():
        found += compared(f'{int(size):,} documents', ITEMS, measured)
    if 'bulk' in results:
        found += compared('into an empty server', BULK, results['bulk'])
    if 'churn' in results:
        cycles = f'{settings["churn"]["cycles"]:,} created and deleted'
        found += compared(cycles, CHURN, results['churn'])
    if 'streams' in results:
        found += _streams(results['streams'])
    return [*found, *_durability(results)]


def compared(title, rows, measured):
    """Return a table of what was measured of each server, as lines."""
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


def _streams(results):
    goal = 1
    table = [('event streams', 'clients', 'median', '99 %', 'last',
              'memory of each', 'goal', 'met')]
    for count, measured in results.items():
        for name, (result,) in measured.items():
            aim = name == 'this' and int(count) == 5000
            met = 'yes' if result['most'] < goal else 'NO'
            table.append((
                SERVERS[name].title, f'{int(count):,}',
                *(figure(result[key] * 1000, 'ms')
                  for key in ('median', 'most', 'last')),
                figure(result['memory'] / 1000, 'kB'),
                '99 % < 1 s' if aim else '', met if aim else ''))
    return ['', *framed(table)]


def _durability(results):
    measured = {name for by_size in results.get('items', {}).values()
                for name in by_size}
    kept = [f'{server.title}: {server.durability}.'
            for name, server in SERVERS.items()
            if name in measured and server.durability]
    return ['', 'When the power fails:', *kept] if kept else []
