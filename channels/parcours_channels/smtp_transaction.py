"""One mail from MAIL FROM to the reply after the final dot, stage by stage.

The stages are kept apart because the same broken connection means "not sent" before the body and "nobody
knows" after it. aiosmtplib runs DATA and body as one step, so the body is written here.
"""

from __future__ import annotations

import re

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPServerDisconnected,
)

from parcours.channel import Attempt
from parcours_channels.smtp_codes import Stage
from parcours_channels.smtp_pool import hang_up

DOT_AT_LINE_START = re.compile(rb"(?m)^\.")
START_INPUT = 354
COMPLETED = range(200, 300)
TURNED_AWAY = range(400, 600)
RESET_TIMEOUT_S = 5.0
"""How long a server that has said no may take to begin anew, before its connection is given up."""

NON_ASCII_REFUSED = 553
"""RFC 6531: the code for an address that needs SMTPUTF8 where it is not offered."""


class Transaction:
    """Runs once. After a failure `stage` says how far it came."""

    def __init__(self, smtp: SMTP, attempt: Attempt) -> None:
        self._smtp = smtp
        self._attempt = attempt
        self.stage: Stage = "mail"

    async def run(self, sender: str, to: str, mail: bytes) -> SMTPResponseException | None:
        """Hand the mail over; the connection is ready for another one afterwards, or closed. `to` is normalized.

        Returns the reply that turned it away, None if it was taken. Raises SMTPException or OSError if the
        connection fails.
        """
        try:
            await self._hand_over(sender, to, mail)
        except SMTPResponseException as refusal:
            if self._attempt.departed and refusal.code not in TURNED_AWAY:
                # Such as a line that is no reply, or one too long to be read: nobody knows what it would have said.
                raise SMTPException(f"{self.stage}: {refusal.code} {refusal.message}") from refusal
            await self._take_back()
            return refusal
        return None

    async def _hand_over(self, sender: str, to: str, mail: bytes) -> None:
        utf8 = not to.isascii()
        if utf8 and not self._smtp.supports_extension("smtputf8"):
            self.stage = "rcpt"
            raise SMTPRecipientRefused(NON_ASCII_REFUSED, "5.6.7 the server takes ASCII addresses only", to)
        encoding = "utf-8" if utf8 else "ascii"
        await self._smtp.mail(sender, options=["SMTPUTF8"] if utf8 else [], encoding=encoding)
        self.stage = "rcpt"
        await self._smtp.rcpt(to, encoding=encoding)
        self.stage = "body"
        await self._hand_over_body(mail)

    async def _take_back(self) -> None:
        try:
            await self._smtp.rset(timeout=RESET_TIMEOUT_S)
        except SMTPException:
            hang_up(self._smtp)  # the refusal stands; the connection is of no more use

    async def _hand_over_body(self, mail: bytes) -> None:
        start = await self._smtp.execute_command(b"DATA")
        if start.code != START_INPUT:
            raise SMTPDataError(start.code, start.message)
        if self._smtp.protocol is None:
            raise SMTPServerDisconnected("Connection lost")
        self._attempt.departed = True
        self._smtp.protocol.write(DOT_AT_LINE_START.sub(b"..", mail) + b".\r\n")
        reply = await self._smtp.protocol.read_response(self._smtp.timeout)
        if reply.code not in COMPLETED:
            raise SMTPDataError(reply.code, reply.message)
