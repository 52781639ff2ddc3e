"""Databases of each kind, with the same tables."""

import sqlite3
from contextlib import closing

from zope.testing import setupstack

from zc.generationalset.sql.sqlite import SQLiteDatabase
from zc.generationalset.tests.support import tables
from zc.generationalset.tests.support.layers import Databases
from zc.generationalset.tests.support.postgresql_tables import PostgreSQLTests

SCHEMA = '''
    CREATE TABLE people (
        id INTEGER PRIMARY KEY, name VARCHAR(9) UNIQUE, age INTEGER,
        twice INTEGER GENERATED ALWAYS AS (age * 2) STORED,
        CONSTRAINT positive CHECK (age >= 0));
    CREATE TABLE pets (
        id INTEGER PRIMARY KEY,
        owner INTEGER NOT NULL REFERENCES people ON DELETE CASCADE);
    CREATE TABLE badges (
        id INTEGER PRIMARY KEY, name VARCHAR(9) REFERENCES people (name));
    CREATE TABLE log (id INTEGER PRIMARY KEY, what TEXT);
    CREATE TABLE lines (
        place INTEGER, number INTEGER, what TEXT, PRIMARY KEY (place, number))
    '''


class Base:
    """The database has the tables of SCHEMA.

    Each person who is written makes a trigger of a user write to the log.
    """

    database = None

    def execute(self, *statements):
        """Execute statements as another program; return the last one's rows.
        """
        raise NotImplementedError

    def rows(self, table='people', columns='id, name, age'):
        return self.execute(f'SELECT {columns} FROM {table} ORDER BY 1, 2')


class SQLiteBase(Base):

    layer = Databases

    def setUp(self):
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)
        tables.make('data.db', f'''
            PRAGMA journal_mode = WAL; {SCHEMA};
            CREATE TRIGGER "a ""log""" AFTER INSERT ON people BEGIN
                INSERT INTO log (what) VALUES (NEW.id); END;
            CREATE TRIGGER other BEFORE DELETE ON people BEGIN
                SELECT RAISE (ABORT, 'nobody goes'); END;
            CREATE TABLE codes (
                code TEXT COLLATE NOCASE PRIMARY KEY ON CONFLICT REPLACE,
                size REAL UNIQUE ON CONFLICT REPLACE,
                any NOT NULL ON CONFLICT REPLACE DEFAULT 1);
            CREATE TABLE marks (id INTEGER PRIMARY KEY, hidden, mark);
            CREATE UNIQUE INDEX marked ON marks (mark) WHERE NOT hidden''')
        self.database = SQLiteDatabase('data.db')
        self.addCleanup(self.database.close)

    def execute(self, *statements):
        with closing(sqlite3.connect(
                'data.db', isolation_level=None)) as connection:
            for statement in statements:
                rows = connection.execute(statement).fetchall()
        return rows


class PostgreSQLBase(Base, PostgreSQLTests):

    def setUp(self):
        setupstack.setUpDirectory(self)
        self.addCleanup(setupstack.tearDown, self)
        super().setUp()
        self.tell(SCHEMA)
        self.tell('''
            CREATE SEQUENCE numbers;
            CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                INSERT INTO log VALUES (nextval('numbers'), NEW.id);
                RETURN NEW;
            END $$;
            CREATE TRIGGER note BEFORE INSERT ON people
                FOR EACH ROW EXECUTE FUNCTION note()''')
        self.database = self.open()

    def execute(self, *statements):
        for statement in statements:
            cursor = self.tell(statement)
        return cursor.fetchall() if cursor.description else []
