"""Many changes of a table of SQLite, which are read some at a time."""

from unittest import mock

from zc.generationalset import wire
from zc.generationalset.answers import Position
from zc.generationalset.sql import news
from zc.generationalset.tests.unit.sql.test_sqlite_tracking import Base


class ManyChangesTests(Base):

    schema = 'CREATE TABLE words (word TEXT, place INT, what TEXT, ' \
        'PRIMARY KEY (word, place));'
    names = 'words',

    def test_keys_that_are_not_utf_8(self):
        """They are left out, and are no end of the others."""
        self.run_sql("INSERT INTO words VALUES ('a', 1, 1), ('b', 1, 1)")
        self.followers.sync()
        self.run_sql(
            "UPDATE words SET what = 2 WHERE word = 'a'",
            "DELETE FROM words WHERE word = 'b'",
            "INSERT INTO words VALUES (CAST(x'ff' AS TEXT), 1, 2), "
            "(CAST(x'ff' AS TEXT), 2, 2), ('é', 1, 2), ('c', 1, 2)")
        refused = []
        with mock.patch.object(news, 'CHUNK', 1), \
                self.source.snapshot() as snapshot:
            text = b''.join(wire.encode_chunks(
                snapshot.updates(None, Position(
                    self.replica.epoch, self.replica.generation)),
                unreadable=lambda path, error: refused.append(path)))
        self.assertEqual([path[1][1] for path in refused], [1, 2])
        self.replica.apply(wire.decode(text))
        self.assertEqual(
            sorted(self.replica.items['words']),
            [('a', 1), ('c', 1), ('é', 1)])

    def test_changes_are_looked_for_once(self):
        """How often doesn't depend on how many there are."""
        self.run_sql("INSERT INTO words VALUES ('a', 0, 1), ('b', 0, 1)")
        self.followers.sync()
        since = self.replica.generation
        self.run_sql(
            "DELETE FROM words WHERE word = 'a'",
            *(f"INSERT INTO words VALUES ('c', {place}, 1)"
              for place in range(100)))
        statements = []
        with mock.patch.object(news, 'CHUNK', 10), \
                self.database.reading() as reading:
            reading.connection.set_trace_callback(statements.append)
            found = news.news(reading, reading.table('words'), since)
            self.assertEqual(list(found['removals']), [('a', 0)])
            self.assertEqual(len(list(found['adds'])), 100)
            reading.connection.set_trace_callback(None)
        # Are there more than 10?  What is gone, and what is there?
        self.assertEqual(len([each for each in statements
                              if 'FROM gset_queue' in each]), 3)
