"""How does an outbound call leave? One POST of JSON, and what its answer or its failure means.

The call's key travels as `Idempotency-Key`, the same for each attempt, so that the other side can tell a
repetition. An attempt is marked as departed just before the first byte leaves: a failure before that is
`NotSent`, one after it `Ambiguous`. Addresses are those that the operator wrote into actions.yaml, private
ones as well; redirects, which the other side would choose, are not followed.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType, SimpleNamespace
from typing import Any, ClassVar, Literal, TypeAlias, assert_never

import aiohttp
import msgspec
from pydantic import BaseModel

from parcours.channel import Accepted, Ambiguous, Delivery, NotSent, Receipt, Refused, retry_after_s
from parcours.core.storable import objection
from parcours.dispatch.call_body import CallContent, CallSettings

CallVerdict: TypeAlias = Literal["answered", "wait", "refused", "unknown"]

VERDICTS: Mapping[int, CallVerdict] = MappingProxyType(
    {
        408: "wait",  # the request did not arrive in time
        425: "wait",  # too early
        429: "wait",  # too many requests
        503: "wait",  # not available, so nothing was done
    }
)
"""Statuses that say something of their own; the others go by their class."""

CLASS_VERDICTS: Mapping[int, CallVerdict] = MappingProxyType({2: "answered", 3: "refused", 4: "refused"})
"""Anything else, above all 5xx: the other side may have acted before it failed."""


PACKED: Mapping[str, int] = MappingProxyType({"gzip": 31, "x-gzip": 31, "deflate": 15})
"""Ways of packing that are undone though they were not asked for, and how zlib is told of each."""


@dataclass(slots=True)
class _Attempt:
    """Whether the request has begun to leave."""

    departed: bool = False


class HttpCaller:
    """Makes calls as a `Channel` sends messages: the address of each is its URL."""

    Settings: ClassVar[type[BaseModel]] = CallSettings
    Content: ClassVar[type[BaseModel]] = CallContent
    address_kind: ClassVar[str] = "url"

    def __init__(self, settings: CallSettings) -> None:
        self._answer_bytes_max = settings.answer_bytes_max

    async def start(self) -> None:
        trace = aiohttp.TraceConfig()
        trace.on_request_headers_sent.append(self._departing)
        self._session = aiohttp.ClientSession(
            # A connection for each call: one that is kept may be closed by the other side just as it is used
            # again, and nobody could say then what became of the call. `claim_max` bounds how many there are.
            connector=aiohttp.TCPConnector(limit=0, force_close=True),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # an answer that cannot be unpacked would pass for one that never came
            timeout=aiohttp.ClientTimeout(total=None),  # each action has its own
            trace_configs=[trace],
        )

    async def send(self, deliveries: Sequence[Delivery]) -> list[Receipt]:
        return await asyncio.gather(*map(self._send_one, deliveries))

    async def stop(self) -> None:
        await self._session.close()

    async def _send_one(self, delivery: Delivery) -> Receipt:
        content = delivery.content
        assert isinstance(content, CallContent), "the dispatcher of calls has their renderer"
        attempt = _Attempt()
        try:
            async with asyncio.timeout(content.timeout_s):
                return await self._post(delivery, content, attempt)
        except TimeoutError:
            reason = f"no answer within {content.timeout_s:g} s"
        except aiohttp.InvalidURL as error:
            return Refused(delivery.key, f"not a web address: {error}", code="url")
        except (aiohttp.ClientError, OSError) as error:
            reason = f"{type(error).__name__}: {error}"
        return Ambiguous(delivery.key, reason) if attempt.departed else NotSent(delivery.key, reason)

    async def _post(self, delivery: Delivery, content: CallContent, attempt: _Attempt) -> Receipt:
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "identity",  # what is packed might unpack to any size
            "Idempotency-Key": delivery.key,
        }
        async with self._session.post(
            delivery.to, data=content.body, headers=headers, allow_redirects=False, trace_request_ctx=attempt
        ) as answer:
            status = answer.status
            code, reason = str(status), f"the other side answered {status}"
            verdict = VERDICTS.get(status) or CLASS_VERDICTS.get(status // 100, "unknown")
            match verdict:
                case "answered":
                    kept, fault = await self._read(answer) if content.has_answer else ({}, None)
                    return Accepted(delivery.key, answer=kept, reason=fault)
                case "wait":
                    return NotSent(delivery.key, reason, retry_after_s(answer.headers), code)
                case "refused":
                    return Refused(delivery.key, reason, code=code)
                case "unknown":
                    return Ambiguous(delivery.key, reason, code)
            assert_never(verdict)

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

    async def _departing(
        self,
        session: aiohttp.ClientSession,
        context: SimpleNamespace,
        parameters: aiohttp.TraceRequestHeadersSentParams,
    ) -> None:
        attempt: Any = context.trace_request_ctx
        attempt.departed = True


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
