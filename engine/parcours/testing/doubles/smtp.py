"""A mail server for tests: real SMTP on a free loopback port, with a mailbox to inspect.

It speaks STARTTLS and AUTH if asked to, refuses the recipients that it is told to refuse, and can fail at each stage of
a transaction. A mail is in `mailbox` once it was taken in up to the final dot.
"""

from __future__ import annotations

import asyncio
import functools
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias, assert_never

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from parcours.testing.doubles.certificate import server_context, write_certificate
from parcours.testing.doubles.faults import Drop, Hang, Reply, Script
from parcours.testing.doubles.loop_thread import LoopThread

Stage: TypeAlias = Literal["mail", "rcpt", "body"]
"""The stage of a fault: at MAIL FROM, at RCPT TO, or after the final dot of the body."""

SmtpFault: TypeAlias = Reply | Drop | Hang


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as it was taken in: `to` is the envelope's recipient, `raw` the whole message."""

    message_id: str
    sender: str
    to: str
    raw: bytes


class SmtpServer:
    """A mail server for the length of a `with`.

    tls                 none, starttls (required of the client), or implicit (TLS from the first byte)
    username, password  if given, a client has to log in
    refuses             called with each recipient: None takes it, a line such as `550 5.1.1 Unknown` refuses
    smtputf8            whether it offers SMTPUTF8
    connections_max     a further connection is greeted with 421, None for any number
    """

    host = "127.0.0.1"

    def __init__(
        self,
        *,
        tls: Literal["none", "starttls", "implicit"] = "none",
        username: str | None = None,
        password: str | None = None,
        refuses: Callable[[str], str | None] = lambda address: None,
        smtputf8: bool = True,
        connections_max: int | None = None,
    ) -> None:
        self.port = 0
        self.mailbox: list[Mail] = []
        self.connections = 0
        self.ca_file: Path | None = None
        """The certificate that a client has to trust, None without TLS."""

        self._tls = tls
        self._login = None if username is None else (username, password or "")
        self._refuses = refuses
        self._smtputf8 = smtputf8
        self._connections_max = connections_max
        self._scripts: dict[Stage, Script[SmtpFault]] = {"mail": Script(), "rcpt": Script(), "body": Script()}
        self._thread = LoopThread("SmtpServer")
        self._open_connections: list[SMTP] = []
        self._cleanup = ExitStack()

    def next(self, stage: Stage, fault: SmtpFault, times: int = 1) -> None:
        """Give the next `times` transactions that reach this stage the fault there."""
        self._scripts[stage].add(fault, times)

    def faults_to_come(self) -> int:
        """How many of those faults no transaction has met yet."""
        return sum(map(len, self._scripts.values()))

    def hang_up(self) -> None:
        """Break every open connection, as a server does that has been idle for long."""
        self._thread.call(self._abort_all())

    def cut_off(self) -> None:
        """Refuse new connections from now on; open ones go on."""
        self._thread.call(self._stop_listening())

    def __enter__(self) -> Self:
        self._cleanup.enter_context(self._thread)
        folder = Path(self._cleanup.enter_context(tempfile.TemporaryDirectory(prefix="smtp-double-")))
        self._thread.call(self._open(folder))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.call(self._close())
        self._cleanup.close()

    async def _open(self, folder: Path) -> None:
        context = None
        if self._tls != "none":
            certificate_file, key_file = write_certificate(folder, self.host)
            context = server_context(certificate_file, key_file)
            self.ca_file = certificate_file
        connection = functools.partial(
            _Connection,
            self._open_connections,
            _Handler(self.mailbox, self._refuses, self._scripts, login_required=self._login is not None),
            hostname="localhost",
            enable_SMTPUTF8=self._smtputf8,
            tls_context=context if self._tls == "starttls" else None,
            require_starttls=self._tls == "starttls",
            authenticator=self._authenticate,
            # Without STARTTLS the library offers AUTH only if told that the connection is safe, which loopback is.
            auth_require_tls=self._tls == "starttls" or self._login is None,
        )

        def connect() -> asyncio.Protocol:
            if self._connections_max is not None and len(self._open_connections) >= self._connections_max:
                return _TooMany()
            self.connections += 1
            return connection(loop=asyncio.get_running_loop())

        self._listener = await asyncio.get_running_loop().create_server(
            connect, self.host, 0, ssl=context if self._tls == "implicit" else None
        )
        self.port = self._listener.sockets[0].getsockname()[1]

    async def _stop_listening(self) -> None:
        self._listener.close()

    async def _close(self) -> None:
        await self._stop_listening()
        await self._abort_all()

    async def _abort_all(self) -> None:
        for connection in self._open_connections:
            _abort(connection)

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
    ) -> AuthResult:
        assert isinstance(data, LoginPassword), "only PLAIN and LOGIN are offered"
        given = (data.login.decode(), data.password.decode())
        return AuthResult(success=given == self._login, handled=given == self._login)


class _Connection(SMTP):
    """A connection that is among the open ones until it is lost."""

    def __init__(self, opened: list[SMTP], *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self._opened = opened
        opened.append(self)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        if self in self._opened:
            self._opened.remove(self)


class _TooMany(asyncio.Protocol):
    """The server's greeting to whom it has no connection left for."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport), "a connection can be written to"
        transport.write(b"421 4.7.0 too many connections\r\n")
        transport.close()


class _Handler:
    """The server's behaviour at each stage of a transaction; the method names are aiosmtpd's hooks."""

    def __init__(
        self,
        mailbox: list[Mail],
        refuses: Callable[[str], str | None],
        scripts: dict[Stage, Script[SmtpFault]],
        *,
        login_required: bool,
    ) -> None:
        self._mailbox = mailbox
        self._login_required = login_required
        self._refuses = refuses
        self._scripts = scripts
        self._headers = BytesHeaderParser()

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._login_required and not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return await self._misbehave("mail", server) or "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        fault = await self._misbehave("rcpt", server)
        refusal = fault or self._refuses(address)
        if refusal is not None:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        fault = self._scripts["body"].take()
        if isinstance(fault, Reply):
            return fault.line
        raw = envelope.original_content or b""
        message_id = str(self._headers.parsebytes(raw)["Message-ID"] or "")
        for address in envelope.rcpt_tos:
            self._mailbox.append(Mail(message_id, envelope.mail_from or "", address, raw))
        return await _carry_out(fault, server) or "250 OK"

    async def _misbehave(self, stage: Stage, server: SMTP) -> str | None:
        return await _carry_out(self._scripts[stage].take(), server)


async def _carry_out(fault: SmtpFault | None, server: SMTP) -> str | None:
    match fault:
        case None:
            return None
        case Reply(line):
            return line
        case Drop():
            _abort(server)
            return "421 gone"
        case Hang():
            await asyncio.Event().wait()  # ended by cancellation, when the double is closed
            return None
        case _:
            assert_never(fault)


def _abort(connection: SMTP) -> None:
    if isinstance(connection.transport, asyncio.WriteTransport):
        connection.transport.abort()
