"""The destination `webhook`: members are posted as a JSON array, many in one request.

What the other side will not have of several members is asked for by halves, until it is known whom it will not have:
nobody is given up for the sake of others. A snapshot is posted in the same way, and breaks off where it fails. An
answer that speaks of us and not of members, such as a login that is not taken, holds for everybody. The same request
has the same `Idempotency-Key`: of one member her change's own id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Annotated, ClassVar, Final

import aiohttp
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from parcours.channel import (
    HTTP_STATUSES,
    Accepted,
    AddressForbidden,
    AllowedNetworks,
    Ambiguous,
    Attempt,
    Guard,
    NotSent,
    Receipt,
    Refused,
    RequestTrace,
)
from parcours.destination import Member
from parcours.destinations.snapshots import ToldWithEachMember

OF_US: Final = frozenset({301, 302, 303, 307, 308, 401, 403, 404, 405, 407, 410})
"""Statuses that would be the same whoever was told of: the address, the method or the login is wrong."""


class WebhookSettings(BaseModel):
    """Where members are posted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(description="Where members are posted.")
    headers: Mapping[str, SecretStr] = Field(default_factory=dict, description="Headers of each request.")
    timeout_s: Annotated[float, Field(gt=0)] = Field(30.0, description="How long one answer may take.")
    allowed_networks: AllowedNetworks = ()


class WebhookDestination(ToldWithEachMember):
    """Posts to one address, with one connection for each request."""

    Settings: ClassVar[type[BaseModel]] = WebhookSettings
    libraries: ClassVar[tuple[str, ...]] = ("aiohttp",)

    def __init__(self, settings: WebhookSettings) -> None:
        self._settings = settings
        self._trace = RequestTrace()

    async def start(self) -> None:
        guard = Guard(self._settings.allowed_networks)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, force_close=True, socket_factory=guard.socket_for),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            trace_configs=[self._trace.watch(aiohttp.TraceConfig())],
        )

    async def send(self, members: Sequence[Member]) -> list[Receipt]:
        if not members:
            return []
        receipts = await self._post(members)
        if len(members) == 1 or not all(isinstance(each, Refused) for each in receipts):
            return receipts
        middle = len(members) // 2
        return [*await self.send(members[:middle]), *await self.send(members[middle:])]

    async def stop(self) -> None:
        await self._session.close()

    async def _post(self, members: Sequence[Member]) -> list[Receipt]:
        """One request for these members."""
        attempt = Attempt()
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                with self._trace.of(attempt):
                    return await self._request(members, attempt)
        except TimeoutError:
            return self._broke(members, attempt, f"no answer within {self._settings.timeout_s:g} s")
        except aiohttp.ClientConnectorError as error:
            why = error.os_error
            words = str(why) if isinstance(why, AddressForbidden) else why.strerror or type(why).__name__
            return self._broke(members, attempt, words)
        except (aiohttp.ClientError, OSError, UnicodeError) as error:
            return self._broke(members, attempt, type(error).__name__)

    def _broke(self, members: Sequence[Member], attempt: Attempt, reason: str) -> list[Receipt]:
        """Before it departed nothing was told for certain, and nobody else would be; afterwards nobody can say."""
        if attempt.departed:
            return [Ambiguous(member.id, reason) for member in members]
        return [NotSent(member.id, reason, of_channel=True) for member in members]

    async def _request(self, members: Sequence[Member], attempt: Attempt) -> list[Receipt]:
        body = b"[" + b",".join(member.as_json() for member in members) + b"]"
        headers = {name: value.get_secret_value() for name, value in self._settings.headers.items()}
        headers |= {"Content-Type": "application/json", "Idempotency-Key": _name_of(members)}
        async with self._session.post(self._settings.url, data=body, headers=headers, allow_redirects=False) as answer:
            return [_receipt(member.id, answer.status, attempt.retry_after_s) for member in members]


def _name_of(members: Sequence[Member]) -> str:
    """What tells a request from every other one."""
    if len(members) == 1:
        return members[0].id
    return sha256("".join(member.id for member in members).encode()).hexdigest()


def _receipt(key: str, status: int, retry_after_s: float | None) -> Receipt:
    reason, code = f"the other side answered {status}", str(status)
    if status in OF_US:
        return NotSent(key, reason, retry_after_s, code, of_channel=True)
    match HTTP_STATUSES.meaning(status):
        case "accepted":
            return Accepted(key)
        case "wait":
            return NotSent(key, reason, retry_after_s, code, of_channel=True)
        case "unknown":
            return Ambiguous(key, reason, code)
        case _:
            return Refused(key, reason, code=code)
