"""The examples do what they say, as whole programs."""

import contextlib
import gzip
import importlib.util
import io
import itertools
import os
import pty
import shutil
import subprocess
import sys
import tempfile
import unittest
from concurrent import futures
from pathlib import Path
from unittest import mock

from zc.generationalset.tests.support.layers import Processes
from zc.generationalset.tests.support.places import DATA, EXAMPLES
from zc.generationalset.tests.support.repositories import (
    COMMITS,
    ENVIRONMENT,
    HISTORY,
    fast_import,
    git,
    tree,
)


class ExampleTests(unittest.TestCase):

    layer = Processes

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name).resolve()

    def run_example(self, *arguments, **options):
        return subprocess.run(
            [sys.executable, EXAMPLES / 'replay.py', *arguments],
            **{'env': ENVIRONMENT, 'text': True, 'cwd': self.directory,
               'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE,
               'timeout': 120, **options})

    def load_example(self):
        spec = importlib.util.spec_from_file_location(
            'replay', EXAMPLES / 'replay.py')
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        # ZODB looks there for the classes of what it stores.
        patch = mock.patch.dict(sys.modules, {'replay': module})
        patch.start()
        self.addCleanup(patch.stop)
        return module

    def run_here(self, replay, *arguments):
        """Run it in this process, which is quicker."""
        out, errors = io.StringIO(), io.StringIO()
        with (contextlib.redirect_stdout(out),
              contextlib.redirect_stderr(errors)):
            code = replay.main([str(each) for each in arguments])
        return subprocess.CompletedProcess(
            arguments, code, out.getvalue(), errors.getvalue())

    def make_repository(self, history=HISTORY):
        repository = self.directory / 'repository'
        repository.mkdir()
        git(repository, 'init', '-q')
        git(repository, 'symbolic-ref', 'HEAD', 'refs/heads/main')
        git(repository, 'fast-import', '--quiet', input=history)
        return repository


def table(output):
    """Return the rows of the table that the example shows."""
    rows = {}
    for line in output.splitlines():
        cells = line.rsplit(None, 6)
        if cells and cells[-1] in ('yes', 'NO'):
            client, *numbers, share, equal = cells
            rows[client] = *[
                float(number.replace(',', '')) for number in numbers], \
                float(share.rstrip('%')), equal
    return rows


class ReplayTests(ExampleTests):

    def check_table(self, output, commits):
        rows = table(output)
        self.assertEqual(list(rows), [
            'lags by 1 commit', 'lags by 10 commits', 'lags by 100 commits',
            'lags by 1,000 commits', 'away all the time'])
        for lag, row in zip(
                [1, 10, 100, 1000, commits], rows.values(), strict=True):
            syncs, _, received, full, share, equal = row
            self.assertEqual(syncs, -(-commits // lag))
            self.assertAlmostEqual(share, 100 * received / full, delta=.1)
            self.assertEqual(equal, 'yes')
        return rows

    def check_refused(self, done, *says):
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(done.stdout, '')
        self.assertRegex(done.stderr, r'\Areplay\.py: expected .*\n\Z')
        for text in says:
            self.assertIn(text, done.stderr)

    # What it can replay

    def test_a_git_repository(self):
        repository = self.make_repository()
        done = self.run_example(repository)
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        rows = self.check_table(done.stdout, COMMITS)
        left = len(tree(repository))
        self.assertIn(f'{COMMITS} commits with ', done.stdout)
        self.assertIn(f'; {left} files are left.', done.stdout)
        nearest, away = rows['lags by 1 commit'], rows['away all the time']
        self.assertLess(nearest[4], 60)
        self.assertIn(f'{nearest[4]}% of the bytes', done.stdout)
        self.assertIn(f'and for {away[4]}% if', done.stdout)

    def test_what_git_has_in_the_end_is_what_the_history_makes(self):
        replay = self.load_example()
        repository = self.make_repository()
        # Settings that change what git log says
        for setting in [
                'log.showRoot=false', 'log.diffMerges=separate',
                'diff.renames=copies', 'core.quotePath=true',
                'log.showSignature=true', 'core.abbrev=5']:
            git(repository, 'config', *setting.split('='))
        history = replay.git_history(str(repository))
        self.assertEqual(len(history), COMMITS)
        files = {}
        for changes in history:
            for status, path, content in changes:
                if status == 'D':
                    del files[path]
                else:
                    files[path] = content
        self.assertEqual(files, tree(repository))
        self.assertIn('\n', files)
        self.assertIn('not utf-8 \udcff', files)

    def test_a_shallow_clone_a_bare_one_and_a_directory_inside(self):
        repository = self.make_repository()
        shallow, bare = self.directory / 'shallow', self.directory / 'bare'
        git(self.directory, 'clone', '-q', '--no-checkout', '--depth', '3',
            repository.as_uri(), shallow)
        git(self.directory, 'clone', '-q', '--bare', repository, bare)
        inside = repository / 'inside'
        inside.mkdir()
        for place, commits in [
                (shallow, 3), (bare, COMMITS), (inside, COMMITS)]:
            with self.subTest(place.name):
                done = self.run_example(place)
                self.assertEqual((done.returncode, done.stderr), (0, ''))
                self.check_table(done.stdout, commits)
                self.assertIn(f'; {len(tree(place))} files are left.',
                              done.stdout)

    def test_the_real_history_in_a_file(self):
        done = self.run_example(DATA / 'transaction-history.jsonl.gz')
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        rows = self.check_table(done.stdout, 224)
        self.assertIn('224 commits with 769 changes', done.stdout)
        self.assertIn('; 47 files are left.', done.stdout)
        self.assertLess(rows['lags by 1 commit'][4], 15)
        self.assertEqual(rows['away all the time'][1], 770)

    def test_changes_that_do_not_fit(self):
        # Unknown and deleted, added twice, modified and unknown
        done = self.run_example(self.write_history(
            '[0, [["D", "a"], ["A", "b", "1"], ["M", "c", "1"]]]\n'
            '[1, [["A", "b", "2"], ["D", "c", null], ["D", "c"]]]\n'))
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        self.check_table(done.stdout, 2)
        self.assertIn('; 1 files are left.', done.stdout)

    def test_the_project_itself(self):
        # To trust this repository, git may need somebody's own settings.
        done = self.run_example(env={
            **os.environ, 'PYTHONPATH': ENVIRONMENT['PYTHONPATH']})
        if (EXAMPLES.parent / '.git').exists():
            self.assertEqual((done.returncode, done.stderr), (0, ''))
            self.assertEqual(len(table(done.stdout)), 5)
        else:
            self.check_refused(done, 'this copy', 'name another')

    def test_a_copy_of_the_project_without_its_repository(self):
        # That there is another one around it must not matter.
        repository = self.make_repository()
        copy = repository / 'project' / 'examples'
        copy.mkdir(parents=True)
        shutil.copy(EXAMPLES / 'replay.py', copy)
        done = subprocess.run(
            [sys.executable, copy / 'replay.py'], env=ENVIRONMENT, text=True,
            capture_output=True)
        self.check_refused(
            done, str(copy.parent), 'name another one: replay.py REPOSITORY')

    # What it counts

    def test_bytes_of_full_copies(self):
        replay = self.load_example()
        server = replay.Server(replay.GSet())

        def full_copy():
            return replay.as_json({'generation': server.files.generation,
                                   'contents': list(server.files)})

        self.assertEqual(server.full_copy_bytes(), len(full_copy()))
        for changes in replay.git_history(str(self.make_repository())):
            server.commit(changes)
            self.assertEqual(server.full_copy_bytes(), len(full_copy()))

    # Where it keeps the database

    def test_data(self):
        name = self.directory / 'data.fs'
        history = DATA / 'transaction-history.jsonl.gz'
        done = self.run_example('--data', name, history)
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        self.assertGreater(name.stat().st_size, 100_000)
        self.check_refused(self.run_example('--data', name, history),
                           'a file that does not exist yet', str(name))
        nowhere = self.directory / 'nowhere' / 'data.fs'
        self.check_refused(self.run_example('--data', nowhere, history),
                           'a file that can be written', str(nowhere))

    # Contents while it works

    def test_progress_on_a_terminal_is_one_line(self):
        ours, theirs = pty.openpty()
        with (open(ours, 'rb', buffering=0) as terminal,
              futures.ThreadPoolExecutor() as executor):
            # Read meanwhile: a terminal doesn't keep much.
            shown = executor.submit(read_all, terminal)
            try:
                done = self.run_example(
                    DATA / 'zodb-history.jsonl.gz', stderr=theirs)
            finally:
                os.close(theirs)
            shown = shown.result().decode()
        self.assertEqual(done.returncode, 0)
        self.assertRegex(
            shown, r'\r[\d,]+ of 4,480 commits, [\d,]+/s, \d+ s left +\r')
        self.assertNotIn('\n', shown)
        self.assertTrue(shown.endswith(f'\r{60 * " "}\r'), shown)

    def test_progress_in_a_log_is_a_line_now_and_then(self):
        replay = self.load_example()
        clock = mock.Mock(side_effect=range(0, 1000, 3))
        errors = io.StringIO()
        with (mock.patch.object(replay.time, 'monotonic', clock),
              contextlib.redirect_stderr(errors)):
            progress = replay.Progress(total=2000)
            for done in range(1, 10):
                progress.tell(done * 30)
            progress.end()
        self.assertEqual(errors.getvalue(), (
            '120 of 2,000 commits, 10/s, 188 s left\n'
            '240 of 2,000 commits, 10/s, 176 s left\n'))

    def test_help(self):
        done = self.run_example('--help')
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        self.assertIn('examples:\n  replay.py ', done.stdout)

    # What goes wrong

    def test_a_replica_that_differs(self):
        replay = self.load_example()
        numbers = itertools.count()

        class Forgetful(replay.Replica):  # type: ignore[name-defined]

            def apply(self, updates):
                super().apply({**updates, 'removals': []})

        for answer, differ in [
                # A replica that doesn't forget what was removed
                (mock.patch.object(replay, 'Replica', Forgetful),
                 'lags by 1 commit, lags by 10 commits, lags by 100 commits'),
                # One of the right size with wrong contents
                (mock.patch.object(
                    replay.File, 'for_client',
                    lambda file: {'id': file.id, 'content': next(numbers)}),
                 'lags by 1 commit, lags by 10 commits, lags by 100 commits, '
                 'lags by 1,000 commits, away all the time'),
        ]:
            with self.subTest(differ), answer:
                out, errors = io.StringIO(), io.StringIO()
                with (contextlib.redirect_stdout(out),
                      contextlib.redirect_stderr(errors)):
                    code = replay.main(
                        [str(DATA / 'transaction-history.jsonl.gz')])
                self.assertEqual(code, 1)
                self.assertEqual(
                    errors.getvalue(), 'replay.py: expected all replicas to '
                    f'equal the set, got other contents in: {differ}\n')
                different = [client for client, row
                             in table(out.getvalue()).items()
                             if row[-1] == 'NO']
                self.assertEqual(', '.join(different), differ)
                self.assertNotIn('By presenting', out.getvalue())

    def test_no_repository(self):
        self.check_refused(self.run_example(self.directory),
                           'a git repository with commits', 'not a git repo')
        self.check_refused(self.run_example('nowhere'),
                           'a directory with a git repository', "'nowhere'")
        (self.directory / 'text').write_text('text')
        self.check_refused(self.run_example('text'),
                           'a directory with a git repository', "'text'")

    def test_a_repository_without_a_history(self):
        repository = self.make_repository(b'')
        self.check_refused(self.run_example(repository),
                           'a git repository with commits', 'any commits yet')
        git(repository, 'fast-import', '--quiet',
            input=fast_import([(b'main',), (b'main',)]))
        self.check_refused(self.run_example(repository),
                           'some file changes', 'got 2 commits')

    def test_no_git(self):
        repository = self.make_repository()
        done = self.run_example(
            repository, env={**ENVIRONMENT, 'PATH': str(self.directory)})
        self.check_refused(done, 'the command git')

    def write_history(self, text, opener=gzip.open):
        name = self.directory / 'history.jsonl.gz'
        with opener(name, 'wb') as out:
            out.write(text.encode())
        return name

    def test_broken_files(self):
        whole = (DATA / 'transaction-history.jsonl.gz').read_bytes()
        name = self.directory / 'broken.jsonl.gz'
        damaged = bytearray(whole)
        damaged[len(whole) // 2:len(whole) // 2 + 20] = bytes(20)
        replay = self.load_example()
        for content in [
                b'not gzip', whole[:-100], damaged,
                gzip.compress(b'[0, [["A", "\xff", "1"]]]')]:
            name.write_bytes(content)
            self.check_refused(self.run_here(replay, name))
        self.check_refused(self.run_example('none.jsonl.gz'),
                           'compressed by gzip', "'none.jsonl.gz'", 'No such')

    def test_files_with_something_else(self):
        replay = self.load_example()
        good = '[0, [["A", "a", "1"]]]'
        for line in [
                'no json', '5', '{}', '[]', '[0]', '[0, 5]', '[0, [5]]', '',
                '[0, [["A"]]]', '[0, [["A", "a"]]]', '[0, [["A", 5, "1"]]]',
                '[0, [["R", "a", "1"]]]', '[0, [["A", "a", "1", "2"]]]',
                '[0, [[[], "a", "1"]]]', '[0, [["A", "a", 5]]]']:
            with self.subTest(line):
                name = self.write_history(f'{good}\n{line}\n')
                self.check_refused(self.run_here(replay, name),
                                   'expected in line 2', f'got {line}\n')

    def test_an_empty_history_in_a_file(self):
        self.check_refused(self.run_example(self.write_history('')),
                           'some file changes', 'got 0 commits')


def read_all(terminal):
    """Return what is written to a terminal until it is closed there."""
    parts = []
    # At the end, Linux has an error, and others nothing.
    with contextlib.suppress(OSError):
        while part := terminal.read(10_000):
            parts.append(part)
    return b''.join(parts)
