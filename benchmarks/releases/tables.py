"""Goals beside release 0.4.0, and the tables that say whether they are met."""

from dataclasses import dataclass
from statistics import median

from benchmarks.lib.table import Goal, figure, framed, ratio, value

RELEASES = {'this': 'this release', 'reference': '0.4.0'}


@dataclass
class Row:
    title: str
    unit: str
    workload: str
    measure: str
    goal: Goal | None = None


def rows(settings):
    """Return the rows, for the sizes that were used."""
    adds = f'{settings["memory"]["count"]:,}'
    delta = f'{settings["delta_flat"]["count"]:,}'
    subsets = f'10 x {settings["delta_tree"]["count"] // 10:,}'
    small, large = settings['written']['sizes']
    length = f'{settings["length"]["count"]:,}'
    return [
        Row(f'add {adds}, in memory', '/s', 'memory', 'add',
            ratio('>=', 1)),
        Row('changed, random, in memory', '/s', 'memory', 'changed',
            ratio('>=', 1)),
        Row(f'delta of 10 from {delta}, warm', 'ms', 'delta_flat', 'warm',
            ratio('<=', 1.2)),
        Row(f'delta of 10 from {delta}, empty cache', 'ms', 'delta_flat',
            'cold', ratio('<=', 0.33)),
        Row(f'delta of 1,000 from {delta}, empty cache', 'ms', 'delta_flat',
            'cold_many'),
        Row(f'delta of 10 from {subsets}, empty cache', 'ms', 'delta_tree',
            'cold', ratio('<=', 0.2)),
        Row(f'delta of 1,000 from {subsets}, empty cache', 'ms',
            'delta_tree', 'cold_many'),
        Row(f'bytes a commit, 10 x {small // 10:,}', 'B', 'written',
            str(small), ratio('<=', 0.6)),
        Row(f'bytes a commit, 10 x {large // 10:,}', 'B', 'written',
            str(large), ratio('<=', 0.75)),
        Row('1 thread, commits', '/s', 'threads', 'commits_1'),
        Row('1 thread, share of no set', '', 'threads', 'share_1',
            value('>=', 0.65)),
        Row('8 threads, commits', '/s', 'threads', 'commits_8',
            ratio('>=', 3)),
        Row('8 threads, conflicts a commit', '', 'threads', 'conflicts_8',
            value('<=', 0.02)),
        Row('8 threads, share of no set', '', 'threads', 'share_8',
            value('>=', 0.35)),
        Row('8 processes on ZEO, commits', '/s', 'zeo', 'commits',
            ratio('>=', 1.9)),
        Row('8 processes on ZEO, conflicts a commit', '', 'zeo',
            'conflicts', value('<=', 0.03)),
        Row(f'len of {length}, empty cache', 'ms', 'length', 'time',
            value('<', 1)),
    ]


HEADINGS = 'what', 'this', '0.4.0', 'ratio', 'lowest..highest', 'goal', 'met'


def lines(settings, results):
    """Return the table as lines, in reStructuredText."""
    table = [HEADINGS]
    for row in rows(settings):
        measured = results.get(row.workload)
        if measured:
            table.append(_cells(row, measured))
    return framed(table)


def _cells(row, measured):
    if not all(measured.values()):
        return row.title, 'failed', '', '', '', str(row.goal or ''), '?'
    this, reference = (
        [result[row.measure] for result in measured[name]]
        for name in RELEASES)
    ratios = [one / other if other else float('nan')
              for one, other in zip(this, reference, strict=True)]
    met = ''
    if row.goal is not None:
        met = 'yes' if row.goal.is_met(median(ratios), median(this)) else 'NO'
    return (
        row.title, figure(median(this), row.unit),
        figure(median(reference), row.unit), f'{median(ratios):.2f}',
        f'{min(ratios):.2f}..{max(ratios):.2f}', str(row.goal or ''), met)


GROWTH = {'delta': 'delta of 10, ms', 'commit': 'change and commit, ms',
          'bytes': 'bytes a commit'}


def growth_medians(settings, results):
    """Return medians by measure, release and size."""
    return {
        measure: {
            release: [median(result[f'{measure}_{size}']
                             for result in results['growth'][release])
                      for size in settings['growth']['sizes']]
            for release in RELEASES}
        for measure in GROWTH}


def growth_lines(settings, results):
    """Return medians for sets of growing size as another table."""
    if not results.get('growth', {}).get('this'):
        return []
    sizes = settings['growth']['sizes']
    table = [('one set of', 'release', *(f'{size:,}' for size in sizes))]
    medians = growth_medians(settings, results)
    for measure, title in GROWTH.items():
        for release, name in ('this', 'this'), ('reference', '0.4.0'):
            numbers = (figure(number, 'x').removesuffix(' x')
                       for number in medians[measure][release])
            table.append((title, name, *numbers))
    return ['', *framed(table)]
