"""SQLite databases: one writer, so the number of a note is a generation."""

from zc.generationalset.sql.sqlite.database import SQLiteDatabase

__all__ = ['SQLiteDatabase']
