"""Draws docs/layers.svg: the package's rooms, and who imports whom.

    python docs/layers.py

A room is a folder, or a module beside the folders.  Arrows point from a room
to those that it imports; an arrow is left out if other arrows lead there, too.
Each room has the first line of its docstring.
"""

import ast
import textwrap
from functools import cache
from html import escape
from pathlib import Path

from zc.generationalset.tests.support.imports import (
    MODULES,
    ZODB,
    folder,
    folders,
    roots,
)

HERE = Path(__file__).parent
#: Too small for a room: names for other modules, and what all import.
HIDDEN = {'', '__main__', 'check', 'extras'}
WIDTH, HEIGHT = 230, 62  # of a room
BESIDE, BELOW = 20, 30  # between rooms
ASIDE = 60  # from the middle of a room, for arrows that slope
LINE = 15
LETTERS = 35  # in a line
COLORS = {True: ('#356', '#eaf2f8'), False: ('#563', '#eef6e8')}
LEGEND = 'Blue rooms use ZODB; green ones load none of it themselves.'


class Rooms:
    """The graph of rooms, and where each is drawn."""

    def __init__(self, graph):
        self.graph = {name: others - HIDDEN
                      for name, others in sorted(graph.items())
                      if name not in HIDDEN}
        self.bottom = max(
            (name for name in self.graph if not self.graph[name]),
            key=lambda name: sum(
                name in others for others in self.graph.values()))
        self.level = cache(self._level)
        self.below = cache(self._below)
        self.arrows = {name: self._arrows(name) for name in self.graph}
        self.top = max(set(self.graph).difference(*self.graph.values()),
                       key=self.level)
        self.columns = self._columns()

    def _level(self, name):
        if name == self.bottom:
            return 0
        return 1 + max(map(self.level, self.graph[name]), default=0)

    def _below(self, name):
        others = self.graph[name]
        return others.union(*map(self.below, others))

    def _arrows(self, name):
        others = self.graph[name]
        return sorted(others.difference(*map(self.below, others)))

    def _columns(self):
        """Put chains of arrows into columns; the longest two at the sides."""
        left = set(self.graph) - {self.top, self.bottom}
        chains = []
        while left:
            chain = max((self._chain(name, left) for name in sorted(left)),
                        key=len)
            chains.append(chain)
            left.difference_update(chain)
        return [chains[0], *chains[2:], *chains[1:2]]

    def _chain(self, name, left):
        longest = max((self._chain(other, left)
                       for other in self.arrows[name] if other in left),
                      key=len, default=[])
        return [name, *longest]

    @property
    def width(self):
        return len(self.columns) * (WIDTH + BESIDE) + BESIDE

    def box(self, name):
        """Return left, top and width of a room."""
        top = BESIDE + (self.level(self.top) - self.level(name)) * (
            HEIGHT + BELOW)
        for number, chain in enumerate(self.columns):
            if name in chain:
                return BESIDE + number * (WIDTH + BESIDE), top, WIDTH
        return BESIDE, top, self.width - 2 * BESIDE

    def arrow(self, name, other):
        """Return the line from a room to one that it imports."""
        (x1, y1, w1), (x2, y2, w2) = self.box(name), self.box(other)
        start, end = x1 + w1 // 2, x2 + w2 // 2
        if name == self.top:
            start = end
        elif other == self.bottom:
            end = start
        elif start != end:
            aside = ASIDE if start < end else -ASIDE
            start, end = start + aside, end - aside
        return start, y1 + HEIGHT, end, y2 - 3


def first_line(name):
    tree = ast.parse(MODULES[name].read_text())
    return ast.get_docstring(tree).split('\n')[0].replace('``', '')


def uses_zodb(name):
    return any(roots(module) & ZODB
               for module in MODULES if folder(module) == name)


def draw():
    """Return the picture, as the text of an SVG file."""
    rooms = Rooms(folders())
    height = BESIDE + (1 + rooms.level(rooms.top)) * (HEIGHT + BELOW) + 10
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {rooms.width} '
        f'{height}" font-family="Helvetica, Arial, sans-serif">',
        '  <title>The rooms of the package: imports point down</title>',
        '  <defs><marker id="tip" markerWidth="8" markerHeight="8" refX="6" '
        'refY="4" orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="#555"/>'
        '</marker></defs>',
        f'  <rect width="{rooms.width}" height="{height}" fill="#fff"/>',
        *(f'  <path d="M{x1},{y1} L{x2},{y2}" stroke="#555" '
          'marker-end="url(#tip)"/>'
          for name, others in rooms.arrows.items()
          for other in others
          for x1, y1, x2, y2 in [rooms.arrow(name, other)]),
        *(line for name in rooms.graph for line in room(rooms, name)),
        f'  <text x="{BESIDE}" y="{height - 15}" font-size="12" '
        f'fill="#555">{LEGEND}</text>',
        '</svg>', '']
    return '\n'.join(lines)


def room(rooms, name):
    x, y, width = rooms.box(name)
    stroke, fill = COLORS[uses_zodb(name)]
    middle = x + width // 2
    yield (f'  <rect x="{x}" y="{y}" width="{width}" height="{HEIGHT}" rx="5" '
           f'stroke="{stroke}" stroke-width="1.5" fill="{fill}"/>')
    yield (f'  <text x="{middle}" y="{y + 21}" text-anchor="middle" '
           f'font-size="14" font-weight="bold">{name}</text>')
    letters = LETTERS * width // WIDTH
    for number, line in enumerate(textwrap.wrap(first_line(name), letters)):
        yield (f'  <text x="{middle}" y="{y + 38 + number * LINE}" '
               'text-anchor="middle" font-size="12" fill="#333">'
               f'{escape(line, quote=False)}</text>')


if __name__ == '__main__':
    (HERE / 'layers.svg').write_text(draw())
