"""SMTP connections that outlive one mail: opened on demand, logged in once, reused, replaced when gone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiosmtplib import SMTP


@dataclass(slots=True)
class Connection:
    """One logged-in connection and the number of mails it has carried."""

    smtp: SMTP
    mails: int = 0

    @property
    def is_fresh(self) -> bool:
        return self.mails == 0


class SmtpPool:
    """Holds the connections that nobody uses at the moment. How many are open at once is its user's bound."""

    def __init__(self, open_one: Callable[[], Awaitable[SMTP]], mails_per_connection_max: int) -> None:
        self._open_one = open_one
        self._mails_max = mails_per_connection_max
        self._idle: list[Connection] = []

    async def take(self) -> Connection:
        """An idle connection that still seems to live, else a new one. Raises what opening raises."""
        while self._idle:
            connection = self._idle.pop()
            if connection.smtp.is_connected:
                return connection
            hang_up(connection.smtp)
        return Connection(await self._open_one())

    def give_back(self, connection: Connection) -> None:
        """Keep the connection for the next mail, or close it if it has carried its share."""
        connection.mails += 1
        if not connection.smtp.is_connected:
            hang_up(connection.smtp)
        elif connection.mails >= self._mails_max:
            hang_up(connection.smtp)
        else:
            self._idle.append(connection)

    async def close(self) -> None:
        """Leave on all idle connections."""
        idle, self._idle = self._idle, []
        await asyncio.gather(*(_quit(connection.smtp) for connection in idle), return_exceptions=True)


async def _quit(smtp: SMTP) -> None:
    try:
        await smtp.execute_command(b"QUIT")
    finally:
        hang_up(smtp)


def hang_up(smtp: SMTP) -> None:
    """Close the connection at once; closing TLS politely would wait up to 30 s for the other side."""
    transport = None if smtp.protocol is None else smtp.protocol.transport
    smtp.close()
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()
