"""A service of HTTP with items in JSON."""

from zc.generationalset.extras import need

need('client')

from zc.generationalset.sync.stores.rest.accessor import RestAccessor
from zc.generationalset.sync.stores.rest.layout import Layout
from zc.generationalset.sync.stores.rest.paging import Paging
from zc.generationalset.sync.stores.rest.service import Limits, Service
from zc.generationalset.sync.stores.rest.store import RestStore, make

__all__ = ['Layout', 'Limits', 'Paging', 'RestAccessor', 'RestStore',
           'Service', 'make']
