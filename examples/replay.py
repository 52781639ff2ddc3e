"""Replay the history of a git repository into a generational set.

Each commit becomes one transaction in a ZODB database.  Each file is an item
of a set, and its path is the id.  Meanwhile, clients that lag more or less
behind ask what changed, and keep replicas current.  In the end, a table says
what that cost them, and whether the replicas are right.
"""

import argparse
import contextlib
import gzip
import json
import subprocess
import sys
import tempfile
import time
import zlib
from operator import itemgetter
from pathlib import Path

import persistent
import transaction
import ZODB
from ZODB.FileStorage import FileStorage

from zc.generationalset import GSet
from zc.generationalset.replica import Replica

PROJECT = Path(__file__).resolve().parents[1]
LAGS = [1, 10, 100, 1000]


# The server: a set in a database, and how its items look to clients


class File(persistent.Persistent):
    """An item of the set."""

    def __init__(self, path, content):
        self.id = path
        self.content = content

    def for_client(self):
        return {'id': self.id, 'content': self.content}


def as_json(updates):
    return json.dumps(
        updates, default=File.for_client, separators=(',', ':'))


class Server:
    """Changes the set, and answers clients."""

    def __init__(self, files):
        self.files = files
        # The bytes of the JSON of all files, each with a comma.  They are
        # counted with each change, because making the JSON for every client
        # would take most of the time.
        self._files_bytes = 0

    def commit(self, changes):
        """Make the changes of one commit in one transaction."""
        for status, path, content in changes:
            self._change(status, path, content)
        transaction.commit()

    def _change(self, status, path, content):
        # The set says whether a file is new.  The history may not know: that
        # of a shallow clone doesn't.
        file = self.files.get(path)
        if file is not None:
            self._files_bytes -= len(as_json(file)) + 1
        if status == 'D':
            if file is not None:
                self.files.remove(file)
            return
        if file is None:
            file = File(path, content)
            self.files.add(file)
        else:
            file.content = content
            self.files.changed(file)
        self._files_bytes += len(as_json(file)) + 1

    def updates(self, generation):
        """Return what changed since a generation, as JSON."""
        return as_json(self.files.generational_updates(generation))

    def full_copy_bytes(self):
        """Return how many bytes a client gets that asks for everything."""
        empty = as_json({'generation': self.files.generation, 'contents': []})
        commas = max(len(self.files) - 1, 0)
        return len(empty) + self._files_bytes - len(self.files) + commas


# The clients


class Client:
    """Keeps a replica of the set, and counts the cost."""

    def __init__(self, lag):
        self.lag = lag  # in commits; None if away until the end
        self.replica = Replica(get_id=itemgetter('id'))
        self.syncs = self.behind = self.received = self.full_copies = 0
        self.differs = False

    def __str__(self):
        if self.lag is None:
            return 'away all the time'
        return f'lags by {self.lag:,} commit{"s" if self.lag > 1 else ""}'

    def is_due(self, number):
        return self.lag is not None and number % self.lag == 0

    def sync(self, server):
        generation = self.replica.generation
        answer = server.updates(generation)
        self.replica.apply(json.loads(answer))

        self.syncs += 1
        self.behind += self.replica.generation - generation
        self.received += len(answer)
        self.full_copies += server.full_copy_bytes()
        # In the end, the items are compared, too.
        if len(self.replica.items) != len(server.files):
            self.differs = True

    def compare(self, server):
        files = {file.id: file.for_client() for file in server.files}
        if self.replica.items != files:
            self.differs = True

    @property
    def share(self):
        return self.received / self.full_copies


def replay(history, server, clients):
    """Commit a history while clients sync, and compare them in the end."""
    progress = Progress(len(history))
    for number, changes in enumerate(history, 1):
        server.commit(changes)
        for client in clients:
            if client.is_due(number) or number == len(history):
                client.sync(server)
        progress.tell(number)
    progress.end()
    for client in clients:
        client.compare(server)


# Histories are lists of commits, which are lists of (status, path, content
# id).  The status is D for a deleted file, else something like A or M.


class BadArgument(Exception):
    """An argument of the command is wrong; the text says why."""


def read_history(name):
    if sys.stderr.isatty():
        rewrite_line('reading the history ...')
    if name is None:
        history = git_history(own_repository())
    elif name.endswith('.jsonl.gz'):
        history = history_in_file(name)
    else:
        history = git_history(name)
    if not any(history):
        raise BadArgument('expected a history in which some file changes, '
                          f'got {len(history)} commits that change none')
    return history


def own_repository():
    # A repository around the project isn't the project's own.
    if not (PROJECT / '.git').exists():
        raise BadArgument(
            f'expected a git repository in {PROJECT}, but this copy of the '
            'project is none; name another one: replay.py REPOSITORY')
    return str(PROJECT)


def git_history(repository):
    """Return the history of the current branch of a git repository.

    A merge counts as one commit, with everything that it brings.
    """
    if not Path(repository).is_dir():
        raise BadArgument('expected a directory with a git repository, or a '
                          f'file named *.jsonl.gz, got {repository!r}')
    command = [
        'git', '-C', repository,
        '-c', 'log.showRoot=true', '-c', 'log.diffMerges=first-parent',
        'log', '--reverse', '--first-parent', '-m', '--no-show-signature',
        '--raw', '--no-renames', '--no-abbrev', '-z',
        '--format=tformat:commit']
    try:
        git = subprocess.run(command, capture_output=True)
    except FileNotFoundError:
        raise BadArgument('expected the command git, but there is none; '
                          'a file *.jsonl.gz can do without') from None
    if git.returncode:
        reason = git.stderr.decode(errors='replace').strip().splitlines()
        raise BadArgument(f'expected a git repository with commits, got '
                          f'{repository!r}: {reason[0] if reason else "?"}')
    # Paths are bytes.  Those that aren't UTF-8 survive as surrogates.
    return parse_git_log(git.stdout.decode(errors='surrogateescape'))


def parse_git_log(output):
    """Make a history from the output of git.

    For each commit, the output has "commit", NUL, a line end if files follow,
    and for each file ":mode mode id id status", NUL, its path, NUL.
    """
    history = []
    fields = iter(output.split('\0'))
    for field in fields:
        field = field.lstrip('\n')
        if field == 'commit':
            history.append([])
        elif field:
            *_, content, status = field.split(' ')
            history[-1].append((status, next(fields), content))
    return history


def history_in_file(name):
    """Return the history in a compressed file with a line per commit."""
    try:
        with gzip.open(name, 'rt', encoding='utf-8') as file:
            return [parse_line(number, line)
                    for number, line in enumerate(file, 1)]
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        reason = getattr(error, 'strerror', None) or error
        raise BadArgument('expected a file of lines compressed by gzip, '
                          f'got {name!r}: {reason}') from None


def parse_line(number, line):
    try:
        _, changes = json.loads(line)
        # A deleted file has no content.
        return [parse_change(*change) for change in changes]
    except (TypeError, ValueError):
        raise BadArgument(
            f'expected in line {number} [time, [["A", path, content id], ["M",'
            f' path, content id], ["D", path], ...]], got {line.strip():.60}'
        ) from None


def parse_change(status, path, content=None):
    expected = {'A': str, 'M': str, 'D': str | None}.get(status)
    if not (expected and isinstance(content, expected)
            and isinstance(path, str)):
        raise ValueError('not a change')
    return status, path, content


# What is shown


class Progress:
    """Prints the progress to the standard error output.

    On a terminal, this is one line, written again and again.  Elsewhere, such
    as in a log, it is a line now and then.
    """

    def __init__(self, total):
        self._total = total
        self._terminal = sys.stderr.isatty()
        self._interval = 0.1 if self._terminal else 10
        self._began = self._told = time.monotonic()

    def tell(self, done):
        now = time.monotonic()
        if now - self._told < self._interval:
            return
        self._told = now
        rate = done / (now - self._began)
        left = (self._total - done) / rate
        text = (f'{done:,} of {self._total:,} commits, '
                f'{rate:,.0f}/s, {left:,.0f} s left')
        if self._terminal:
            rewrite_line(text)
        else:
            print(text, file=sys.stderr, flush=True)

    def end(self):
        if self._terminal:
            rewrite_line('')


def rewrite_line(text):
    print(f'\r{text:<60}\r', end='', file=sys.stderr, flush=True)


def show_table(clients):
    row = '{:<21}{:>7}{:>12}{:>12}{:>14}{:>7}{:>6}'.format
    print(row('', '', 'generations', 'bytes', 'bytes of', '', '').rstrip())
    print(row('client', 'syncs', 'behind', 'received', 'full copies',
              'share', 'equal'))
    for client in clients:
        print(row(
            str(client),
            f'{client.syncs:,}',
            f'{client.behind / client.syncs:,.1f}',
            f'{client.received:,}',
            f'{client.full_copies:,}',
            percent(client.share),
            'NO' if client.differs else 'yes'))


def percent(share):
    return f'{share:.1%}' if share >= 0.01 else f'{share:.3%}'


def show_conclusion(clients):
    nearest, *_, away = clients
    print()
    print(
        'By presenting one number, its generation, each client got what it '
        'lacked, and\nhas an equal replica now: for '
        f'{percent(nearest.share)} of the bytes of full copies if it asked\n'
        f'after every commit, and for {percent(away.share)} if it asked but '
        'once.')
    if any(round(client.share, 3) > 1 for client in clients):
        print('(Over 100%: the set listed removals, too, being few enough.)')


# The command


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="""\
examples:
  replay.py                    the history of this project
  replay.py ~/src/linux        that of another git repository
  replay.py edits.jsonl.gz     that in a file, with a line for each commit:
      [1194552925, [["A", "setup.py", "20c9811d"], ["D", "old.py"]]]
      (the time, and what was added, modified with its content id, or deleted)

It exits with 0 if all replicas equal the set, with 1 if one does not, and
with 2 if there is no such history.
""")
    parser.add_argument(
        'history', nargs='?', metavar='HISTORY',
        help='a git repository, or a file *.jsonl.gz '
        '(default: the repository that this file is in)')
    parser.add_argument(
        '--data', metavar='FILE',
        help='keep the database in FILE, which must not exist yet '
        '(default: a temporary file)')
    return parser.parse_args(arguments)


@contextlib.contextmanager
def open_database(name):
    """Yield a new database in a file, or in a temporary one."""
    with contextlib.ExitStack() as stack:
        if name is None:
            name = stack.enter_context(tempfile.TemporaryDirectory())
            name += '/data.fs'
        elif Path(name).exists():
            raise BadArgument(
                f'expected a file that does not exist yet, got {name!r}')
        try:
            storage = FileStorage(name)
        except OSError as error:
            raise BadArgument('expected a file that can be written, '
                              f'got {name!r}: {error}') from None
        yield stack.enter_context(contextlib.closing(ZODB.DB(storage)))


def run(options):
    history = read_history(options.history)
    clients = [Client(lag) for lag in [*LAGS, None]]
    with open_database(options.data) as database:
        connection = database.open()
        files = connection.root.files = GSet()
        transaction.commit()
        began = time.monotonic()
        replay(history, Server(files), clients)
        seconds = time.monotonic() - began
        print(f'{len(history):,} commits with '
              f'{sum(map(len, history)):,} changes, in {seconds:.1f} s; '
              f'{len(files):,} files are left.\n')
        connection.close()
    show_table(clients)
    different = [str(client) for client in clients if client.differs]
    if different:
        print('replay.py: expected all replicas to equal the set, got other '
              f'contents in: {", ".join(different)}', file=sys.stderr)
        return 1
    show_conclusion(clients)
    return 0


def main(arguments=None):
    try:
        return run(parse_arguments(arguments))
    except BadArgument as error:
        print(f'replay.py: {error}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print('\nreplay.py: interrupted', file=sys.stderr)
        return 130


if __name__ == '__main__':
    sys.exit(main())
