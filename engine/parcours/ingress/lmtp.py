"""How do mails that come back get in? A mail server hands them over by LMTP (RFC 2033).

Whatever comes is taken, as a bounce is never bounced: what is no report, or is about nobody, is dropped and counted. A
mail is answered 250 once what it says is on disk; where that cannot be, 451, and the server brings it again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, AnyStr, Final

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import Envelope, Session, syntax

from parcours.errors import NobodyYet, SettingInvalid
from parcours.ingress.bounces import MAIL_BYTES_MAX
from parcours.ingress.door import Door
from parcours.ingress.exchange import Problem
from parcours.ingress.feedback import take_mail
from parcours.ingress.settings import Bounces
from parcours.wording import ForeignText

log = logging.getLogger("parcours.door")

TAKEN: Final = "250 2.6.0 taken"
AGAIN: Final = "451 4.3.0 it cannot be kept now: bring it again"
NOT_OPEN: Final = "451 4.3.2 the door is not open: bring it again"

TOO_LARGE: Final = frozenset({"552 Error: Too much mail data", "500 Line too long (see RFC5321 4.5.3.1.6)"})
"""What aiosmtpd answers to what it has not kept. Nobody could do anything with such an answer to a bounce."""

STOPS_WITHIN_S: Final = 10.0
"""How long mails that are being handed over may take at the end."""


class _Reception:
    """Takes the mails of all connections."""

    def __init__(self, door: Door, bounces: Bounces) -> None:
        self.door = door
        self.channel = bounces.channel
        self.under_way: set[asyncio.Task[Any]] = set()

    async def handle_RCPT(
        self, _server: LMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 taken"

    async def handle_DATA(self, _server: LMTP, _session: Session, envelope: Envelope) -> str:
        """An answer for each recipient, as LMTP has it."""
        content = envelope.content
        assert isinstance(content, bytes), "the server was told to decode nothing"
        serving = asyncio.current_task()
        assert serving is not None
        self.under_way.add(serving)
        try:
            answer = await self._take(content, tuple(envelope.rcpt_tos))
        finally:
            self.under_way.discard(serving)
        return "\r\n".join([answer] * len(envelope.rcpt_tos))

    async def _take(self, mail: bytes, recipients: tuple[str, ...]) -> str:
        if self.door.state in ("starting", "stopping"):
            return NOT_OPEN
        try:
            await take_mail(self.door, self.channel, mail, recipients)
        except NobodyYet:
            return AGAIN
        except Problem as problem:
            log.warning("a mail that came back was dropped: %s", ForeignText(problem))
        except Exception:
            log.exception("a mail that came back could not be taken")
            return AGAIN
        return TAKEN


class _Server(LMTP):
    """One connection."""

    line_length_limit = MAIL_BYTES_MAX

    def __init__(self, reception: _Reception, connections: set[asyncio.Task[Any]]) -> None:
        super().__init__(reception, data_size_limit=0, enable_SMTPUTF8=True, hostname="parcours", ident="LMTP")
        self._reception = reception
        self._connections = connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if (serving := self._handler_coroutine) is not None:
            self._connections.add(serving)
            serving.add_done_callback(self._connections.discard)

    @syntax("DATA")
    async def smtp_DATA(self, arg: str) -> None:
        # The bound holds while a mail comes in, and is not announced before: a client would bounce what is longer.
        self.data_size_limit = MAIL_BYTES_MAX
        try:
            await super().smtp_DATA(arg)
        finally:
            self.data_size_limit = 0

    async def push(self, status: AnyStr) -> None:
        if status in TOO_LARGE and self.envelope is not None:
            self._reception.door.figures.unheard[self._reception.channel, "too_large"] += 1
            await super().push("\r\n".join([TAKEN] * len(self.envelope.rcpt_tos)))
        else:
            await super().push(status)


@asynccontextmanager
async def receiving(door: Door) -> AsyncIterator[str | None]:
    """While it lasts, mail that came back is taken where the settings say; yields that place, None for nowhere.

    Raises SettingInvalid where nobody can listen.
    """
    bounces = door.settings.bounces
    if bounces is None or bounces.lmtp is None:
        yield None
        return
    connections: set[asyncio.Task[Any]] = set()
    reception = _Reception(door, bounces)
    server = await _listen(bounces.lmtp, lambda: _Server(reception, connections))
    try:
        yield _place(server, bounces.lmtp)
    finally:
        server.close()
        if under_way := list(reception.under_way):
            await asyncio.wait(under_way, timeout=STOPS_WITHIN_S)
        for serving in list(connections):
            serving.cancel()
        await asyncio.gather(*connections, return_exceptions=True)


async def _listen(place: str, serve: Any) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    try:
        if "/" in place:
            return await loop.create_unix_server(serve, place)
        host, _, port = place.rpartition(":")
        return await loop.create_server(serve, host.strip("[]") or "127.0.0.1", int(port))
    except (OSError, ValueError) as error:
        raise SettingInvalid(f"bounces.lmtp: nobody can listen at {place}: {error}") from None


def _place(server: asyncio.Server, place: str) -> str:
    """Where it listens, with the port that was free where any would do."""
    if "/" in place:
        return place
    host, port = server.sockets[0].getsockname()[:2]
    return f"{host}:{port}"
