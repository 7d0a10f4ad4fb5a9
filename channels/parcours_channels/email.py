"""Mail over SMTP: each recipient a transaction of its own, over a small pool of connections.

A mail counts as departed when its body is about to be written after the server's 354. Until then nothing
can have been taken over; from then on only the server's reply tells.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPException,
    SMTPResponseException,
    SMTPServerDisconnected,
)
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from parcours.channel import (
    Accepted,
    Attempt,
    Delivery,
    DeliveryLinks,
    Feedback,
    Finding,
    LinkedChannel,
    NotSent,
    Reaction,
    Receipt,
    Refused,
    SideBySide,
    WebhookRequest,
)
from parcours_channels.email_address import normal_address
from parcours_channels.email_content import EmailContent, holds_several, mailbox
from parcours_channels.email_links import linked
from parcours_channels.email_reports import read_mail
from parcours_channels.html_text import text_of, with_preheader
from parcours_channels.mime import address_of, domain_of, encode_mail, message_id
from parcours_channels.smtp_codes import DEAD_MAILBOX, receipt_of_reply
from parcours_channels.smtp_pool import Connection, SmtpPool, hang_up
from parcours_channels.smtp_transaction import Transaction


class EmailSettings(BaseModel):
    """Where mail is handed in, and in whose name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(description="Name or address of the submission server.")
    port: int = Field(587, ge=1, le=65535, description="587 with starttls, 465 with implicit TLS.")
    username: str | None = Field(None, description="User name to log in with; without it there is no login.")
    password: SecretStr | None = Field(None, description="Password to log in with.")
    sender: str = Field(description="Who mails come from: shop@luma.example or Luma <shop@luma.example>.")
    tls: Literal["starttls", "implicit", "none"] = Field(
        "starttls",
        description="starttls and implicit never fall back to plain text; none is for a local relay.",
    )
    ca_file: Path | None = Field(None, description="PEM file of a private authority that the server is trusted by.")
    connections_max: int = Field(
        4, ge=1, description="Connections open at once, and mails under way; one carries about 260 mails/s."
    )
    mails_per_connection_max: int = Field(
        500, ge=1, description="Mails after which a connection is replaced; servers dislike endless ones."
    )
    timeout_s: Annotated[float, Field(gt=0)] = Field(
        50.0, description="How long one call of send may take; keep it below the engine's send_timeout_s."
    )
    connect_timeout_s: Annotated[float, Field(gt=0)] = Field(
        10.0, description="How long a server may take to greet, secure the connection and log in."
    )
    client_name: str | None = Field(None, description="Name given in EHLO; without it this machine's own.")

    @field_validator("host")
    @classmethod
    def _can_be_looked_up(cls, host: str) -> str:
        try:
            host.encode("idna")  # as it will be when it is looked up
        except UnicodeError:
            raise ValueError("needs the name or address of a host; no label of a name is empty or very long") from None
        return host

    @field_validator("sender")
    @classmethod
    def _has_a_domain(cls, sender: str) -> str:
        if not domain_of(sender) or not sender.isprintable() or not address_of(sender).isascii():
            raise ValueError("needs an address in ASCII with a domain, such as Luma <shop@luma.example>")
        if holds_several(sender):
            raise ValueError("holds more than one address, or a name that needs double quotes around it")
        return sender

    @model_validator(mode="after")
    def _login_is_whole(self) -> EmailSettings:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together")
        return self


class EmailChannel(LinkedChannel):
    """The channel `email`."""

    Settings: ClassVar[type[BaseModel]] = EmailSettings
    Content: ClassVar[type[BaseModel]] = EmailContent
    address_kind: ClassVar[str] = "email"
    dead_codes: ClassVar[frozenset[str]] = DEAD_MAILBOX
    proves_reports: ClassVar[bool] = False
    reports: ClassVar[frozenset[Reaction]] = frozenset({"delivered", "bounced", "complained", "failed"})
    reports_by_links: ClassVar[frozenset[Reaction]] = frozenset({"opened", "clicked", "unsubscribed"})

    def __init__(self, settings: EmailSettings) -> None:
        self._settings = settings
        self._side_by_side = SideBySide(settings.connections_max, settings.timeout_s, one_provider=True)
        self._pool = SmtpPool(self._connect, settings.mails_per_connection_max)
        self._tls_context: ssl.SSLContext | None = None

    @property
    def capacity(self) -> int:
        """As many as there can be connections, or as the server grants."""
        return min(self._settings.connections_max, self._pool.granted() or self._settings.connections_max)

    async def start(self) -> None:
        """Read the certificates. Raises OSError if `ca_file` cannot be read; connects to nobody yet."""
        if self._settings.tls != "none":
            self._tls_context = ssl.create_default_context(cafile=self._settings.ca_file)

    async def send(self, deliveries: Sequence[Delivery]) -> list[Receipt]:
        return await self._side_by_side.send(deliveries, self._send_one)

    async def stop(self) -> None:
        await self._pool.close()

    @staticmethod
    def normalize(address: str, region: str | None) -> str:
        return normal_address(address)

    @staticmethod
    def check(content: Any) -> list[Finding]:
        assert isinstance(content, EmailContent), "the engine hands over the channel's own content"
        empty = not content.subject, not (content.text or "").strip() and not (content.html or "").strip()
        words = "the subject is empty", "the mail has no text"
        return [Finding(text) for text, is_so in zip(words, empty, strict=True) if is_so]

    @staticmethod
    def with_links(content: Any, links: DeliveryLinks) -> BaseModel:
        assert isinstance(content, EmailContent), "the engine hands over the channel's own content"
        return linked(content, links)

    def read_feedback(self, request: WebhookRequest) -> list[Feedback]:
        """What a mail that came back reports on the delivery of the request's key; without one it is about nobody."""
        return [] if request.key is None else read_mail(request.key, request.body)

    async def _connect(self) -> SMTP:
        """A connection that is logged in. Raises what aiosmtplib raises, and TimeoutError."""
        async with asyncio.timeout(self._settings.connect_timeout_s):
            return await self._log_in()

    async def _log_in(self) -> SMTP:
        settings = self._settings
        smtp = SMTP(
            hostname=settings.host,
            port=settings.port,
            local_hostname=settings.client_name,
            timeout=settings.timeout_s,
            use_tls=settings.tls == "implicit",
            start_tls=settings.tls == "starttls",
            tls_context=self._tls_context,
        )
        await smtp.connect()
        try:
            if smtp.is_ehlo_or_helo_needed:
                await smtp.ehlo()
            if settings.username is not None and settings.password is not None:
                await smtp.login(settings.username, settings.password.get_secret_value())
        except BaseException:
            hang_up(smtp)
            raise
        return smtp

    async def _send_one(self, delivery: Delivery, attempt: Attempt) -> Receipt:
        content = delivery.content
        assert isinstance(content, EmailContent), "the engine hands over the channel's own content"
        try:
            to = normal_address(delivery.to)
        except ValueError as error:
            return Refused(delivery.key, f"not an address: {error}", permanent=True)
        try:
            mail = self._encoded(delivery, to, content)
        except ValueError as error:
            return Refused(delivery.key, f"reply_to {error}")
        return await self._hand_in(delivery, to, mail, attempt)

    def _encoded(self, delivery: Delivery, to: str, content: EmailContent) -> bytes:
        """The mail as it leaves. Raises ValueError if answers cannot go where they should."""
        html = content.html
        if html is not None and content.preheader:
            html = with_preheader(html, content.preheader)
        return encode_mail(
            key=delivery.key,
            sender=self._settings.sender,
            to=to,
            subject=content.subject,
            text=text_of(content.html) if content.text is None and content.html is not None else content.text,
            html=html,
            at_ms=delivery.at_ms or None,
            reply_to=None if content.reply_to is None else mailbox(content.reply_to),
            headers=content.headers or {},
        )

    async def _hand_in(self, delivery: Delivery, to: str, mail: bytes, attempt: Attempt) -> Receipt:
        while True:
            try:
                connection = await self._pool.take()
            except SMTPAuthenticationError as error:
                reason = f"the server refused the user name or the password: {error.code} {error.message}"
                return NotSent(delivery.key, reason, code=str(error.code), of_channel=True)
            except SMTPResponseException as error:
                return receipt_of_reply(delivery.key, "connect", error.code, error.message)
            except SMTPException as error:
                return NotSent(delivery.key, f"connect: {error}", of_channel=True)
            except TimeoutError:
                reason = f"connect: no answer within connect_timeout_s={self._settings.connect_timeout_s:g}"
                return NotSent(delivery.key, reason, of_channel=True)
            try:
                return await self._transact(connection, delivery, to, mail, attempt)
            except SMTPServerDisconnected:
                # A server may hang up on an idle connection at any time; each round uses up one of those.
                if connection.is_fresh or attempt.departed:
                    raise

    async def _transact(
        self, connection: Connection, delivery: Delivery, to: str, mail: bytes, attempt: Attempt
    ) -> Receipt:
        transaction = Transaction(connection.smtp, attempt)
        sender = self._settings.sender
        try:
            refusal = await transaction.run(delivery.return_path or address_of(sender), to, mail)
        except BaseException:
            self._pool.drop(connection)
            raise
        self._pool.give_back(connection)
        if refusal is None:
            return Accepted(delivery.key, message_id(delivery.key, sender))
        return receipt_of_reply(delivery.key, transaction.stage, refusal.code, refusal.message)
