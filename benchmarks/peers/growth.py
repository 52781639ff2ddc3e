"""Draws docs/peers-items.svg and docs/peers-clients.svg.

    benchmarks/.environments/served/bin/python -m benchmarks.peers.growth

It draws results that ``benchmarks.peers`` has kept: those in FILE, or else the
latest in results/peers/.  It needs matplotlib.
"""

import json
import math
import sys
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib
from benchmarks.lib.environments import CHECKOUT
from benchmarks.lib.results import RESULTS
from benchmarks.lib.servers import SERVERS

DOCS = CHECKOUT / 'docs'
ITEMS = {
    'few': 'delta after 10 changes\n(milliseconds)',
    'many': 'delta after 1,000 changes\n(milliseconds)',
    'poll': 'nothing changed\n(milliseconds)',
    'update': 'one update\n(milliseconds)',
    'copy': 'full copy\n(milliseconds)',
    'copy_first': 'full copy, first byte\n(milliseconds)',
}
STYLES: dict[str, dict[str, Any]] = {
    'this': {'color': '#0b6e99', 'marker': 'o'},
    'kinto_postgresql': {'color': '#b5541c', 'marker': 's'},
    'pouch': {'color': '#5b8c2a', 'marker': '^'},
}
#: Those that keep nothing look like those that do, but paler.
STYLES |= {memory: {**STYLES[disk], 'linestyle': ':', 'alpha': 0.6}
           for memory, disk in [('this_memory', 'this'),
                                ('kinto_memory', 'kinto_postgresql'),
                                ('pouch_memory', 'pouch')]}


def draw_items(pyplot, results):
    figure, panels = pyplot.subplots(2, 3, figsize=(11, 7))
    for panel, (measure, title) in zip(
            panels.flat, ITEMS.items(), strict=True):
        for name, style in STYLES.items():
            points = [(int(size), 1000 * median(
                           round[measure] for round in measured[name]))
                      for size, measured in results.items()
                      if measured.get(name)]
            if points:
                panel.loglog(*zip(*points, strict=True),
                             label=SERVERS[name].title, **style)
        panel.set_title(title)
        panel.set_xlabel('documents')
        _whole_decades(panel)
    figure.legend(*panels[0, 0].get_legend_handles_labels(),
                  loc='lower center', ncols=len(STYLES), frameon=False)
    figure.tight_layout(rect=(0, 0.05, 1, 1))
    _save(figure, 'peers-items.svg')


def draw_clients(pyplot, results):
    figure, (delays, memory) = pyplot.subplots(1, 2, figsize=(9, 3.8))
    for name in ('this', 'pouch'):
        points = [(int(count), measured[name][0])
                  for count, measured in results.items() if name in measured]
        if not points:
            continue
        counts = [count for count, _ in points]
        style, title = STYLES[name], SERVERS[name].title
        for key, label, line in [('most', '99 %', '-'),
                                 ('median', 'median', ':')]:
            delays.loglog(counts, [1000 * result[key] for _, result in points],
                          label=f'{title}, {label}',
                          **{**style, 'linestyle': line})
        memory.loglog(counts, [result['memory'] / 1000
                               for _, result in points],
                      label=title, **style)
    delays.set_title('from a write to its arrival\n(milliseconds)')
    memory.set_title("the server's memory for a client\n(kilobytes)")
    for panel in delays, memory:
        panel.set_xlabel('event streams')
        _whole_decades(panel)
    delays.legend(frameon=False, fontsize=8)
    figure.tight_layout()
    _save(figure, 'peers-clients.svg')


def _whole_decades(panel):
    """Show whole decades, so that noise doesn't look steep."""
    low, high = (math.log10(limit) for limit in panel.get_ylim())
    panel.set_ylim(10 ** math.floor(low), 10 ** math.ceil(high))
    panel.grid(True, which='major', color='#dddddd')


def _save(figure, name):
    figure.savefig(DOCS / name, metadata={'Date': None})
    print(f'{name} drawn')


def latest():
    return max((RESULTS / 'peers').glob('*.json'))


def main():
    import matplotlib.pyplot as pyplot
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else latest()
    results = json.loads(path.read_text())['results']
    # The same data make the same file.
    matplotlib.rcParams.update(
        {'svg.hashsalt': 'growth', 'font.size': 10, 'svg.fonttype': 'none'})
    draw_items(pyplot, results['items'])
    draw_clients(pyplot, results['streams'])


if __name__ == '__main__':
    main()
