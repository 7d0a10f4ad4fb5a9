"""The demo's providers: servers on this machine that speak the real protocols."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import Self

from parcours.demo.people import DEAD_PREFIX, REFUSED_SUFFIX
from parcours.testing.doubles import FcmServer, SmtpServer, TwilioServer

USERNAME, PASSWORD = "luma", "only-on-this-machine"
NO_SUCH_MAILBOX = "550 5.1.1 No such mailbox here"


class Providers:
    """A mail server, an SMS provider and a push provider for the length of a `with`.

    The mail server asks for STARTTLS and a login. Like the real ones, it refuses mailboxes that are gone, and
    the push provider tokens that are dead.
    """

    def __init__(self) -> None:
        self._smtp = SmtpServer(tls="starttls", username=USERNAME, password=PASSWORD, refuses=_refusal)
        self._twilio = TwilioServer()
        self._fcm = FcmServer(dead=lambda token: token.startswith(DEAD_PREFIX))
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            for server in (self._smtp, self._twilio, self._fcm):
                opening.enter_context(server)
            self._opened = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    @property
    def channels(self) -> dict[str, dict[str, object]]:
        """The `channels` of parcours.yaml that lead to these servers."""
        return {
            "email": {
                "host": self._smtp.host,
                "port": self._smtp.port,
                "username": USERNAME,
                "password": PASSWORD,
                "sender": "Luma <shop@luma.example>",
                "tls": "starttls",
                "ca_file": str(self._smtp.ca_file),
                "client_name": "demo.luma.example",
            },
            "sms": {
                "account": self._twilio.account,
                "token": self._twilio.token,
                "sender": "+15005550006",
                "base_url": self._twilio.url,
            },
            "push": {"service_account": self._fcm.service_account_json, "endpoint": self._fcm.url},
        }

    @property
    def mails_received(self) -> int:
        """The number of mails in the mail server's mailboxes."""
        return len(self._smtp.mailbox)

    @property
    def texts_received(self) -> int:
        """The number of text messages that the SMS provider took in."""
        return len(self._twilio.messages)

    @property
    def pushes_received(self) -> int:
        """The number of push messages that the push provider took in."""
        return len(self._fcm.messages)


def _refusal(address: str) -> str | None:
    """The mail server's refusal of this recipient, None where it takes the mail."""
    local, _, _ = address.partition("@")
    return NO_SUCH_MAILBOX if local.endswith(REFUSED_SUFFIX) else None
