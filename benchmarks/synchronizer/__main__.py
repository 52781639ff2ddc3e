"""Compares the synchronizer with programs that do a part of its job.

    python -m benchmarks.synchronizer [--items N] [--rounds N]

Two stores are filled: two sets in ZODB databases, two stores in memory, two
folders with a file for each item.  A first run makes both equal; in another
one, nothing has changed; then one item of a hundred has.  Each figure is the
median of the rounds' processes: seconds of processor, and the most memory.
Below are ratios: what this release takes, where another program takes 1.

Beside it are diffsync and vdirsyncer, from PyPI, which get an environment of
their own in benchmarks/.environments, and Unison and rclone bisync, which are
left out if they aren't installed.  ``python -m benchmarks.accidents`` says
what each program makes of some accidents.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.lib.environments import (
    CHECKOUT,
    VARIABLES,
    make,
    module,
    pip,
)
from benchmarks.lib.processes import Failed
from benchmarks.lib.progress import Progress
from benchmarks.lib.table import framed
from benchmarks.synchronizer.programs import ENVIRONMENT, PROGRAMS, This
from benchmarks.synchronizer.resources import process

STEPS = 'first', 'nothing', 'few'
TITLES = 'first run', 'nothing changed', '1 % changed'
PYTHONPATH = f'{CHECKOUT / "src"}:{CHECKOUT}'


def prepare(progress):
    make(ENVIRONMENT, progress)
    progress('installing diffsync and vdirsyncer')
    pip(ENVIRONMENT, 'diffsync==2.2.3', 'vdirsyncer==0.21.0')


def parsed(command, directory, **variables):
    """Run a command that prints JSON; return that."""
    result = process([*map(str, command)], directory, **variables)
    if result['code']:
        raise Failed(result['output'])
    return json.loads(result['output'].splitlines()[-1])


def stores(kind, count):
    """Return the figures of each step, of two stores in databases."""
    with tempfile.TemporaryDirectory() as directory:
        def run(step, number=count):
            return parsed(
                [sys.executable, '-m', 'benchmarks.synchronizer.measured',
                 kind, step, number], directory, PYTHONPATH=PYTHONPATH)

        if kind == 'memory':
            return run('all')
        run('make')
        figures = {'first': run('run')}
        run('run')  # sees what the first one has written
        figures['nothing'] = run('run')
        run('change', count // 100)
        return {**figures, 'few': run('run')}


def diffsync(count):
    with tempfile.TemporaryDirectory() as directory:
        return {step: parsed(
            module(ENVIRONMENT, 'benchmarks.synchronizer.diffsyncing',
                   changed, count), directory, **VARIABLES)
            for step, changed in (('nothing', 0), ('few', count // 100))}


def folders(program, count):
    """Return the figures of each step, of a program for folders."""
    with tempfile.TemporaryDirectory() as directory:
        made = program(Path(directory))
        for number in range(count):
            made.write('one', number)
        figures = {'first': made.run()}
        made.run()
        figures['nothing'] = made.run()
        for number in range(count // 100):
            made.write('one', number, state='done')
        figures['few'] = made.run()
        if sum('done' in text for text in made.texts('two')) != count // 100:
            raise Failed(f'{program.name}: {figures["few"]["output"]}')
        return figures


def measurements(programs, count):
    """Yield the name of each row, and a function that measures it."""
    yield 'two sets', lambda: stores('sets', count)
    yield 'two stores in memory', lambda: stores('memory', count)
    yield 'diffsync, in memory', lambda: diffsync(count)
    for program in programs:
        yield (f'folders, {program.name}',
               lambda program=program: folders(program, count))


def row(name, rounds):
    """Return the cells of a row."""
    cells = [name]
    for step in STEPS:
        figures = [each[step] for each in rounds if step in each]
        for what, form in ('processor', '{:.2f} s'), ('memory', '{:.0f} MB'):
            value = median(each[what] for each in figures) if figures else None
            cells.append('' if value is None else form.format(
                value / 2 ** 20 if what == 'memory' else value))
    return cells


def ours(name):
    """Return the row of this release that one of another program is compared
    with; None if it is our own."""
    if name.startswith('diffsync'):
        return 'two stores in memory'
    mine = f'folders, {This.name}'
    return mine if name.startswith('folders') and name != mine else None


def ratios(results):
    """Yield rows: how often we take what another program takes."""
    for name, rounds in results.items():
        mine = results.get(ours(name))
        if mine:
            cells = [f'this release / {name}']
            for step in STEPS:
                for what in 'processor', 'memory':
                    found = [one[step][what] / other[step][what]
                             for one, other in zip(mine, rounds, strict=True)
                             if step in other]
                    cells.append(f'{median(found):.2f}' if found else '')
            yield cells


def report(results):
    heading = ['', *(cell for title in TITLES for cell in (title, ''))]
    lines = framed([heading, *(row(*each) for each in results.items()),
                    *ratios(results)])
    return '\n'.join([*lines, ''])


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--items', type=int, default=10_000, metavar='N',
                        help='how many items a store has (%(default)s)')
    parser.add_argument('--rounds', type=int, default=1, metavar='N')
    parser.add_argument('--only', metavar='TEXT', default='',
                        help='the rows that have this in their name')
    options = parser.parse_args()
    progress = Progress()
    prepare(progress)
    programs = [each for each in PROGRAMS if each.is_there()]
    for each in set(PROGRAMS) - set(programs):
        progress(f'{each.name} is not installed, so it is left out')
    results = {}
    for number in range(options.rounds):
        for name, measure in measurements(programs, options.items):
            if options.only in name:
                progress(f'round {number + 1}, {name}')
                results.setdefault(name, []).append(measure())
    print(report(results))


if __name__ == '__main__':
    sys.exit(main())
