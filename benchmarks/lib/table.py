"""Goals, and the table that says whether they are met."""

import operator
from dataclasses import dataclass

SIGNS = {'>=': operator.ge, '<=': operator.le, '<': operator.lt}


@dataclass
class Goal:
    """What a ratio (this release / 0.4.0) or a value of this should be."""

    of: str     # 'ratio' or 'value'
    sign: str
    limit: float

    def __str__(self):
        what = 'ratio ' if self.of == 'ratio' else ''
        return f'{what}{self.sign} {self.limit:g}'

    def is_met(self, ratio, value):
        number = ratio if self.of == 'ratio' else value
        return SIGNS[self.sign](number, self.limit)


def ratio(sign, limit):
    return Goal('ratio', sign, limit)


def value(sign, limit):
    return Goal('value', sign, limit)


def framed(table):
    """Return rows of cells as lines; the first row is the heading."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    ruler = '  '.join('=' * width for width in widths)
    text = [_line(cells, widths) for cells in table]
    return [ruler, text[0], ruler, *text[1:], ruler]


def _line(cells, widths):
    first, *others = zip(cells, widths, strict=True)
    return '  '.join([
        first[0].ljust(first[1]),
        *(cell.rjust(width) for cell, width in others)]).rstrip()


def figure(number, unit):
    """Return a number with three digits, and its unit."""
    if number >= 100:
        text = f'{number:,.0f}'
    elif unit:
        text = f'{number:.3g}'
    else:
        text = f'{number:.3f}'
    return f'{text} {unit}'.strip()


