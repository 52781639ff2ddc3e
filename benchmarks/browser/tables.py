"""The tables of what was measured in browsers."""

from dataclasses import dataclass

from benchmarks.lib.comparison import Row, compared
from benchmarks.lib.table import value


@dataclass
class Beside(Row):
    against: tuple = ('pouch',)


def _appearance(where, title):
    return [
        Beside(f'{title}: in the other, median', 'ms',
               f'{where}_other_median'),
        Beside(f'{title}: in the other, 99 %', 'ms', f'{where}_other_most'),
        Beside(f'{title}: in its own, median', 'ms', f'{where}_own_median'),
        Beside(f'{title}: in its own, 99 %', 'ms', f'{where}_own_most'),
        Beside(f'{title}: put resolved, median', 'ms', f'{where}_done_median')]


APPEARANCE = [
    *_appearance('windows', '2 browsers'),
    *_appearance('windows_paced', '2 browsers, 20/s'),
    *_appearance('tabs', '2 tabs'),
    *_appearance('tabs_paced', '2 tabs, 20/s'),
]
STORED = [
    Beside('usable, server down', 'ms', 'offline'),
    Beside('usable, server up', 'ms', 'online'),
    Beside('known to be current', 'ms', 'current'),
]
FIRST = [
    Beside('usable', 'ms', 'time'),
    Beside('sent', 'B', 'sent'),
    Beside('received', 'B', 'received'),
]
WORK = [
    Beside('all writes done', 'ms', 'work'),
    Beside('all equal', 'ms', 'converged'),
    Beside('sent', 'B', 'sent'),
    Beside('received', 'B', 'received'),
    Beside('conflicts left', 'docs', 'conflicts', against=()),
]
LIBRARY = [
    Beside('gzip', 'B', 'gzip', value('<', 8192)),
    Beside('brotli', 'B', 'brotli'),
    Beside('not compressed', 'B', 'plain'),
]


def lines(settings, results):
    """Return all tables, as lines in reStructuredText."""
    found = []
    if 'appearance' in results:
        found += compared('from a write until it is seen', APPEARANCE,
                          results['appearance'])
    for size, measured in results.get('stored', {}).items():
        found += compared(f'{int(size):,} stored', STORED, measured)
    if 'first' in results:
        found += compared(f'first contact, {settings["first"]:,}', FIRST,
                          results['first'])
    for name, how in ('work', ''), ('queued', ', outbox'):
        if name in results:
            writes = settings['work']['writes']
            found += compared(f'2 browsers, {writes:,} writes each{how}',
                              WORK, results[name])
    if 'library' in results:
        found += compared('the library', LIBRARY, results['library'])
    return found
