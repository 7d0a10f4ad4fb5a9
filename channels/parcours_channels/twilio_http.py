"""The HTTP client that Twilio's library is given: one request, made once, with what came of it kept.

The library's own asynchronous client ignores its time-out, logs numbers and texts, and builds its login in
a way that aiohttp is about to drop.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp
from twilio.http.response import Response

from parcours.channel import RequestTrace


class TwilioHttp:
    """Has the shape of `twilio.http.AsyncHttpClient`; time-outs are its caller's."""

    is_async = True

    def __init__(self, trace: RequestTrace) -> None:
        self._session = aiohttp.ClientSession(trace_configs=[trace.watch(aiohttp.TraceConfig())])

    async def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 -- the library hands it over, always None
        allow_redirects: bool = False,
    ) -> Any:
        """A `twilio.http.response.Response`. Raises aiohttp.ClientError."""
        sent = dict(headers or {})
        if auth is not None:
            sent["Authorization"] = aiohttp.encode_basic_auth(*auth)
        async with self._session.request(
            method, url, params=params, data=data, headers=sent, allow_redirects=allow_redirects
        ) as answer:
            return Response(answer.status, await answer.text(), answer.headers)

    async def close(self) -> None:
        await self._session.close()
