"""The parts of a tree that requests ask for."""

from __future__ import annotations

from starlette.requests import Request

from zc.generationalset import wire
from zc.generationalset.parts import Parts
from zc.generationalset.server.bodies import check_path
from zc.generationalset.server.options import Limits
from zc.generationalset.server.problems import Problem
from zc.generationalset.server.queries import query


def parts_asked(request: Request, limits: Limits) -> Parts:
    """Return the parts in the query, in one order for all clients."""
    text = query(request).get('parts')
    if text is None:
        return ()
    try:
        parts = wire.decode_parts(text)
        by_path = {wire.encode_path(part): part for part in parts}
    except (TypeError, ValueError) as error:
        raise Problem(400, f'parts: {error}') from error
    for path, part in by_path.items():
        check_path(part, path, limits)
        if len(part) > wire.SUBSETS:
            raise Problem(400, f'expected at most {wire.SUBSETS} sets within '
                          f'each other, got a path of {len(part)}')
    return tuple([by_path[path] for path in sorted(by_path)])
