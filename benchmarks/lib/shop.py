"""A table of orders, in SQLite and in PostgreSQL.

With 500,000 rows, the file of SQLite has 26 MB.
"""

import sqlite3
from contextlib import closing

import psycopg

#: The SQL for the values of a row, which both kinds understand.
VALUES = "n, 'N' || n, 'customer ' || (n % 1000), n * 0.25, 'to remember'"


def fill_sqlite(path, rows):
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(f"""
            PRAGMA journal_mode = WAL;
            CREATE TABLE orders (
                id INTEGER PRIMARY KEY, number TEXT, customer TEXT,
                total REAL, note TEXT);
            WITH RECURSIVE n(n) AS (
                SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {rows})
            INSERT INTO orders SELECT {VALUES} FROM n;
            PRAGMA wal_checkpoint(TRUNCATE);""")


def fill_postgresql(url, rows):
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("""
            CREATE TABLE orders (
                id bigint PRIMARY KEY, number text, customer text,
                total double precision, note text)""")
        connection.execute(
            f'INSERT INTO orders SELECT {VALUES} '
            f'FROM generate_series(1, {rows}) AS n')
        connection.execute('VACUUM ANALYZE orders')
