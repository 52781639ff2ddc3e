"""Caches on the way that answer questions with what they have."""

from http import HTTPStatus

import httpx

#: The most responses that the cache of a host keeps.
KEPT = 20
#: How many answers of caches come for each other fault.
OFTEN = 10


class Caches:
    """A cache before each host, which keeps what nobody has allowed it to.

    Now and then it answers a question with the response to another one, now or
    long ago, and says 304 if the client has that.  But it lets a question pass
    that says ``no-cache``.
    """

    def __init__(self, rnd, report):
        self._rnd = rnd
        self._report = report
        self._kept = {}  # name of a host -> list of responses

    def answer(self, request, badness):
        """Return a response that is kept, or None."""
        kept = self._kept.get(request.url.host)
        if (not kept or not self._is_question(request)
                or request.headers.get('cache-control') == 'no-cache'
                or self._rnd.random() >= OFTEN * badness):
            return None
        headers, body = self._rnd.choice(kept)
        self._report.count('answers of caches')
        tag = dict(headers).get(b'etag', b'').decode()
        if tag == request.headers.get('if-none-match'):
            return httpx.Response(HTTPStatus.NOT_MODIFIED, headers=headers,
                                  stream=httpx.ByteStream(b''))
        return httpx.Response(
            HTTPStatus.OK, headers=headers, stream=httpx.ByteStream(body))

    def keeper(self, request, status, headers):
        """Return what keeps the body of a response; None for others."""
        if status != HTTPStatus.OK or not self._is_question(request):
            return None
        kept = self._kept.setdefault(request.url.host, [])

        def keep(body):
            if len(kept) == KEPT:
                kept.pop(self._rnd.randrange(KEPT))
            kept.append((headers, body))

        return keep

    def _is_question(self, request):
        return request.method == 'GET' and request.url.path == '/updates'
