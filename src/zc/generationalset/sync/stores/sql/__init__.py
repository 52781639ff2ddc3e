"""Tables of a SQL database."""

from zc.generationalset.sync.stores.sql.accessor import SQLAccessor
from zc.generationalset.sync.stores.sql.store import SQLStore, make

__all__ = ['SQLAccessor', 'SQLStore', 'make']
