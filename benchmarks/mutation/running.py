"""Unit tests of mutated sources, each run in a process of its own."""

import contextlib
import importlib.abc
import importlib.util
import json
import os
import pkgutil
import signal
import sys
import tempfile
import time
import unittest

from benchmarks.mutation.mutations import MUTATED, PACKAGE

TESTS = 'zc.generationalset.tests.unit'
NOTICED, SURVIVED, TIMEOUT = 'noticed', 'survived', 'timeout'
#: How many processes run at a time.
PROCESSES = os.cpu_count() or 1
#: The time limit of tests of a mutated source: seconds, plus a multiple of
#: their usual time.
PATIENCE, FACTOR = 20, 5


class Runner:
    """Knows which unit tests execute which line, and how long they take."""

    def __init__(self):
        with tempfile.NamedTemporaryFile('r') as file:
            if _wait(_fork(lambda: _cover(file.name))):
                sys.exit('the tests fail without mutations')
            found = json.load(file)
        self.seconds = found['seconds']
        self._tests = found['tests']  # file -> line -> tests

    def run(self, mutations):
        """Yield each mutation, and its result."""
        waiting, running = list(reversed(mutations)), {}
        while waiting or running:
            while waiting and len(running) < PROCESSES:
                mutation = waiting.pop()
                running[self._start(mutation)] = mutation
            pid, status = os.wait()
            if pid in running:
                yield running.pop(pid), _outcome(status)

    def _start(self, mutation):
        tests = self._tests_of(mutation)
        limit = PATIENCE + FACTOR * sum(map(self.seconds.get, tests))
        return _fork(lambda: _try(mutation, tests, int(limit)))

    def _tests_of(self, mutation):
        """Return the names of tests, the quickest first."""
        lines = self._tests.get(str(mutation.path), {})
        tests = {test for number in range(mutation.first, mutation.last + 1)
                 for test in lines.get(str(number), ())}
        if '' in tests:  # executed at import, so any test may depend on it
            room = mutation.path.relative_to(PACKAGE).parts[0]
            room = room.removesuffix('.py')
            tests |= {test for test in self.seconds if _is_of(room, test)}
        return sorted(tests - {''}, key=self.seconds.get)


def _is_of(room, test):
    """Tell whether a test, or a module of tests, is of a module or package.
    """
    return f'{test}.'.startswith((f'{TESTS}.{room}.', f'{TESTS}.test_{room}.'))


def _outcome(status):
    code = os.waitstatus_to_exitcode(status)
    if code == -signal.SIGALRM:
        return TIMEOUT
    return NOTICED if code else SURVIVED


def _fork(action):
    """Do something in a process of its own; return the process id."""
    sys.stdout.flush()
    pid = os.fork()
    if not pid:
        code = 1
        with contextlib.suppress(BaseException):
            os.setpgid(0, 0)
            code = action()
        os._exit(code)
    return pid


def _wait(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _quiet():
    import hypothesis

    # The results of tests must not vary, because mutations are judged by them.
    hypothesis.settings.register_profile(
        'mutation', deadline=None, derandomize=True, database=None)
    hypothesis.settings.load_profile('mutation')
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)


def _suite():
    """Return the unit tests that start no servers and processes."""
    package = importlib.import_module(TESTS)
    loader = unittest.TestLoader()
    for module in pkgutil.walk_packages(package.__path__, f'{TESTS}.'):
        if any(_is_of(room, module.name) for room in MUTATED):
            loaded = importlib.import_module(module.name)
            yield from _tests(loader.loadTestsFromModule(loaded))


def _tests(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from _tests(test)
        elif not hasattr(test, 'layer'):
            yield test


def _cover(name):
    """Write to a file which tests execute which line; return 0 if all pass."""
    import coverage

    errors = os.dup(2)
    _quiet()
    data = coverage.Coverage(
        data_file=None, config_file=False, source=[str(PACKAGE)],
        omit=['*/tests/*'])
    data.start()
    seconds, failed = {}, []
    for test in list(_suite()):
        data.switch_context(test.id())
        start = time.monotonic()
        result = unittest.TestResult()
        test.run(result)
        if result.failures or result.errors:
            failed += result.failures + result.errors
        elif not result.skipped:
            seconds[test.id()] = time.monotonic() - start
    data.stop()
    for test, text in failed:
        os.write(errors, f'{test.id()}\n{text}\n'.encode())
    found = data.get_data()
    tests = {
        file: {str(line): [test for test in names
                           if not test or test in seconds]
               for line, names in found.contexts_by_lineno(file).items()}
        for file in found.measured_files()}
    with open(name, 'w') as file:
        json.dump({'seconds': seconds, 'tests': tests}, file)
    return 0


def _try(mutation, tests, limit):
    """Return 1 if a test fails with the mutated source."""
    signal.alarm(limit)
    _quiet()
    sys.meta_path.insert(0, _Mutated(mutation))
    try:
        suite = unittest.TestLoader().loadTestsFromNames(tests)
    except Exception:
        return 1
    result = unittest.TestResult()
    result.failfast = True
    suite.run(result)
    return 0 if result.wasSuccessful() else 1


class _Mutated(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports the mutated source in place of the module."""

    def __init__(self, mutation):
        self._mutation = mutation

    def find_spec(self, name, path=None, target=None):
        module = self._mutation.module.removesuffix('.__init__')
        if name != module:
            return None
        return importlib.util.spec_from_file_location(
            name, self._mutation.path, loader=self,
            submodule_search_locations=(
                [str(self._mutation.path.parent)]
                if self._mutation.path.stem == '__init__' else None))

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        code = compile(self._mutation.code, str(self._mutation.path), 'exec')
        exec(code, vars(module))
