"""The channel of outbound calls: one request each, and what its answer or its failure means.

The call's key travels as `Idempotency-Key`, the same for each attempt, so that the other side can tell a
repetition. An attempt is marked as departed just before the first byte leaves: a failure before that is
`NotSent`, one after it `Ambiguous`. Private addresses have to be listed, also where the name of a public service comes
to mean one; redirects, which the other side would choose, are not followed.

References in headers are replaced at the last moment, here and nowhere else, so that no secret can get into a log, a
fact or a receipt.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

import aiohttp
import msgspec
from multidict import CIMultiDict
from pydantic import BaseModel

from parcours.channel import (
    CALL,
    HTTP_STATUSES,
    Accepted,
    AddressForbidden,
    Attempt,
    Channel,
    Delivery,
    Guard,
    NotSent,
    Receipt,
    Refused,
    RequestTrace,
    receipt_of,
)
from parcours.core.storable import objection
from parcours.dispatch.call_body import CallContent, CallSettings
from parcours.journey.model.references import is_reference

PACKED: Mapping[str, int] = MappingProxyType({"gzip": 31, "x-gzip": 31, "deflate": 15})
"""Ways of packing that are undone though they were not asked for, and how zlib is told of each."""

FORBIDDEN = (
    f"the host has no public address, and its network is not in channels.{CALL}.allowed_networks of parcours.yaml"
)
"""Why a call is not made that would reach into a private network."""


class HttpCaller(Channel):
    """Makes calls as a `Channel` sends messages: the address of each is its URL."""

    Settings: ClassVar[type[BaseModel]] = CallSettings
    Content: ClassVar[type[BaseModel]] = CallContent
    address_kind: ClassVar[str] = "url"

    def __init__(self, settings: CallSettings) -> None:
        self._settings = settings
        self._trace = RequestTrace()
        self.capacity = settings.requests_max

    async def start(self) -> None:
        guard = Guard(self._settings.allowed_networks)
        self._session = aiohttp.ClientSession(
            # A connection for each call: one that is kept may be closed by the other side just as it is used
            # again, and nobody could say then what became of the call. `requests_max` bounds how many there are.
            connector=aiohttp.TCPConnector(limit=0, force_close=True, socket_factory=guard.socket_for),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # an answer that cannot be unpacked would pass for one that never came
            timeout=aiohttp.ClientTimeout(total=None),  # each action has its own
            trace_configs=[self._trace.watch(aiohttp.TraceConfig())],
        )
        # Else a GET or PUT whose connection breaks is made again at once, within the same attempt and unheard of.
        self._session._retry_connection = False  # there is no other way to say so

    async def send(self, deliveries: Sequence[Delivery]) -> list[Receipt]:
        return await asyncio.gather(*map(self._send_one, deliveries))

    async def stop(self) -> None:
        await self._session.close()

    async def _send_one(self, delivery: Delivery) -> Receipt:
        content = delivery.content
        assert isinstance(content, CallContent), "the dispatcher of calls has their renderer"
        if unknown := [name for name, value in content.headers.items() if not self._is_known(value)]:
            reason = f"the engine was opened without what the header {unknown[0]} refers to: open it anew"
            return NotSent(delivery.key, reason)
        attempt = Attempt()
        try:
            async with asyncio.timeout(content.timeout_s):
                with self._trace.of(attempt):
                    return await self._request(delivery, content, attempt)
        except TimeoutError:
            return attempt.failed(delivery.key, f"no answer within {content.timeout_s:g} s")
        except (aiohttp.InvalidURL, UnicodeError):  # the latter for a name that no host can have
            # Reasons are told without the query, which may say anything of anybody.
            return Refused(delivery.key, f"not a web address: {delivery.to.partition('?')[0]}", code="url")
        except aiohttp.ClientResponseError as error:
            return attempt.failed(delivery.key, f"{type(error).__name__}: {error.message}")
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, AddressForbidden):
                return Refused(delivery.key, FORBIDDEN, code="address")
            return attempt.failed(delivery.key, error)

    def _is_known(self, value: str) -> bool:
        return not is_reference(value) or value in self._settings.secrets

    def _headers(self, key: str, content: CallContent) -> CIMultiDict[str]:
        headers = CIMultiDict({"Accept": "application/json"})
        if content.body is not None:
            headers["Content-Type"] = "application/json"
        for name, value in content.headers.items():
            headers[name] = self._settings.secrets[value].get_secret_value() if is_reference(value) else value
        headers["Accept-Encoding"] = "identity"  # what is packed might unpack to any size
        headers["Idempotency-Key"] = key
        return headers

    async def _request(self, delivery: Delivery, content: CallContent, attempt: Attempt) -> Receipt:
        async with self._session.request(
            content.method,
            delivery.to,
            data=content.body,
            headers=self._headers(delivery.key, content),
            skip_auto_headers=["Content-Type"],
            allow_redirects=False,
        ) as answer:
            verdict, code = HTTP_STATUSES.meaning(answer.status), str(answer.status)
            if verdict == "accepted":
                kept, fault = await self._read(answer) if content.has_answer else ({}, None)
                return Accepted(delivery.key, answer=kept, reason=fault)
            return receipt_of(verdict, delivery.key, f"the other side answered {code}", code, attempt.retry_after_s)

    async def _read(self, answer: aiohttp.ClientResponse) -> tuple[dict[str, Any], str | None]:
        """The answer's object, or an empty one and why nothing of it can be used."""
        text, most = bytearray(), self._settings.answer_bytes_max
        async for part in answer.content.iter_any():
            text += part
            if len(text) > most:
                return {}, f"the answer is longer than answer_bytes_max={most}"
        unpacked, fault = _unpacked(bytes(text), answer.headers.get("Content-Encoding", ""), most)
        if fault is not None:
            return {}, fault
        try:
            decoded = msgspec.json.decode(unpacked)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return {}, "the answer is not JSON"
        if not isinstance(decoded, dict):
            return {}, "the answer is not an object"
        fault = objection(decoded, unpacked.count(b"{") + unpacked.count(b"["))
        return ({}, f"the answer is not taken, with {fault}") if fault else (decoded, None)


def _unpacked(text: bytes, encoding: str, most: int) -> tuple[bytes, str | None]:
    """The text of an answer, of which no more than `most` bytes are unpacked, or why it cannot be read."""
    packing = encoding.strip().lower()
    if packing in ("", "identity"):
        return text, None
    if packing not in PACKED:
        return b"", f"the answer is packed as {packing[:40]!r}, which was not asked for"
    try:
        unpacked = zlib.decompressobj(PACKED[packing]).decompress(text, most + 1)
    except zlib.error:
        return b"", f"the answer is packed as {packing!r} and cannot be unpacked"
    return unpacked, f"the answer is longer than answer_bytes_max={most}" if len(unpacked) > most else None
