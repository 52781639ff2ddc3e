"""``bin/test``: the test runner; its last line says what did not run."""

import collections
import functools
import json
import os
import ssl
import sys
import tempfile
import warnings

from zope.testrunner import _script_parts
from zope.testrunner.runner import Runner

from zc.generationalset.tests.support.places import PACKAGE

DEFAULTS = ['--auto-color', '-vv', '-j3',
            '--tests-pattern', '^test_',
            '--test-path', str(PACKAGE.parents[1]),
            '--package', 'zc.generationalset']
#: The environment variable with the file to which all processes of a run write
#: what they skip.  The runner itself counts only what its first process skips.
VARIABLE = 'GSET_TEST_SKIPPED'


def main():
    # To read the certificates of the machine takes 30 ms, and thousands of
    # clients would do it, for nothing.
    ssl.create_default_context = functools.cache(ssl.create_default_context)
    warnings.simplefilter('default')
    # Others have to mend what their own modules are warned of.
    warnings.filterwarnings('error', module=r'zc\.generationalset')
    with tempfile.NamedTemporaryFile('r') as file:
        first = VARIABLE not in os.environ
        path = os.environ.setdefault(VARIABLE, file.name)
        runner = Runner(
            DEFAULTS, script_parts=_script_parts(), cwd=os.getcwd())
        runner.warnings = None  # it would put a filter before ours
        runner.run()
        with open(path, 'a') as skipped:
            for _, reason in runner.skipped:
                skipped.write(json.dumps(reason) + '\n')
        if first:
            tell(collections.Counter(map(json.loads, file)))
    sys.exit(bool(runner.failed))


def tell(reasons):
    """Print how many tests were skipped, and what they lack."""
    if not reasons:
        return
    for reason, number in reasons.items():
        print(f'\nSKIPPED {number}: {reason}')
    print(f'\n{reasons.total()} TESTS DID NOT RUN: put what they lack on this '
          'machine, and run bin/test again.')


if __name__ == '__main__':
    main()
