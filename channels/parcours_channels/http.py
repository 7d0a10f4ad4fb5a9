"""What a channel has to know about an HTTP request: whether it left, and how long the answer asks to wait."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import SimpleNamespace

import aiohttp

from parcours.channel import retry_after_s
from parcours_channels.side_by_side import Attempt


class RequestTrace:
    """Marks the attempt at hand when aiohttp is about to write its request, and notes Retry-After.

    The client library in between does not hand anything through, so the attempt travels in a context
    variable: aiohttp calls its trace within the task that makes the request.
    """

    def __init__(self) -> None:
        self._attempt: ContextVar[Attempt] = ContextVar("attempt")
        self.config = aiohttp.TraceConfig()
        self.config.on_request_headers_sent.append(self._departing)
        self.config.on_request_end.append(self._answered)

    @contextmanager
    def of(self, attempt: Attempt) -> Iterator[None]:
        """Requests made within are this attempt's."""
        token = self._attempt.set(attempt)
        try:
            yield
        finally:
            self._attempt.reset(token)

    async def _departing(
        self,
        session: aiohttp.ClientSession,
        context: SimpleNamespace,
        parameters: aiohttp.TraceRequestHeadersSentParams,
    ) -> None:
        self._attempt.get().departed = True

    async def _answered(
        self,
        session: aiohttp.ClientSession,
        context: SimpleNamespace,
        parameters: aiohttp.TraceRequestEndParams,
    ) -> None:
        self._attempt.get().retry_after_s = retry_after_s(parameters.response.headers)
