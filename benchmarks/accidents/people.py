"""People who refer to each other, and tables that insist on references."""

SCHEMA = '''
CREATE TABLE person (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL,
    boss INTEGER REFERENCES person);
CREATE TABLE issue (
    id INTEGER PRIMARY KEY, title TEXT NOT NULL,
    "by" INTEGER REFERENCES person);
INSERT INTO person (id, name) VALUES (100, 'Zoe');
CREATE TRIGGER boss BEFORE INSERT ON person
    WHEN NEW.boss NOT IN (SELECT id FROM person)
    BEGIN SELECT RAISE(ABORT, 'no such person'); END;
CREATE TRIGGER author BEFORE INSERT ON issue
    WHEN NEW."by" NOT IN (SELECT id FROM person)
    BEGIN SELECT RAISE(ABORT, 'no such person'); END;
CREATE TRIGGER referred BEFORE DELETE ON person
    WHEN OLD.id IN (SELECT "by" FROM issue)
        OR OLD.id IN (SELECT boss FROM person WHERE id != OLD.id)
    BEGIN SELECT RAISE(ABORT, 'somebody refers to this person'); END;
'''
#: References are names of items here.
CYCLE = {
    'person': {'ann': {'name': 'Ann', 'boss': 'bob'},
               'bob': {'name': 'Bob', 'boss': 'ann'}},
    'issue': {'x': {'title': 'X', 'by': 'bob'}}}
BOSSES = '''
SELECT person.name, boss.name FROM person
LEFT JOIN person AS boss ON person.boss = boss.id
WHERE person.name != 'Zoe' ORDER BY person.name'''
AUTHORS = '''
SELECT issue.title, person.name FROM issue
LEFT JOIN person ON issue."by" = person.id'''
DANGLING = '''
SELECT 1 FROM person WHERE boss NOT IN (SELECT id FROM person)
UNION ALL SELECT 1 FROM issue WHERE "by" NOT IN (SELECT id FROM person)'''


def is_right(table):
    """Tell whether all has come, with its references."""
    return (_all(table, BOSSES), _all(table, AUTHORS)) == (
        [('Ann', 'Bob'), ('Bob', 'Ann')], [('X', 'Bob')])


def is_left(table):
    """Tell whether Ann alone is left."""
    return (_all(table, BOSSES), _all(table, AUTHORS)) == (
        [('Ann', None)], [])


def inconsistent(table):
    """Tell whether something refers to nobody, or is there twice."""
    names = _all(table, 'SELECT name FROM person')
    return _all(table, DANGLING) or len(set(names)) < len(names)


def _all(table, statement):
    return table.execute(statement).fetchall()
