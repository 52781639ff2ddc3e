"""The cases with diffsync, in an environment that has it.

    python -m benchmarks.accidents.diffsyncing COUNT

diffsync is a library: it compares two sides that a program has loaded, and
calls the methods of models that create, update and delete what differs on one
side.  Here these write to lists, and to the tables that insist on references.
Prints JSON: the mark of each case, and what was seen.
"""

import json
import logging
import sqlite3
import sys
from contextlib import closing, suppress

import structlog
from benchmarks.accidents.outcomes import Outcome, judged
from benchmarks.accidents.people import (
    CYCLE,
    SCHEMA,
    inconsistent,
    is_left,
    is_right,
)
from benchmarks.synchronizer.items import item
from diffsync import Adapter, DiffSyncModel

#: Items on a page.
PAGE = 3
ONE_WAY = 'it copies one way'


class Issue(DiffSyncModel):
    _modelname = 'issue'
    _identifiers = ('title',)
    _attributes = ('state', 'owner', 'text')
    title: str
    state: str
    owner: str
    text: str

    @classmethod
    def create(cls, adapter, ids, attrs):
        adapter.rows.append(adapter.stored({**ids, **attrs}))
        return super().create(adapter, ids, attrs)

    def update(self, attrs):
        row = self.adapter.row(self.title)
        row.update(self.adapter.stored({**row, **attrs}))
        return super().update(attrs)

    def delete(self):
        self.adapter.rows.remove(self.adapter.row(self.title))
        return super().delete()


class Side(Adapter):
    """A side whose ``rows`` are documents."""

    issue = Issue
    top_level = ('issue',)

    def __init__(self, rows):
        super().__init__()
        self.rows = rows

    def row(self, title):
        return next(row for row in self.rows if row['title'] == title)

    def load(self):
        for row in self.listing():
            self.add(self.issue(**row))
        return self

    def listing(self):
        return self.rows

    def stored(self, row):
        return row


def rows(count):
    return [item(number) for number in range(count)]


def copy(one, two, side=Side):
    """Load both, and make two equal to one."""
    loaded = Side(two).load()
    side(one).load().sync_to(loaded)


def lost(count):
    """Case 1."""
    one, two = rows(1), rows(count)
    one[0]['state'] = 'done'
    copy(one, two)
    gone = count - len(two)
    return judged(not gone, False, f'{gone:,} of {count:,} deleted')


def replaced(count):
    """Case 2."""
    two = rows(count)
    copy([], two)
    gone = count - len(two)
    return judged(not gone, True, f'{gone:,} of {count:,} deleted')


class Pages(Side):
    """A side that is read in pages; ``page`` returns the answer of one."""

    def listing(self):
        number, last = 1, False
        while not last:
            answer = self.page(number)
            yield from answer['issues']
            number, last = number + 1, answer['last']

    def page(self, number):
        stop = number * PAGE
        return {'issues': [*self.rows[stop - PAGE:stop]],
                'last': stop >= len(self.rows)}


def cut(count):
    """Case 3."""
    class Failing(Pages):
        def page(self, number):
            if number == 3:
                raise OSError('status 500')
            return super().page(number)

    class Lacking(Pages):
        def page(self, number):
            return {'last': True} if number == 3 else super().page(number)

    gone = []
    for side in Failing, Lacking:
        two = rows(5 * PAGE)
        with suppress(OSError, KeyError):
            copy(rows(5 * PAGE), two, side)
        gone.append(5 * PAGE - len(two))
    return judged(
        not any(gone), True, f'a page that fails: {gone[0]} deleted',
        f'a page without its key: {gone[1]} deleted',
        'the exception of the code that reads the pages ends it')


def moved(count):
    """Case 4."""
    class Moving(Pages):
        def page(self, number):
            if number == 2:
                del self.rows[0]
            return super().page(number)

    one, two = rows(5 * PAGE), rows(5 * PAGE)
    copy(one, two, Moving)
    here = any(row['title'] == item(PAGE)['title'] for row in two)
    return judged(here, True, 'the item that moved is '
                  + ('kept' if here else 'deleted'))


def unanswered(count):
    """Case 5."""
    class Killed(BaseException):
        pass

    class Replies(Issue):
        @classmethod
        def create(cls, adapter, ids, attrs):
            super().create(adapter, ids, attrs)
            raise Killed

    class Unanswered(Side):
        issue = Replies

    one, two = rows(10), []
    with suppress(Killed):
        Side(one).load().sync_to(Unanswered(two).load())
    before = len(two)
    copy(one, two)
    return judged(len(two) <= 10, before and len(two) == 10,
                  f'ended before the reply to addition {before}',
                  f'then {len(two)} of 10')


def edited(count):
    """Case 6."""
    one, two = rows(count), rows(count)
    one[7]['owner'], two[7]['state'] = 'ann', 'done'
    copy(one, two)
    kept = any(row['state'] == 'done' for row in one + two)
    return judged(kept, False, ONE_WAY,
                  '' if kept else "B's change is overwritten")


def deleted(count):
    """Case 7."""
    one, two = rows(count), rows(count)
    del one[7]
    two[7]['state'] = 'done'
    copy(one, two)
    kept = any(row['state'] == 'done' for row in two)
    return judged(kept, False, ONE_WAY,
                  '' if kept else "B's change is deleted")


def lossy(count):
    """Case 8."""
    class Lossy(Side):
        def stored(self, row):
            return {**row, 'owner': '', 'text': row['text'][:20]}

    one, two = rows(10), []
    Side(one).load().sync_to(Lossy(two).load())
    steps = Side(one).load().diff_to(Lossy(two).load()).summary()['update']
    return judged(one == rows(10), not steps,
                  f'the second run plans {steps} steps',
                  'the lost field survives')


def failed(count):
    """Case 9."""
    class Away(Side):
        def listing(self):
            raise OSError('away')

    one, two, three = rows(count), rows(count), rows(count)
    one[7]['state'] = 'done'
    with suppress(OSError):
        copy(one, two)
        Side(one).load().sync_to(Away(three).load())
    copy(one, two)
    copy(one, three)
    gets = three[7]['state'] == 'done'
    return judged(one[7] == two[7] == three[7], gets, 'C gets the change'
                  if gets else "C doesn't get the change")


def forgotten(count):
    """Case 11."""
    one, two = rows(count), rows(count)
    for number in range(3, 6):
        one[number]['owner'], two[number]['owner'] = 'ann', 'bob'
    one.append({**item(0), 'title': 'caf\xe9'})
    two.append({**item(0), 'title': 'cafe\u0301'})
    copy(one, two)
    left = sum(row['owner'] == 'bob' for row in two)
    there = any(row['title'] == 'cafe\u0301' for row in two)
    return judged(
        left == 3 and there, False, ONE_WAY,
        f'{3 - left} of 3 fields of B overwritten',
        'NFC and NFD: one is ' + ('kept' if there else 'deleted'))


def paused(count):
    """Case 12."""
    one, two = rows(count), []
    first = Side(one).load(), Side(two).load()
    copy(one, two)
    first[0].sync_to(first[1])
    number = len(two)
    one, two = rows(count), rows(count)
    one[1]['state'] = one[2]['state'] = 'done'
    planned = Side(one).load().diff_to(Side(two).load())
    two[1]['state'] = 'mine'
    Side(one).load().sync_to(Side(two).load(), diff=planned)
    kept = two[1]['state'] == 'mine'
    return judged(
        number == count and kept, True, f'{number:,} of {count:,} items',
        'of a saved plan, the stale step ' + (
            'is left' if kept else 'overwrites what was edited'))


class Person(DiffSyncModel):
    _modelname = 'person'
    _identifiers = ('name',)
    _attributes = ('boss',)
    name: str
    boss: str | None = None

    @classmethod
    def create(cls, adapter, ids, attrs):
        adapter.execute('INSERT INTO person (name, boss) VALUES (?, ?)',
                        ids['name'], adapter.id(attrs['boss']))
        return super().create(adapter, ids, attrs)

    def update(self, attrs):
        self.adapter.execute('UPDATE person SET boss = ? WHERE name = ?',
                             self.adapter.id(attrs['boss']), self.name)
        return super().update(attrs)

    def delete(self):
        self.adapter.execute('DELETE FROM person WHERE name = ?', self.name)
        return super().delete()


class Written(DiffSyncModel):
    _modelname = 'written'
    _identifiers = ('title',)
    _attributes = ('by',)
    title: str
    by: str

    @classmethod
    def create(cls, adapter, ids, attrs):
        adapter.execute('INSERT INTO issue (title, "by") VALUES (?, ?)',
                        ids['title'], adapter.id(attrs['by']))
        return super().create(adapter, ids, attrs)

    def delete(self):
        self.adapter.execute('DELETE FROM issue WHERE title = ?', self.title)
        return super().delete()


class People(Adapter):
    """A side in the tables; without a table, a copy in memory."""

    person = Person
    written = Written
    top_level = ('person', 'written')

    def __init__(self, table=None):
        super().__init__()
        self.table = table

    def execute(self, statement, *values):
        return self.table.execute(statement, values).fetchall()

    def id(self, name):
        """Return the number of a person; -1 if there is none."""
        if name is None:
            return None
        found = self.execute('SELECT id FROM person WHERE name = ?', name)
        return found[0][0] if found else -1

    def load(self, people, issues):
        for name, boss in people:
            self.add(Person(name=name, boss=boss))
        for title, by in issues:
            self.add(Written(title=title, by=by))
        return self


def referring(count):
    """Case 10."""
    names = {id: each['name'] for id, each in CYCLE['person'].items()}
    people = [(each['name'], names[each['boss']])
              for each in CYCLE['person'].values()]
    issues = [(each['title'], names[each['by']])
              for each in CYCLE['issue'].values()]
    with closing(sqlite3.connect(':memory:')) as table:
        table.executescript(SCHEMA)
        added = _tried(lambda: People().load(people, issues).sync_to(
            People(table).load([], [])))
        right = is_right(table)
        table.executescript(
            'DELETE FROM issue; UPDATE person SET boss = NULL;'
            "DELETE FROM person WHERE name != 'Zoe';"
            "INSERT INTO person (name) VALUES ('Ann'), ('Bob');"
            'INSERT INTO issue (title, "by") SELECT \'X\', id FROM person '
            "WHERE name = 'Bob';")
        removed = _tried(lambda: People().load([('Ann', None)], []).sync_to(
            People(table).load([('Ann', None), ('Bob', None)], issues)))
        left = is_left(table)
        return judged(
            not inconsistent(table), right and left, 'additions: '
            + ('all references right' if right else added),
            'removals: ' + ('referrers first' if left else removed))


def _tried(function):
    try:
        function()
    except sqlite3.IntegrityError as error:
        return f'refused ({error})'
    return 'something is missing'


CASES = {1: lost, 2: replaced, 3: cut, 4: moved, 5: unanswered, 6: edited,
         7: deleted, 8: lossy, 9: failed, 10: referring, 11: forgotten,
         12: paused}


def main(count):
    # It would log each item.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(
        logging.CRITICAL))
    outcomes: dict[int, Outcome] = {
        number: case(int(count)) for number, case in CASES.items()}
    print(json.dumps(outcomes))


if __name__ == '__main__':
    main(*sys.argv[1:])
