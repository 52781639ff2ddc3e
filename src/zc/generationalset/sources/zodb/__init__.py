"""ZODB databases as sources."""

from zc.generationalset.sources.zodb.source import ZODBSource

__all__ = ['ZODBSource']
