"""Positions that requests present."""

from __future__ import annotations

import re

from starlette.requests import Request

from zc.generationalset.answers import HIGHEST, Position
from zc.generationalset.server.problems import Problem
from zc.generationalset.server.queries import query
from zc.generationalset.wire import decode_position

_GENERATION = re.compile('[0-9]{1,18}')
_LONGEST_EPOCH = 200


def position_asked(request: Request) -> Position | None:
    """Return the position in the query; None if it has none."""
    asked = query(request)
    position = _position(asked.get('generation', '0'), asked.get('epoch'))
    return position if 'generation' in asked else None


def _position(generation: str, epoch: str | None) -> Position:
    if not _GENERATION.fullmatch(generation) or int(generation) > HIGHEST:
        raise Problem(400, 'expected a generation, an integer from 0 to '
                      f'2^53 - 1, got {generation[:40]!r}')
    if epoch is not None and len(epoch) > _LONGEST_EPOCH:
        raise Problem(400, 'expected an epoch of this server, got '
                      f'{len(epoch)} characters')
    number = int(generation)
    return Position(epoch if number else None, number)


def last_event(request: Request) -> Position | None:
    """Return the position in Last-Event-ID."""
    event = request.headers.get('last-event-id')
    if not event:
        return None
    position = decode_position(event)
    if position is None:
        raise Problem(400, 'expected a Last-Event-ID of this server, '
                      f'EPOCH:GENERATION, got {event[:40]!r}')
    return position
