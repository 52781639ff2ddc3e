"""The arguments of all programs, and the results that they keep."""

import argparse
import datetime
import json
import os
import platform
import subprocess
from pathlib import Path
from typing import NamedTuple

from benchmarks.lib.environments import CHECKOUT

RESULTS = CHECKOUT / 'benchmarks' / 'results'


def about(packages, commit):
    """Return what readers of the results need to know of the machine."""
    return {
        'date': datetime.date.today().isoformat(),
        'commit': commit,
        'python': platform.python_version(),
        'system': f'{platform.system()} {platform.release()}',
        'processor': f'{os.cpu_count()} x {_processor()}',
        'packages': packages,
    }


def installed_commit():
    """Return the commit that is checked out, with + if src was edited.

    Call this when the checkout has just been installed, because it may be
    edited while the program runs.
    """
    edited = _git('status', '--porcelain', 'src')
    return _git('rev-parse', '--short', 'HEAD') + ('+' if edited else '')


def _git(*arguments):
    result = subprocess.run(['git', *arguments], capture_output=True,
                            text=True, cwd=CHECKOUT)
    return result.stdout.strip()


def _processor():
    try:
        text = Path('/proc/cpuinfo').read_text()
    except OSError:
        return platform.processor() or platform.machine()
    for line in text.splitlines():
        if line.startswith('model name'):
            return line.partition(':')[2].strip()
    return platform.machine()


class Results(NamedTuple):
    """What ``keep`` wants to know of a run."""

    rounds: int
    settings: dict
    results: object


def keep(about, run, text, directory=RESULTS):
    directory.mkdir(exist_ok=True)
    data = {**about, 'rounds': run.rounds, 'settings': run.settings,
            'results': run.results}
    (directory / f'{about["date"]}.json').write_text(
        json.dumps(data, indent=1) + '\n')
    (directory / f'{about["date"]}.txt').write_text(text)


def arguments(description, workloads):
    """Return a parser for what all benchmarks understand."""
    parser = argparse.ArgumentParser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--quick', action='store_true',
        help='a minute, one round, few items; shows that all works, '
        'not how fast it is; the results are not kept')
    parser.add_argument(
        '--rounds', type=int, metavar='N',
        help='how many rounds (5; with --quick 1)')
    parser.add_argument(
        '--only', action='append', choices=workloads, metavar='WORKLOAD',
        help='this workload alone, may be repeated: ' + ', '.join(workloads)
        + '; the results are not kept')
    parser.add_argument(
        '--directory', metavar='DIR',
        help='where databases are put while this runs (default: the '
        "system's directory for temporary files); commits wait for its disk")
    return parser
