"""The channel `webhook`: one signed POST per delivery, and what the answer's status means.

The delivery's key travels as `Idempotency-Key`, the same for a retry, so that a receiver can drop a
duplicate. Whether it does is unknown here, so an answer that leaves open what happened stays `Ambiguous`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final

import aiohttp
from pydantic import BaseModel, ConfigDict, Field, JsonValue, SecretStr
from yarl import URL

from parcours.channel import (
    HTTP_STATUSES,
    AddressForbidden,
    AllowedNetworks,
    Attempt,
    Channel,
    Delivery,
    Finding,
    Guard,
    Receipt,
    Refused,
    RequestTrace,
    SideBySide,
    receipt_of,
)
from parcours_webhook.signature import HEADER, sign

DATA_BYTES_MAX: Final = 1_000_000
"""What common servers take without being told otherwise."""

STATUSES: Final = HTTP_STATUSES.but({410: "dead"})  # gone, and will not come back


class WebhookSettings(BaseModel):
    """How requests are signed and where they may go."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    secret: SecretStr = Field(description="Shared with the receivers, who check the signature with it.")
    allowed_networks: AllowedNetworks = ()
    requests_max: int = Field(20, ge=1, description="Requests under way at once.")
    timeout_s: Annotated[float, Field(gt=0)] = Field(
        50.0, description="How long one call of send may take; keep it below the engine's send_timeout_s."
    )


class WebhookContent(BaseModel):
    """What the receiver gets under `data`; texts in it may be templates."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: Mapping[str, JsonValue]


class WebhookChannel(Channel):
    """Posts `{"key", "message", "data"}` to the URL that is the delivery's address."""

    Settings: ClassVar[type[BaseModel]] = WebhookSettings
    Content: ClassVar[type[BaseModel]] = WebhookContent
    address_kind: ClassVar[str] = "url"

    def __init__(self, settings: WebhookSettings, clock_s: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._clock_s = clock_s
        self.capacity = settings.requests_max
        self._side_by_side = SideBySide(settings.requests_max, settings.timeout_s)
        self._trace = RequestTrace()

    @staticmethod
    def normalize(address: str, region: str | None) -> str:
        return str(_url(address))

    @staticmethod
    def check(content: Any) -> list[Finding]:
        assert isinstance(content, WebhookContent), "the engine hands over the channel's own content"
        size = len(_json(dict(content.data)))
        if size <= DATA_BYTES_MAX:
            return []
        return [Finding(f"data has {size} bytes, and {DATA_BYTES_MAX} are the most", refused=True)]

    async def start(self) -> None:
        guard = Guard(self._settings.allowed_networks)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(socket_factory=guard.socket_for),
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=[self._trace.watch(aiohttp.TraceConfig())],
        )

    async def send(self, deliveries: Sequence[Delivery]) -> list[Receipt]:
        return await self._side_by_side.send(deliveries, self._send_one)

    async def stop(self) -> None:
        await self._session.close()

    async def _send_one(self, delivery: Delivery, attempt: Attempt) -> Receipt:
        try:
            url = _url(delivery.to)
        except ValueError as error:
            return Refused(delivery.key, f"not a URL to post to: {error}", permanent=True)
        try:
            return await self._post(delivery, url, attempt)
        except aiohttp.InvalidURL as error:  # such as an IP address written as one number
            return Refused(delivery.key, f"InvalidURL: {error}", permanent=True, code="address")
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, AddressForbidden):
                return Refused(delivery.key, str(error.os_error), code="address")
            raise

    async def _post(self, delivery: Delivery, url: URL, attempt: Attempt) -> Receipt:
        body = _body(delivery)
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": delivery.key,
            HEADER: sign(self._settings.secret.get_secret_value(), body, int(self._clock_s())),
        }
        with self._trace.of(attempt):
            async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                return receipt_of_status(delivery.key, answer.status, attempt.retry_after_s)


def receipt_of_status(key: str, status: int, retry_after_s: float | None) -> Receipt:
    """The receipt for an answer; `retry_after_s` is what the receiver asked to wait, if it did."""
    return receipt_of(STATUSES.meaning(status), key, f"the receiver answered {status}", str(status), retry_after_s)


def _url(address: str) -> URL:
    """The URL that is posted to. Raises ValueError with the reason where none can be."""
    if not address.isprintable() or " " in address:
        raise ValueError("it holds white space or an invisible character")
    try:
        url = URL(address)
    except ValueError:
        raise ValueError("it cannot be read as a URL") from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise ValueError("it does not begin with http:// or https:// and a host")
    if url.user is not None or url.password is not None:
        raise ValueError("it holds a user name")
    return url.with_fragment(None)  # which no client sends


def _body(delivery: Delivery) -> bytes:
    content = delivery.content
    assert isinstance(content, WebhookContent), "the engine hands over the channel's own content"
    body = {"key": delivery.key, "message": delivery.message, "data": dict(content.data)}
    return _json(body)


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
