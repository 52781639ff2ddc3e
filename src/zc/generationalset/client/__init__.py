"""HTTP clients that keep a replica current, and write."""

from zc.generationalset.extras import need

need('client')

from zc.generationalset.answers import Position
from zc.generationalset.client.clients import AsyncClient, Client
from zc.generationalset.client.errors import (
    BadAnswer,
    Changed,
    ClientError,
    Closed,
    MaybeWritten,
    Refused,
    Unavailable,
)
from zc.generationalset.client.options import HTTPOptions

__all__ = [
    'AsyncClient',
    'BadAnswer',
    'Changed',
    'Client',
    'ClientError',
    'Closed',
    'HTTPOptions',
    'MaybeWritten',
    'Position',
    'Refused',
    'Unavailable',
]
