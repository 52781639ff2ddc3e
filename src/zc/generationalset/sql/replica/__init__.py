"""Tables as a replica: they follow a served set, or another database."""

from zc.generationalset.sql.replica.replica import SQLReplica

__all__ = ['SQLReplica']
