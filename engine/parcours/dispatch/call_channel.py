"""The channel of outbound calls: one POST of JSON each, and what its answer or its failure means.

The call's key travels as `Idempotency-Key`, the same for each attempt, so that the other side can tell a
repetition. An attempt is marked as departed just before the first byte leaves: a failure before that is
`NotSent`, one after it `Ambiguous`. Addresses are those that the operator wrote into actions.yaml, private
ones as well; redirects, which the other side would choose, are not followed.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

import aiohttp
import msgspec
from pydantic import BaseModel

from parcours.channel import (
    HTTP_STATUSES,
    Accepted,
    Attempt,
    Channel,
    Delivery,
    Receipt,
    Refused,
    RequestTrace,
    receipt_of,
)
from parcours.core.storable import objection
from parcours.dispatch.call_body import CallContent, CallSettings

PACKED: Mapping[str, int] = MappingProxyType({"gzip": 31, "x-gzip": 31, "deflate": 15})
"""Ways of packing that are undone though they were not asked for, and how zlib is told of each."""


class HttpCaller(Channel):
    """Makes calls as a `Channel` sends messages: the address of each is its URL."""

    Settings: ClassVar[type[BaseModel]] = CallSettings
    Content: ClassVar[type[BaseModel]] = CallContent
    address_kind: ClassVar[str] = "url"

    def __init__(self, settings: CallSettings) -> None:
        self._answer_bytes_max = settings.answer_bytes_max
        self._trace = RequestTrace()

    async def start(self) -> None:
        self._session = aiohttp.ClientSession(
            # A connection for each call: one that is kept may be closed by the other side just as it is used
            # again, and nobody could say then what became of the call. `claim_max` bounds how many there are.
            connector=aiohttp.TCPConnector(limit=0, force_close=True),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # an answer that cannot be unpacked would pass for one that never came
            timeout=aiohttp.ClientTimeout(total=None),  # each action has its own
            trace_configs=[self._trace.watch(aiohttp.TraceConfig())],
        )

    async def send(self, deliveries: Sequence[Delivery]) -> list[Receipt]:
        return await asyncio.gather(*map(self._send_one, deliveries))

    async def stop(self) -> None:
        await self._session.close()

    async def _send_one(self, delivery: Delivery) -> Receipt:
        content = delivery.content
        assert isinstance(content, CallContent), "the dispatcher of calls has their renderer"
        attempt = Attempt()
        try:
            async with asyncio.timeout(content.timeout_s):
                with self._trace.of(attempt):
                    return await self._post(delivery, content, attempt)
        except TimeoutError:
            return attempt.failed(delivery.key, f"no answer within {content.timeout_s:g} s")
        except aiohttp.InvalidURL as error:
            return Refused(delivery.key, f"not a web address: {error}", code="url")
        except (aiohttp.ClientError, OSError) as error:
            return attempt.failed(delivery.key, error)

    async def _post(self, delivery: Delivery, content: CallContent, attempt: Attempt) -> Receipt:
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "identity",  # what is packed might unpack to any size
            "Idempotency-Key": delivery.key,
        }
        async with self._session.post(delivery.to, data=content.body, headers=headers, allow_redirects=False) as answer:
            verdict, code = HTTP_STATUSES.meaning(answer.status), str(answer.status)
            if verdict == "accepted":
                kept, fault = await self._read(answer) if content.has_answer else ({}, None)
                return Accepted(delivery.key, answer=kept, reason=fault)
            return receipt_of(verdict, delivery.key, f"the other side answered {code}", code, attempt.retry_after_s)

    async def _read(self, answer: aiohttp.ClientResponse) -> tuple[dict[str, Any], str | None]:
        """The answer's object, or an empty one and why nothing of it can be used."""
        text, most = bytearray(), self._answer_bytes_max
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
