"""Errors as problem documents, RFC 9457."""

from __future__ import annotations

import http
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response


class Problem(Exception):
    """An error that a client is told of.

    status
        The HTTP status.
    detail
        A sentence for the developer of the client.
    retry_after
        Seconds after which to try again.
    members
        More members of the problem document.
    """

    def __init__(
            self, status: int, detail: str, *,
            retry_after: float | None = None, **members: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.members = members
        self.headers: dict[str, str] = {}
        if retry_after is not None:
            self.headers['retry-after'] = str(max(1, round(retry_after)))
        if status == 401:
            self.headers['www-authenticate'] = 'Bearer'

    def response(self) -> Response:
        title = http.HTTPStatus(self.status).phrase
        body = {'title': title, 'status': self.status, 'detail': self.detail,
                **self.members}
        return Response(
            msgspec.json.encode(body), self.status,
            {'cache-control': 'no-store', **self.headers},
            'application/problem+json')


async def respond(request: Request, error: Exception) -> Response:
    """Make a response of an error; for ``exception_handlers``."""
    if isinstance(error, Problem):
        return error.response()
    if isinstance(error, HTTPException):
        problem = Problem(error.status_code, error.detail)
        problem.headers.update(error.headers or {})
        return problem.response()
    return Problem(500, 'the server has a defect; its log says more'
                   ).response()
