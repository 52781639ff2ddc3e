"""Two databases that are kept equal, without sockets."""

import io
import sqlite3
from collections import deque
from contextlib import closing, contextmanager

from zc.generationalset.sql.peers.asking import Asking
from zc.generationalset.sql.peers.beginning import begin
from zc.generationalset.sql.peers.frames import HEAD
from zc.generationalset.sql.peers.links import WORKING, awaited, packed
from zc.generationalset.sql.peers.serving import Serving

SCHEMA = '''
    PRAGMA journal_mode = WAL;
    CREATE TABLE things (id TEXT PRIMARY KEY, a INT, b INT)'''


class Killed(BaseException):
    """A process is killed; nothing catches that."""


class Peer:
    """An SQLite database that others are kept equal with.

    kill
        Called before each write, and after each commit.
    """

    tables = 'things',

    def __init__(self, path, policy='server', schema=SCHEMA, tables=None):
        self.path = path
        self.tables = tables or self.tables
        self.make(schema)
        self.policy = policy
        self.kill = lambda: None
        self.open()

    def open(self):
        self._database = begin(self.named(), self.tables)
        self.database = _Mortal(self._database, lambda: self.kill())

    def close(self):
        self._database.close()

    def named(self):
        return f'sqlite:///{self.path}'

    def make(self, schema):
        with closing(sqlite3.connect(self.path)) as connection:
            connection.executescript(schema)

    def run(self, statement, *values):
        """Execute a statement as some program; return its rows."""
        with closing(sqlite3.connect(
                self.path, isolation_level=None)) as connection:
            return connection.execute(statement, values).fetchall()

    def rows(self, table='things'):
        return sorted(self.run(f'SELECT * FROM {table}'))

    @property
    def things(self):
        return {id: values for id, *values in self.rows()}

    @property
    def generation(self):
        with self._database.reading() as reading:
            return reading.position.generation

    def conflicts(self):
        with self._database.reading() as reading:
            return reading.own('''
                SELECT name, key, base, of_server, of_client, outcome
                FROM {gset}conflicts ORDER BY generation, name, key''')

    def asking(self, **options):
        return Asking(self.database, self.tables, **options).steps()

    def serving(self, **options):
        return Serving(
            self.database, self.tables, self.policy, **options).steps()

    def sync(self, server, **options):
        """Make this one equal with a server; return the report."""
        return converse(self.asking(), server.serving(), **options)


class _Mortal:
    """A database that may be killed at each write."""

    def __init__(self, database, kill):
        self._database = database
        self._kill = kill

    def __getattr__(self, name):
        return getattr(self._database, name)

    @contextmanager
    def writing(self):
        with self._database.writing() as writing:
            yield _Writing(writing, self._kill)
        self._kill()

    @contextmanager
    def applying(self):
        with self._database.applying() as applying:
            yield _Writing(applying, self._kill)
        self._kill()


class _Writing:

    def __init__(self, writing, kill):
        self._writing = writing
        self._kill = kill

    def __getattr__(self, name):
        if name in _WRITES:
            self._kill()
        return getattr(self._writing, name)


_WRITES = 'delete_all', 'update_all', 'insert_all', 'check_references', 'own'


class Side:
    """The steps of one side, and the frames that came for it."""

    def __init__(self, steps):
        self._steps = steps
        self._came = deque()
        self.result = None
        self.is_done = False
        self._wanted = self._take(next, steps)

    def _take(self, step, *arguments):
        try:
            return step(*arguments)
        except StopIteration as done:
            self.result = done.value
            self.is_done = True
            return None

    def sent(self):
        """Go on until there is a frame to send; return it, or None."""
        while not self.is_done and self._wanted is None and self._came:
            self._wanted = self._take(self._steps.send, self._came.popleft())
        frame = self._wanted
        if frame is not None:
            self._wanted = self._take(next, self._steps)
        return frame

    def came(self, frame):
        self._came.append(frame)

    def close(self):
        self._steps.close()


def converse(asking, serving, budget=None, seen=None):
    """Let two sides converse; return the client's report, or None if cut.

    Before each frame, another one tells that a side is still working.

    budget
        How many bytes are carried before the connection is cut.
    seen
        A list that gets all frames.
    """
    with closing(Side(asking)) as client, closing(Side(serving)) as server:
        while not (client.is_done and server.is_done):
            frames = [(frame, there) for here, there in (
                (client, server), (server, client))
                if (frame := here.sent()) is not None]
            if not frames:
                return client.result if client.is_done else None
            for frame, there in frames:
                carried = b''
                for each in WORKING, packed(frame):
                    if seen is not None:
                        seen.append(each[HEAD:])
                    if budget is not None:
                        budget -= len(each)
                        if budget < 0:
                            return _cut(client, server)
                    carried += each
                there.came(awaited(io.BytesIO(carried).read))
        return client.result


def _cut(*sides):
    """Let both sides do what they can without the other one."""
    for side in sides:
        while side.sent() is not None:
            pass
