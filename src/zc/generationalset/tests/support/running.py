"""``bin/test``: the test runner; its last line says what did not run."""

import collections
import contextlib
import functools
import inspect
import json
import os
import ssl
import sys
import tempfile
import warnings

import certifi
import httpx
from hypothesis import settings
from zope.testrunner import _script_parts
from zope.testrunner.runner import Runner

from zc.generationalset.tests.support.places import PACKAGE
from zc.generationalset.tests.support.properties import tries

DEFAULTS = ['--auto-color', '-vv', '-j3',
            '--tests-pattern', '^test_',
            '--test-path', str(PACKAGE.parents[1]),
            '--package', 'zc.generationalset']
#: The environment variable with the file to which all processes of a run write
#: what they skip.  The runner itself counts only what its first process skips.
VARIABLE = 'GSET_TEST_SKIPPED'
#: Seconds that requests wait on a busy machine, if they don't say how long.
PATIENCE = 90


def _shared(create):
    """Return what makes a context for the certificates that all trust once.

    To read these takes 30 ms, and thousands of clients would do it, for
    nothing.  Contexts for other certificates belong to who makes them, and may
    be changed.
    """
    usual = {certifi.where(), os.environ.get('SSL_CERT_FILE'),
             os.environ.get('SSL_CERT_DIR')}
    shared = functools.cache(create)

    def create_default_context(*arguments, **options):
        is_usual = not arguments and usual.issuperset(options.values())
        return (shared if is_usual else create)(*arguments, **options)

    return create_default_context


def _be_patient():
    default = inspect.signature(httpx.Client).parameters['timeout'].default
    vars(default).update(vars(httpx.Timeout(PATIENCE)))


@contextlib.contextmanager
def _compiled():
    """Let processes share compiled modules where Python writes none.

    Hundreds of processes would compile the package.
    """
    with tempfile.TemporaryDirectory() as folder:
        if os.environ.pop('PYTHONDONTWRITEBYTECODE', None):
            os.environ['PYTHONPYCACHEPREFIX'] = folder
        yield


def main():
    # A layer's process runs this file, so Python would find modules beside it,
    # and take radicale for the server of this name.
    sys.path[:] = [path for path in sys.path
                   if path != os.path.dirname(os.path.abspath(__file__))]
    _be_patient()
    settings.register_profile('tests', tries(100))
    settings.load_profile('tests')
    ssl.create_default_context = _shared(ssl.create_default_context)
    warnings.simplefilter('default')
    # Others have to mend what their own modules are warned of.
    warnings.filterwarnings('error', module=r'zc\.generationalset')
    with tempfile.NamedTemporaryFile('r') as file, _compiled():
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
