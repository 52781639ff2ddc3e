"""What synchronizers make of twelve accidents.

    python -m benchmarks.accidents [--items N] [--only CASE]

Each case is played with this release, and with Unison, rclone bisync,
vdirsyncer and diffsync, as far as they do the job at all: most cases with two
folders, which have a file for each item; those about listings, replies and
references with a server.  diffsync and vdirsyncer come from PyPI, and get an
environment of their own in benchmarks/.environments.  Unison and rclone must
be installed, and so must this package with the extra ``test``.

*Right* is what the text of a case says.  *Wrong* means that something is lost,
overwritten, or there twice, without a word.  *Partly* is all else.  The
results are kept, unless ``--only`` is given.
"""

import argparse
import functools
import json
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

from benchmarks.accidents import buckets, calendars, folders, services
from benchmarks.accidents.outcomes import (
    NOT,
    PARTLY,
    RIGHT,
    WRONG,
    Outcome,
)
from benchmarks.lib.environments import VARIABLES, module, python_of
from benchmarks.lib.progress import Progress
from benchmarks.lib.results import (
    RESULTS,
    Results,
    about,
    installed_commit,
    keep,
)
from benchmarks.lib.table import framed
from benchmarks.synchronizer.__main__ import prepare
from benchmarks.synchronizer.programs import (
    ENVIRONMENT,
    Rclone,
    This,
    Unison,
    Vdirsyncer,
)

TITLES = {
    1: ('a store loses all but one of its items',
        'they are held, other changes arrive, and the exit code tells'),
    2: ('an empty folder is where a store was',
        'nothing is deleted, the exit code tells, and once the store is back, '
        'changes arrive'),
    3: ('page 3 of 5 fails, or lacks the list',
        'nothing is deleted, and no change is missed'),
    4: ('an item moves between pages',
        'it is not deleted, though no page shows it'),
    5: ('killed before the reply to an addition',
        'the next run leaves one of each item'),
    6: ('different changes of one item; the same twice',
        'both stores have both changes; the same change writes nothing'),
    7: ('A deletes what B changes',
        'it survives in both, and that is reported; if deletions should win, '
        'it goes'),
    8: ('a store drops a field, and cuts another',
        'a second run has nothing to do, and the field survives elsewhere'),
    9: ('C fails while A and B agree', 'once C is back, it gets the change'),
    10: ('items that refer to each other',
         'who is referred to comes first, with new ids, also in a circle, and '
         'goes last'),
    11: ('the memory is lost, and some items differ',
         'a person gets the three fields that differ; nothing is added, '
         'deleted or overwritten, nor are a name in NFC and the same in NFD'),
    12: ('a run is paused, another one runs; an old plan',
         'one of each item; of the plan, only the stale step is left'),
}
NO_PAGES = 'it reads no listings in pages of numbers'
NO_REFERENCES = 'it knows no references'
MARKS = {PARTLY: 'partly', WRONG: 'wrong', NOT: 'not its job'}
#: What a program doesn't do.
LEFT_OUT = {
    Unison.name: {
        3: NO_PAGES, 4: NO_PAGES, 8: 'it knows folders only',
        10: NO_REFERENCES},
    Rclone.name: {
        4: NO_PAGES, 10: NO_REFERENCES},
    Vdirsyncer.name: {3: NO_PAGES, 4: NO_PAGES, 10: NO_REFERENCES},
}
#: Items in other cases than the first.
COUNT = 100


def cases(program, count):
    """Return a function for each case of a program, which takes a folder."""
    others: dict[type, dict] = {
        This: {**services.CASES, 12: functools.partial(
            services.leased, count=COUNT)},
        Rclone: buckets.CASES, Vdirsyncer: calendars.CASES}
    return {
        **{number: functools.partial(
            case, program, count=count if number == 1 else COUNT)
           for number, case in folders.CASES.items()},
        **others.get(program, {})}


def played(program, count, only, progress):
    """Return the outcomes of a program, by case."""
    found = {number: Outcome(NOT, text) for number, text in
             LEFT_OUT.get(program.name, {}).items()}
    for number, case in cases(program, count).items():
        if number in only:
            progress(f'{program.name}, case {number}')
            with tempfile.TemporaryDirectory() as directory:
                found[number] = case(Path(directory))
    return {number: found[number] for number in only}


def diffsync(count, only):
    result = subprocess.run(
        module(ENVIRONMENT, 'benchmarks.accidents.diffsyncing', f'{count}'),
        check=True, capture_output=True, text=True, env=VARIABLES)
    found = json.loads(result.stdout)
    return {number: Outcome(*found[str(number)]) for number in only}


def report(about, outcomes):
    """Return the results as text, as docs/benchmarks.txt has it."""
    numbers = list(next(iter(outcomes.values())))
    versions = ', '.join(f'{name} {version}' for name, version
                         in about['packages'].items())
    lines = [*textwrap.wrap(
        f'Commit {about["commit"]}, {about["date"]}; Python '
        f'{about["python"]}, {about["system"]}; {versions}.', 79), '',
        *framed([['case', *outcomes], *(
            [f'{number}: {TITLES[number][0]}',
             *(each[number].mark for each in outcomes.values())]
            for number in numbers)])]
    lines += ['', '*Right* would be:', '']
    for number in numbers:
        lines += wrapped(f'{number}: {TITLES[number][1]}.')
    for name, each in outcomes.items():
        if found := [number for number in numbers
                     if each[number].mark != RIGHT]:
            lines += ['', name]
            for number in found:
                mark, did = each[number]
                lines += wrapped(f'{number}, {MARKS[mark]}: {did}.', '    ')
    return '\n'.join([*lines, ''])


def wrapped(text, indent=''):
    return textwrap.wrap(
        f'- {text}', 79, initial_indent=indent,
        subsequent_indent=f'{indent}  ')


def packages():
    """Return the versions of the programs."""
    def said(*command):
        return subprocess.run(
            command, check=True, capture_output=True, text=True
        ).stdout.split('\n')[0].replace('version ', '').split()[1]

    code = ('from importlib.metadata import version; '
            'print("is", version({!r}))')
    return {'Unison': said('unison', '-version'),
            'rclone': said('rclone', 'version').lstrip('v'),
            **{name: said(python_of(ENVIRONMENT), '-c', code.format(name))
               for name in ('vdirsyncer', 'diffsync')}}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--items', type=int, default=1_000, metavar='N',
                        help='how many items a store has in the first case '
                        '(%(default)s)')
    parser.add_argument('--only', type=int, action='append', metavar='CASE',
                        choices=list(TITLES), help='may be repeated')
    options = parser.parse_args()
    progress = Progress()
    prepare(progress)
    found = about(packages(), installed_commit())
    only = options.only or list(TITLES)
    outcomes = {program.name: played(program, options.items, only, progress)
                for program in (This, Unison, Rclone, Vdirsyncer)}
    progress('diffsync')
    outcomes['diffsync'] = diffsync(options.items, only)
    text = report(found, outcomes)
    print(text)
    if not options.only:
        keep(found, Results(1, {'items': options.items}, outcomes), text,
             RESULTS / 'accidents')


if __name__ == '__main__':
    sys.exit(main())
