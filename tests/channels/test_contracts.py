"""Do the built-in channels keep the promises that the engine relies on?"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from parcours.testing.contracts import ChannelContract
from parcours.testing.doubles import Drop, FcmServer, Hang, Reply, SmtpServer, TwilioServer
from parcours.testing.doubles import fcm as fcm_double
from parcours.testing.doubles import twilio as twilio_double
from parcours_channels.email import EmailChannel
from parcours_channels.push import PushChannel
from parcours_channels.sms import SmsChannel

PUBLIC_URL = "https://journeys.luma.example/webhooks/sms"


class TestEmail(ChannelContract[SmtpServer]):
    channel = EmailChannel
    content = {"subject": "Your cart waits", "text": "Come back", "mjml": "<mjml><mj-body></mj-body></mjml>"}
    entry_point = "email"

    def provider(self) -> AbstractContextManager[SmtpServer]:
        return SmtpServer(tls="starttls", username="luma", password="secret")

    def settings(self, provider: SmtpServer) -> dict[str, Any]:
        return {
            "host": provider.host,
            "port": provider.port,
            "ca_file": provider.ca_file,
            "username": "luma",
            "password": "secret",
            "sender": "Luma <shop@luma.example>",
            "client_name": "localhost",
        }

    def address(self, number: int) -> str:
        return f"person{number}@mail.example"

    def taken(self, provider: SmtpServer) -> int:
        return len(provider.mailbox)

    def identities(self, provider: SmtpServer) -> list[str]:
        return [mail.message_id for mail in provider.mailbox]

    def refuse_next(self, provider: SmtpServer) -> None:
        provider.next("rcpt", Reply("550 5.1.1 No such user"))

    def slow_down_next(self, provider: SmtpServer) -> None:
        provider.next("rcpt", Reply("451 4.7.1 Greylisted"))

    def break_next(self, provider: SmtpServer) -> None:
        provider.next("body", Drop())

    def hang_next(self, provider: SmtpServer) -> None:
        provider.next("body", Hang())

    def cut_off(self, provider: SmtpServer) -> None:
        provider.cut_off()


class TestSms(ChannelContract[TwilioServer]):
    channel = SmsChannel
    content = {"text": "Your cart waits"}
    entry_point = "sms"

    def provider(self) -> AbstractContextManager[TwilioServer]:
        return TwilioServer()

    def settings(self, provider: TwilioServer) -> dict[str, Any]:
        return {
            "account": provider.account,
            "token": provider.token,
            "sender": "+33600000000",
            "base_url": provider.url,
            "public_url": PUBLIC_URL,
        }

    def address(self, number: int) -> str:
        return f"+336123456{number:02}"

    def taken(self, provider: TwilioServer) -> int:
        return len(provider.messages)

    def identities(self, provider: TwilioServer) -> list[str]:
        return [str(message.status_callback) for message in provider.messages]

    def refuse_next(self, provider: TwilioServer) -> None:
        provider.next(twilio_double.error(400, 21610, "Attempt to send to unsubscribed recipient"))

    def slow_down_next(self, provider: TwilioServer) -> float:
        provider.next(twilio_double.error(429, 20429, "Too Many Requests", retry_after_s=7))
        return 7.0

    def break_next(self, provider: TwilioServer) -> None:
        provider.next(Drop())

    def hang_next(self, provider: TwilioServer) -> None:
        provider.next(Hang())

    def cut_off(self, provider: TwilioServer) -> None:
        provider.cut_off()


class TestPush(ChannelContract[FcmServer]):
    channel = PushChannel
    content = {"title": "Your cart waits", "body": "Come back", "data": {"url": "https://luma.example/cart"}}
    entry_point = "push"

    def provider(self) -> AbstractContextManager[FcmServer]:
        return FcmServer(validate=True)

    def settings(self, provider: FcmServer) -> dict[str, Any]:
        return {"service_account": provider.service_account_json, "endpoint": provider.url}

    def address(self, number: int) -> str:
        return f"token-{number}"

    def taken(self, provider: FcmServer) -> int:
        return len(provider.messages)

    def refuse_next(self, provider: FcmServer) -> None:
        provider.next(fcm_double.error("UNREGISTERED"))

    def slow_down_next(self, provider: FcmServer) -> float:
        provider.next(fcm_double.error("QUOTA_EXCEEDED", retry_after_s=30))
        return 30.0

    def break_next(self, provider: FcmServer) -> None:
        provider.next(Drop())

    def hang_next(self, provider: FcmServer) -> None:
        provider.next(Hang())

    def cut_off(self, provider: FcmServer) -> None:
        provider.cut_off()
