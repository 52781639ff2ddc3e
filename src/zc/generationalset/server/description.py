"""The description of the server, for tools."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

if TYPE_CHECKING:
    from zc.generationalset.server import Service


@cache
def _description() -> bytes:
    return (Path(__file__).parent / 'openapi.json').read_bytes()


async def describe(_: Service, request: Request) -> Response:
    """Answer GET /openapi.json, which everybody may read."""
    return Response(_description(), media_type='application/json')
