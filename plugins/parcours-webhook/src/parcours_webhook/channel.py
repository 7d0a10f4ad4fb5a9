"""The channel `webhook`: one signed POST per delivery, and what the answer's status means.

The delivery's key travels as `Idempotency-Key`, the same for a retry, so that a receiver can drop a
duplicate. Whether it does is unknown here, so an answer that leaves open what happened stays `Ambiguous`.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType, SimpleNamespace
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

import aiohttp
from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, JsonValue, SecretStr
from yarl import URL

from parcours.channel import Accepted, Ambiguous, Delivery, NotSent, Receipt, Refused, retry_after_s
from parcours_webhook.guard import AddressForbidden, Guard
from parcours_webhook.signature import HEADER, sign

Verdict: TypeAlias = Literal["accepted", "wait", "dead", "refused", "unknown"]

VERDICTS: Mapping[int, Verdict] = MappingProxyType(
    {
        408: "wait",  # the request did not arrive in time
        410: "dead",  # gone, and will not come back
        425: "wait",  # too early
        429: "wait",  # too many requests
        503: "wait",  # not available, so nothing was taken
    }
)
"""Statuses that say something of their own; the others go by their class."""

CLASS_VERDICTS: Mapping[int, Verdict] = MappingProxyType(
    {
        2: "accepted",
        3: "refused",  # redirects are not followed: they could lead anywhere
        4: "refused",
    }
)
"""Anything else, above all 5xx: the receiver may have acted before it failed."""


class WebhookSettings(BaseModel):
    """How requests are signed and where they may go."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    secret: SecretStr = Field(description="Shared with the receivers, who check the signature with it.")
    allowed_networks: tuple[IPvAnyNetwork, ...] = Field(
        (), description="Networks that may be posted to though they are private, such as 10.1.0.0/16."
    )
    requests_max: int = Field(20, ge=1, description="Requests under way at once.")
    timeout_s: Annotated[float, Field(gt=0)] = Field(
        50.0, description="How long one call of send may take; keep it below the engine's send_timeout_s."
    )


class WebhookContent(BaseModel):
    """What the receiver gets under `data`; texts in it may be templates."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: Mapping[str, JsonValue]


@dataclass(slots=True)
class _Attempt:
    """Whether the request has begun to leave."""

    departed: bool = False


class WebhookChannel:
    """Posts `{"key", "message", "data"}` to the URL that is the delivery's address."""

    Settings: ClassVar[type[BaseModel]] = WebhookSettings
    Content: ClassVar[type[BaseModel]] = WebhookContent
    address_kind: ClassVar[str] = "url"

    def __init__(self, settings: WebhookSettings, clock_s: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._clock_s = clock_s
        self._turns = asyncio.Semaphore(settings.requests_max)

    async def start(self) -> None:
        guard = Guard(self._settings.allowed_networks)
        trace = aiohttp.TraceConfig()
        trace.on_request_headers_sent.append(self._departing)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(socket_factory=guard.socket_for),
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=[trace],
        )

    async def send(self, deliveries: Sequence[Delivery]) -> list[Receipt]:
        deadline = asyncio.get_running_loop().time() + self._settings.timeout_s
        return await asyncio.gather(*(self._send_one(delivery, deadline) for delivery in deliveries))

    async def stop(self) -> None:
        await self._session.close()

    async def _send_one(self, delivery: Delivery, deadline: float) -> Receipt:
        url = _url(delivery.to)
        if url is None:
            return Refused(delivery.key, f"not an http or https address: {delivery.to!r}", permanent=True)
        attempt = _Attempt()
        try:
            async with asyncio.timeout_at(deadline), self._turns:
                return await self._post(delivery, url, attempt)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            return _receipt_of_failure(delivery.key, error, attempt.departed)

    async def _post(self, delivery: Delivery, url: URL, attempt: _Attempt) -> Receipt:
        body = _body(delivery)
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": delivery.key,
            HEADER: sign(self._settings.secret.get_secret_value(), body, int(self._clock_s())),
        }
        async with self._session.post(
            url, data=body, headers=headers, allow_redirects=False, trace_request_ctx=attempt
        ) as answer:
            return receipt_of_status(delivery.key, answer.status, retry_after_s(answer.headers))

    async def _departing(
        self,
        session: aiohttp.ClientSession,
        context: SimpleNamespace,
        parameters: aiohttp.TraceRequestHeadersSentParams,
    ) -> None:
        attempt: Any = context.trace_request_ctx
        attempt.departed = True


def receipt_of_status(key: str, status: int, retry_after_s: float | None) -> Receipt:
    """The receipt for an answer; `retry_after_s` is what the receiver asked to wait, if it did."""
    code, reason = str(status), f"the receiver answered {status}"
    match VERDICTS.get(status) or CLASS_VERDICTS.get(status // 100, "unknown"):
        case "accepted":
            return Accepted(key)
        case "wait":
            return NotSent(key, reason, retry_after_s, code)
        case "dead":
            return Refused(key, reason, permanent=True, code=code)
        case "refused":
            return Refused(key, reason, code=code)
        case "unknown":
            return Ambiguous(key, reason, code)


def _receipt_of_failure(key: str, error: Exception, departed: bool) -> Receipt:
    if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, AddressForbidden):
        return Refused(key, str(error.os_error), code="address")
    reason = f"{type(error).__name__}: {error}"
    if isinstance(error, aiohttp.InvalidURL):  # such as an IP address written as one number
        return Refused(key, reason, permanent=True, code="address")
    return Ambiguous(key, reason) if departed else NotSent(key, reason)


def _url(address: str) -> URL | None:
    try:
        url = URL(address)
    except ValueError:
        return None
    usable = url.scheme in {"http", "https"} and url.host and url.user is None and address.isprintable()
    return url if usable else None


def _body(delivery: Delivery) -> bytes:
    content = delivery.content
    assert isinstance(content, WebhookContent), "the engine hands over the channel's own content"
    body = {"key": delivery.key, "message": delivery.message, "data": dict(content.data)}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
