"""PostgreSQL, from version 15 on, as a kind of SQL database."""

from zc.generationalset.extras import need

need('sql')

from zc.generationalset.sql.postgresql.database import PostgreSQLDatabase

__all__ = ['PostgreSQLDatabase']
