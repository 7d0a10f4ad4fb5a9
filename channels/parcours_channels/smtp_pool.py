"""SMTP connections that outlive one mail: opened on demand, logged in once, reused, replaced when gone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from aiosmtplib import SMTP, SMTPAuthenticationError, SMTPException

ASK_AGAIN_S: Final = 60.0
"""After so long another connection is asked for again, where a server has granted fewer than it was asked for."""

REPLACED_S: Final = 1.0
"""The same where it has granted one more before."""


@dataclass(slots=True)
class Connection:
    """One logged-in connection and the number of mails it has carried."""

    smtp: SMTP
    mails: int = 0

    @property
    def is_fresh(self) -> bool:
        return self.mails == 0


class SmtpPool:
    """Holds the connections that nobody uses at the moment. How many are open at once is its user's bound.

    A server may grant fewer. As long as some work, or are being opened, whoever finds no further one waits for those.
    """

    def __init__(self, open_one: Callable[[], Awaitable[SMTP]], mails_per_connection_max: int) -> None:
        self._open_one = open_one
        self._mails_max = mails_per_connection_max
        self._idle: list[Connection] = []
        self._lent = 0
        self._opening = 0
        self._granted: int | None = None  # None as long as the server has denied none
        self._ask_again_s = 0.0
        self._returned = asyncio.Event()
        self._failure: SMTPException | OSError | None = None

    def granted(self) -> int | None:
        """How many connections the server grants, and now and then one more; None where it has denied none."""
        return None if self._granted is None else self._granted + self._is_to_ask()

    def _is_to_ask(self) -> bool:
        return asyncio.get_running_loop().time() >= self._ask_again_s

    async def take(self) -> Connection:
        """An idle connection that still seems to live, else a new one. Raises what opening raises."""
        while True:
            connection = self._living() or await self._another()
            if connection is not None:
                self._lent += 1
                return connection
            if not self._idle:
                self._returned.clear()
                await self._returned.wait()
                if self._failure is not None and self._there() == 0:
                    raise self._failure  # nobody has one: a server that cannot be reached is not asked by each in turn

    def _there(self) -> int:
        return self._lent + len(self._idle) + self._opening

    def _living(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.smtp.is_connected:
                return connection
            hang_up(connection.smtp)
        return None

    async def _another(self) -> Connection | None:
        """A new connection; None where there are as many as the server grants."""
        is_further = self._granted is not None and self._there() >= self._granted
        if is_further and not self._is_to_ask():
            return None
        self._opening += 1
        try:
            connection = Connection(await self._open_one())
        except (SMTPException, OSError) as error:
            others = self._there() - 1
            if others == 0 or isinstance(error, SMTPAuthenticationError):
                self._failure = error
                self._returned.set()
                raise
            # One that has just been replaced may still count with the server for a moment.
            is_fewer = self._granted is not None and others < self._granted
            pause_s = REPLACED_S if is_fewer else ASK_AGAIN_S
            self._granted, self._ask_again_s = others, asyncio.get_running_loop().time() + pause_s
            return None
        finally:
            self._opening -= 1
        self._failure = None
        if is_further:
            self._granted = None
        elif self._granted is not None:  # others were denied while this one was being opened
            self._granted = max(self._granted, self._lent + len(self._idle) + 1)
        return connection

    def drop(self, connection: Connection) -> None:
        """Close a connection of which nobody knows what its next reply would belong to."""
        hang_up(connection.smtp)
        self._lent -= 1
        self._returned.set()

    def give_back(self, connection: Connection) -> None:
        """Keep the connection for the next mail, or close it if it has carried its share."""
        self._lent -= 1
        self._returned.set()
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
