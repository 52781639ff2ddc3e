"""The query of a request."""

from __future__ import annotations

from functools import lru_cache

from starlette.datastructures import QueryParams
from starlette.requests import Request

#: Bytes of a query that is kept, and how many are.  Longer ones take memory.
LONGEST, KEPT = 200, 64


def query(request: Request) -> QueryParams:
    """Return the parameters in the query.

    Many clients present the same position, so the last queries are kept.
    """
    text: bytes = request.scope['query_string']
    return _kept(text) if len(text) <= LONGEST else request.query_params


_kept = lru_cache(KEPT)(QueryParams)
