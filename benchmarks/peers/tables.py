"""Goals beside the peers, and the tables that say whether they are met."""


from benchmarks.lib.comparison import Row, compared
from benchmarks.lib.servers import SERVERS
from benchmarks.lib.table import figure, framed, ratio, value

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
MIXED = [
    Row('900 changes, 100 removals', 'B', 'mixed_bytes', NO_MORE),
    Row('900 changes, 100 removals', 'ms', 'mixed', THIRD),
]
CUT = [
    Row('first copy, cut each MB', 'B', 'cut_bytes', NO_MORE),
    Row('first copy, cut each MB', 'ms', 'cut', NO_MORE),
]
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
    for name, rows in ('mixed', MIXED), ('cut', CUT):
        if name in results:
            found += compared(f'{settings[name]["count"]:,} documents', rows,
                              results[name])
    if 'churn' in results:
        cycles = f'{settings["churn"]["cycles"]:,} created and deleted'
        found += compared(cycles, CHURN, results['churn'])
    if 'streams' in results:
        found += _streams(results['streams'])
    return [*found, *_durability(results)]


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
