"""One fault of ``benchmarks.faults``; run in the environment that it makes."""

import json
import logging
import sys
import time

from benchmarks.lib.progress import Progress

from zc.generationalset.tests.campaign.faults import FAULTS, run

#: With --quick, the full counts are divided by this.
SHARE = 20


def strike(name, seed, quick, progress):
    """Cause one kind of fault, and return a row of the table."""
    fault = FAULTS[name]
    count = max(2, fault.count // SHARE) if quick else fault.count
    begun = time.monotonic()

    def told(done, count):
        if done % max(1, count // 5) == 0:
            progress(f'{name}: {done} of {count}')

    progress(f'{name}, seed {seed}')
    try:
        report = run(name, seed, count, told)
    except Exception as error:  # any error belongs in the table
        progress(f'FAILED: {name}, seed {seed}: {error!r}')
        return {'title': fault.title, 'seed': seed, 'failed': repr(error)}
    progress(f'{name}: found {report.found} of {report.acknowledged}')
    for text in report.differences:
        progress(f'DIFFERS: {text}')
    return {'title': fault.title, **report.row(),
            'seconds': time.monotonic() - begun}


def main():
    name, seed, quick = json.loads(sys.argv[1])
    # Errors are expected here.
    logging.disable(logging.CRITICAL)
    print(json.dumps(strike(name, seed, quick, Progress())))


if __name__ == '__main__':
    main()
