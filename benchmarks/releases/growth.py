"""Draws docs/growth.svg from results that ``benchmarks.releases`` has kept.

    benchmarks/.environments/this/bin/python -m benchmarks.releases.growth

It draws the results in FILE, or else the latest in results/.  It needs
matplotlib.
"""

import json
import math
import sys
from pathlib import Path

import matplotlib
from benchmarks.lib.environments import CHECKOUT
from benchmarks.lib.results import RESULTS
from benchmarks.releases.tables import RELEASES, growth_medians

SVG = CHECKOUT / 'docs' / 'growth.svg'
PANELS = {
    'delta': 'delta of 10, empty cache\n(milliseconds)',
    'commit': 'one change and its commit\n(milliseconds)',
    'bytes': 'written by a commit\n(bytes)',
}
STYLES = {'this': {'color': '#0b6e99', 'marker': 'o'},
          'reference': {'color': '#b5541c', 'marker': 's'}}


def draw(data):
    import matplotlib.pyplot as pyplot
    # The same data make the same file.
    matplotlib.rcParams.update(
        {'svg.hashsalt': 'growth', 'font.size': 10, 'svg.fonttype': 'none'})
    sizes = data['settings']['growth']['sizes']
    medians = growth_medians(data['settings'], data['results'])
    figure, panels = pyplot.subplots(1, 3, figsize=(11, 3.8))
    for panel, (measure, title) in zip(panels, PANELS.items(), strict=True):
        for release, numbers in medians[measure].items():
            panel.loglog(sizes, numbers, label=RELEASES[release],
                         **STYLES[release])
        panel.set_title(title)
        panel.set_xlabel('items in the set')
        # Whole decades, so that noise doesn't look steep.
        low, high = (math.log10(limit) for limit in panel.get_ylim())
        panel.set_ylim(10 ** math.floor(low), 10 ** math.ceil(high))
        panel.grid(True, which='major', color='#dddddd')
    panels[0].legend(frameon=False)
    figure.tight_layout()
    figure.savefig(SVG, metadata={'Date': None})


def latest():
    return max(RESULTS.glob('*.json'))


def main():
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else latest()
    draw(json.loads(path.read_text()))
    print(f'{SVG.name} drawn from {path.name}')


if __name__ == '__main__':
    main()
